"""Since when: the step from which p-values are least like uniform ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.special import gammaln

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["change_point"]


def change_point(
    intervals: NDArray[np.integer], chances: NDArray[np.float64]
) -> tuple[int, NDArray[np.float64]]:
    """Estimate at which step a change began, from intervals of p-values up to an alarm.

    For each step the p-values from there on are taken as draws of one unknown distribution
    (Dirichlet, one half an interval) and those before as uniform; the likeliest step is returned,
    streams taken one by one and the one that changed most followed. An estimate, without an
    interval. O(T S bins).

    Args:
        intervals: `[T, S]` interval of each p-value.
        chances: `[bins]` of the intervals where p-values are uniform.

    Returns:
        The step, from 0, and `[S]` logarithms of how much likelier a change is in each stream.

    Example:
        >>> change_point(np.array([[0], [1], [0], [1], [1], [1], [1], [1]]), np.full(2, 0.5))[0]
        3
    """
    steps, streams = intervals.shape
    if steps == 0:
        return 0, np.zeros(streams)
    prior = np.full(chances.size, 0.5)
    best, gain = np.zeros(streams, np.int64), np.full(streams, -np.inf)
    for stream in range(streams):
        seen = np.zeros((steps, chances.size))
        seen[np.arange(steps), intervals[:, stream]] = 1.0
        later = np.cumsum(seen[::-1], axis=0)[::-1]
        likelihood = (
            gammaln(later + prior).sum(axis=1)
            - gammaln(prior).sum()
            + gammaln(prior.sum())
            - gammaln(later.sum(axis=1) + prior.sum())
            - later @ np.log(chances)
        )
        best[stream] = likelihood.argmax()
        gain[stream] = likelihood.max()
    return int(best[gain.argmax()]), gain
