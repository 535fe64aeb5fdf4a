"""Splits: groups stay whole; sizes, categories and time fit; and measures of what came of it."""

from tamis.algo.splits.grouped import assign_splits, split_targets

__all__ = ["assign_splits", "split_targets"]
