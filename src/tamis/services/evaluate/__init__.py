"""Evaluation: a layer of predictions beside the truth."""
