"""Strategies that need class probabilities of every row, and so a model."""
