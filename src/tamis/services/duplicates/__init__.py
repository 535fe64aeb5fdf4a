"""Copies and changed versions of pictures: find them, and mark all but the best of each group."""
