"""Texts for an encoder that reads none: a map from its space to that of one that does."""
