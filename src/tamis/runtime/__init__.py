"""Long work over many pictures: ingest and embed."""
