"""How far rows of an inverted file must reach, so that what was asked is found.

For all pairs over a similarity that is geometry, and nothing is left out. The nearest rows of each
row may lie at any distance; there the reach is measured on rows whose neighbors are known.
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
"""No unit vector lies farther from a border than 1."""

_CHOSEN_ON, _CHECKED_ON = 500, 1000
_BLOCK_ROWS = 256
_SURPRISE = math.log(1 / 0.05)
_ROUNDING = 1e-5


class Reach(NamedTuple):
    """How far rows reach, and the recall of the neighbors found that way.

    `recall` is measured, and `low` is the end of its one-sided 95% confidence interval.
    """

    reach: float
    recall: float
    low: float

    @property
    def sure_from(self) -> float:
        """The similarity from which every pair is compared."""
        return max(-1.0, 1.0 - 2.0 * self.reach**2)


def reach_for_similarity(lowest: float) -> float:
    """Return the reach at which no pair of a similarity of at least `lowest` is left out.

    >>> round(reach_for_similarity(0.92), 3)
    0.2
    """
    return math.sqrt(max(0.0, 2.0 - 2.0 * lowest) + _ROUNDING) / 2.0


def reach_for_neighbors(
    X: Vectors, file: InvertedFile, k: int, wanted: float, rng: np.random.Generator
) -> Reach:
    """Find the least reach at which a share `wanted` of the `k` nearest rows is found.

    The neighbors of sampled rows are found exactly. The reach is chosen on 500 of these rows and
    the recall measured on 1,000 others; while its lower confidence bound is under `wanted`, more
    is read, in the end everything.

    Near pairs may be so rare that no sample holds one. They are not left to it: of the distances
    to the k-th nearest row, take the one that nine rows in ten do not exceed; every pair at most
    half as far apart is compared.

    Args:
        X: `[N, D]` unit vectors.
        file: the inverted file of `X`.
        k: neighbors a row, at least 1 and under N.
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
    # Not the median: where most rows have many copies, the others' copies are near as well.
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
    """Return what the true mean of shares is not under, with a confidence of 95%.

    Holds for shares in [0, 1] of any distribution, one a row (Hoeffding 1963, theorem 1).

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
    """Kullback-Leibler divergence of two coins, for q under p."""
    if q <= 0.0:
        return math.inf
    same = p * math.log(p / q)
    return same if p >= 1.0 else same + (1.0 - p) * math.log((1.0 - p) / (1.0 - q))


def _needed(X: Vectors, file: InvertedFile, sample: Indices, k: int) -> tuple[Vectors, Vectors]:
    """The reach `[S, k]` that finds each neighbor of sampled rows, and the k-th's similarity."""
    found, similarity = exact_search(X[sample], X, k + 1)
    # Among many equal rows a row need not be among its own nearest, so it is looked for.
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
