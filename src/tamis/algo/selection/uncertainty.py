"""Model uncertainty: entropy over all classes, or margin between the two most likely."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tamis.algo.selection.pool import Pool, Stage, take_in_order

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["entropy", "margin", "margin_uncertainty"]


def entropy(pool: Pool, n: int) -> Stage:
    """Pick the rows of highest entropy; scores are entropies relative to the maximum, log(K)."""
    likely = pool.needs_probabilities("entropy").astype(np.float64)
    bits = -(likely * np.log(np.maximum(likely, 1e-12))).sum(axis=1) / np.log(likely.shape[1])
    return _highest(pool, n, bits)


def margin(pool: Pool, n: int) -> Stage:
    """Pick the rows with the smallest margin; scores are one minus the margin."""
    return _highest(pool, n, margin_uncertainty(pool.needs_probabilities("margin")))


def margin_uncertainty(probabilities: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return one minus the difference of the two largest probabilities, `[N]` in [0, 1].

    >>> margin_uncertainty(np.array([[0.5, 0.5, 0], [1, 0, 0]], dtype=np.float32)).tolist()
    [1.0, 0.0]
    """
    best = np.partition(probabilities, -2, axis=1)[:, -2:].astype(np.float64)
    return np.clip(1.0 - (best[:, 1] - best[:, 0]), 0.0, 1.0)


def _highest(pool: Pool, n: int, scores: NDArray[np.float64]) -> Stage:
    order = pool.candidates[np.argsort(-scores[pool.candidates], kind="stable")]
    taken = take_in_order(pool, order, n)
    return Stage(taken, scores[taken])
