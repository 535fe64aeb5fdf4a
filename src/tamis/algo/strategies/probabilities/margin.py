"""Margin: the rows whose two most likely classes are closest."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tamis.algo.selection.strategy import Pool, Stage, Strategy, take_highest

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["margin", "margin_uncertainty"]


def margin(pool: Pool, n: int) -> Stage:
    """Pick the rows with the smallest margin; scores are one minus the margin."""
    return take_highest(pool, n, margin_uncertainty(pool.needs_probabilities("margin")))


def margin_uncertainty(probabilities: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return one minus the difference of the two largest probabilities, `[N]` in [0, 1].

    >>> margin_uncertainty(np.array([[0.5, 0.5, 0], [1, 0, 0]], dtype=np.float32)).tolist()
    [1.0, 0.0]
    """
    best = np.partition(probabilities, -2, axis=1)[:, -2:].astype(np.float64)
    return np.clip(1.0 - (best[:, 1] - best[:, 0]), 0.0, 1.0)


STRATEGY = Strategy(
    margin, reason=lambda pick: f"model unsure between {pick.likeliest}", names_outliers=True
)
