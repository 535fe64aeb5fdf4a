"""Relink: follow pictures that were moved."""
