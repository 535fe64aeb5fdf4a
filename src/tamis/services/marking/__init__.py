"""Marking: tags on pictures, and the boxes of one picture."""
