"""Strategies that look at vectors alone."""
