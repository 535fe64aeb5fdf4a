"""Formats that other tools read and write: annotations in, datasets out."""
