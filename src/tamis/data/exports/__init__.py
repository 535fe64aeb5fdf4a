"""Where rows go: folders, CSV, Parquet."""
