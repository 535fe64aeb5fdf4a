"""Copies: a dataset to an object store and back."""
