"""Edits of single annotations: moved, renamed or removed, with the crops that follow them."""
