"""Average precision of a ranking: how well confidences put what is right before what is wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["ranked_precision"]


def ranked_precision(right: NDArray[np.bool_], score: NDArray[np.float64], wanted: int) -> float:
    """Return the mean precision over what is wanted, each at the confidence that reaches it.

    As `average_precision_score` of scikit-learn: predictions of equal confidence count together.
    What was never predicted counts as never reached. O(N log N).

    Args:
        right: of each prediction, `[N]`.
        score: its confidence, `[N]`.
        wanted: how many there are to find; nan if none.

    >>> ranked_precision(np.array([True, False, True]), np.array([0.9, 0.8, 0.7]), 2)
    0.8333333333333333
    """
    if not wanted:
        return float("nan")
    order = np.argsort(-score, kind="stable")
    hits = np.cumsum(right[order], dtype=float)
    last = np.flatnonzero(np.diff(score[order], append=-np.inf))  # the last of equal ones
    precision = hits[last] / (last + 1)
    gained = np.diff(hits[last], prepend=0.0)
    return float((precision * gained).sum() / wanted)
