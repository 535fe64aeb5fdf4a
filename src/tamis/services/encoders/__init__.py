"""Encoders themselves: which there are, whether one works here, and one as a file."""
