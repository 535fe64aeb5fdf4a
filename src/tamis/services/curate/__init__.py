"""Curate: the main job in one go."""
