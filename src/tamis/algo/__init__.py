"""Algorithms: arrays in, arrays out; no paths, stores or models."""
