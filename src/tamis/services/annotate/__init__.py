"""Annotations: brought in from files, set and cleared by hand, and listed by layer."""
