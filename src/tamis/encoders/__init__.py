"""Models that turn pictures into vectors."""
