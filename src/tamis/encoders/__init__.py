"""Encoders: models that turn pictures into vectors."""
