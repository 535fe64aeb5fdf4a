"""Entropy: the rows whose class the model is least sure of, over all classes."""

from __future__ import annotations

import numpy as np

from tamis.algo.selection.strategy import Pool, Stage, Strategy, take_highest

__all__ = ["entropy"]


def entropy(pool: Pool, n: int) -> Stage:
    """Pick the rows of highest entropy; scores are entropies relative to the maximum, log(K)."""
    likely = pool.needs_probabilities("entropy").astype(np.float64)
    bits = -(likely * np.log(np.maximum(likely, 1e-12))).sum(axis=1) / np.log(likely.shape[1])
    return take_highest(pool, n, bits)


STRATEGY = Strategy(
    entropy, reason=lambda pick: f"model unsure, {pick.likeliest} first", names_outliers=True
)
