"""Watching sources: what is new is kept, for as long as they run."""
