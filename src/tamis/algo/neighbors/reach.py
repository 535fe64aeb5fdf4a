"""The reach that rows of an inverted file need to find what was requested.

For all pairs above a similarity the reach follows from geometry, and no pair is missed. The nearest
rows of a row may be at any distance, so for them the reach is measured on sampled rows.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from tamis.algo.exact_neighbors import exact_search

if TYPE_CHECKING:
    from tamis.algo.neighbors.inverted_file import InvertedFile
    from tamis.types import Indices, Vectors

__all__ = ["Reach", "lower_bound", "reach_for_neighbors", "reach_for_similarity"]

_EVERYTHING = 2.0
"""More than enough: no unit vector is farther than 1 from a border."""

_CHOSEN_ON, _CHECKED_ON = 500, 1000
_BLOCK_ROWS = 256
_SURPRISE = math.log(1 / 0.05)
_ROUNDING = 1e-5


class Reach(NamedTuple):
    """How far rows reach, and the resulting recall of neighbors.

    `recall` is measured; `low` is its one-sided 95% lower confidence bound.
    """

    reach: float
    recall: float
    low: float

    @property
    def sure_from(self) -> float:
        """Every pair with at least this similarity is compared."""
        return max(-1.0, 1.0 - 2.0 * self.reach**2)


def reach_for_similarity(lowest: float) -> float:
    """Return the smallest reach that misses no pair with a similarity of at least `lowest`.

    >>> round(reach_for_similarity(0.92), 3)
    0.2
    """
    return math.sqrt(max(0.0, 2.0 - 2.0 * lowest) + _ROUNDING) / 2.0


def reach_for_neighbors(
    X: Vectors, file: InvertedFile, k: int, wanted: float, rng: np.random.Generator
) -> Reach:
    """Find the smallest reach that finds a share `wanted` of the `k` nearest rows.

    The true neighbors of sampled rows are computed. The reach is chosen on 500 of these rows and
    the recall measured on 1,000 others. While its lower confidence bound is below `wanted`, the
    reach grows, in the end to everything.

    Near pairs may be too rare for any sample, so the reach is also large enough to compare every
    pair at most half as far apart as the 90th percentile of the distance to the k-th nearest row.

    Args:
        X: `[N, D]` unit vectors.
        file: the inverted file of `X`.
        k: neighbors per row, at least 1 and less than N.
        wanted: share of the true neighbors to find, in (0, 1].
        rng: draws the sample.
    """
    n = X.shape[0]
    sample = rng.choice(n, min(n, _CHOSEN_ON + _CHECKED_ON), replace=False)
    needed, farthest = _needed(X, file, sample, k)
    complete = sample.size == n
    chosen_on, checked_on = (
        (needed, needed) if complete else (needed[:_CHOSEN_ON], needed[_CHOSEN_ON:])
    )
    # Not the median: if most rows have many copies, the median distance is that between copies.
    usual = float(np.quantile(farthest, 0.1))
    least = reach_for_similarity(1.0 - (1.0 - usual) / 4.0)
    missed = (1.0 - wanted) / 2.0
    while True:
        reach = max(least, float(np.quantile(chosen_on, 1.0 - missed, method="higher")))
        recall = float((checked_on <= reach).mean())
        low = recall if complete else lower_bound(recall, len(checked_on))
        if low >= wanted:
            return Reach(reach, recall, low)
        if reach >= chosen_on.max():
            return Reach(_EVERYTHING, 1.0, 1.0)
        missed /= 2.0


def lower_bound(mean: float, rows: int) -> float:
    """Return a 95% lower confidence bound on a mean of shares.

    Holds for independent shares in [0, 1] of any distribution (Hoeffding 1963, theorem 1).

    >>> round(lower_bound(1.0, 299), 3), round(lower_bound(0.99, 1000), 3)
    (0.99, 0.98)
    """
    low, high = 0.0, mean
    for _ in range(50):
        middle = (low + high) / 2.0
        if _divergence(mean, middle) * rows > _SURPRISE:
            low = middle
        else:
            high = middle
    return low


def _divergence(p: float, q: float) -> float:
    """Kullback-Leibler divergence of two Bernoulli distributions, for q below p."""
    if q <= 0.0:
        return math.inf
    same = p * math.log(p / q)
    return same if p >= 1.0 else same + (1.0 - p) * math.log((1.0 - p) / (1.0 - q))


def _needed(X: Vectors, file: InvertedFile, sample: Indices, k: int) -> tuple[Vectors, Vectors]:
    """Return the reach that finds each neighbor of sampled rows, `[S, k]`; k-th similarities."""
    found, similarity = exact_search(X[sample], X, k + 1)
    # Among many equal rows a row may not be among its own nearest, so search for it.
    others = np.argsort(found == sample[:, None], axis=1, kind="stable")[:, :k]
    near = np.take_along_axis(found, others, axis=1)
    farthest = np.take_along_axis(similarity, others[:, -1:], axis=1)[:, 0]
    needed = np.empty(near.shape, dtype=np.float32)
    for begin in range(0, sample.size, _BLOCK_ROWS):
        right = near[begin : begin + _BLOCK_ROWS]
        left = np.repeat(sample[begin : begin + _BLOCK_ROWS], k)
        needed[begin : begin + _BLOCK_ROWS] = np.minimum(
            file.margins(X, left, file.cell[right.ravel()]),
            file.margins(X, right.ravel(), file.cell[left]),
        ).reshape(right.shape)
    return needed, farthest
