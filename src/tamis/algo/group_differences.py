"""How well one figure tells two groups apart: an effect that sizes can be compared by, and a p."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Difference", "count_difference", "rank_difference"]


class Difference(NamedTuple):
    """How two groups differ.

    Attributes:
        effect: from 0, alike, to 1, told apart without an error.
        p: chance of as much where nothing differs.
    """

    effect: float
    p: float


def count_difference(counts: NDArray[np.int64]) -> Difference:
    """Return how far a category tells two groups apart: Cramér's V, and the p of Pearson's test.

    Args:
        counts: `[2, K]` how many of each group have each value.

    >>> count_difference(np.array([[10, 0], [0, 10]])).effect
    1.0
    >>> count_difference(np.array([[4, 4], [9, 9]]))
    Difference(effect=0.0, p=1.0)
    """
    from scipy.special import gammaincc

    counts = counts[:, counts.sum(axis=0) > 0]
    total = counts.sum()
    sides = counts.sum(axis=1)
    if counts.shape[1] < 2 or not sides.all():  # noqa: PLR2004 - nothing to tell apart
        return Difference(0.0, 1.0)
    expected = np.outer(sides, counts.sum(axis=0)) / total
    statistic = float(((counts - expected) ** 2 / expected).sum())
    p = float(gammaincc((counts.shape[1] - 1) / 2, statistic / 2))
    return Difference(math.sqrt(statistic / total), p)


def rank_difference(a: NDArray[np.float64], b: NDArray[np.float64]) -> Difference:
    """Return how far a number tells two groups apart: |2 AUC - 1|, and the p of Mann and Whitney.

    AUC is the chance that a number of one group is above one of the other, ties by half; p is by
    the normal approximation with its correction for ties. O(N log N).

    Args:
        a: `[N]` finite numbers of one group.
        b: `[M]` of the other.

    >>> rank_difference(np.array([1.0, 2.0]), np.array([3.0, 4.0])).effect
    1.0
    """
    n, m = len(a), len(b)
    if not n or not m:
        return Difference(0.0, 1.0)
    values, codes, ties = np.unique(np.concatenate([a, b]), return_inverse=True, return_counts=True)
    if len(values) == 1:
        return Difference(0.0, 1.0)
    last = np.cumsum(ties)
    ranks = (last - (ties - 1) / 2)[codes.reshape(-1)]
    u = float(ranks[:n].sum()) - n * (n + 1) / 2
    size = n + m
    correction = float((ties.astype(np.float64) ** 3 - ties).sum()) / (size * (size - 1))
    spread = math.sqrt(n * m / 12 * (size + 1 - correction))
    p = math.erfc(abs(u - n * m / 2) / (spread * math.sqrt(2)))
    return Difference(abs(2 * u / (n * m) - 1), p)
