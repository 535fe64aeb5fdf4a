"""An inverted file over kept vectors that finds a cover without comparing all of them.

It only proposes. A cover that it finds is verified exactly. If it finds none, the caller searches
exhaustively, always or for a share of the vectors, and the misses are counted here.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tamis.algo.k_means import spherical_k_means
from tamis.algo.sieve.exact_search import Nearest, dot_rounding, pick_nearest

if TYPE_CHECKING:
    from tamis.algo.sieve.kept import KeptVectors
    from tamis.types import Indices, Vectors

__all__ = ["IndexMisses", "InvertedFile"]

_CELLS_PER_ROOT = 2.0  # cells = 2 sqrt(M)
_TRAINING_ROWS_PER_CELL = 64
_TRAINING_ROUNDS = 8
_FIRST_PROBES = 8
_MISS_TARGET = 0.01
_CONFIRMATIONS_PER_REVIEW = 256


@dataclass
class IndexMisses:
    """How often the index missed a cover.

    Attributes:
        confirmed: vectors without a cover in the index that were then searched exhaustively.
        missed: those of them that did have a cover; they were dropped correctly.
        unconfirmed: vectors kept without an exhaustive search.
    """

    confirmed: int = 0
    missed: int = 0
    unconfirmed: int = 0

    @property
    def upper_bound(self) -> float:
        """A 95% upper confidence bound on the share of unconfirmed vectors that have a cover.

        Clopper and Pearson 1934; 1 before anything was confirmed.
        """
        if self.missed >= self.confirmed:
            return 1.0
        from scipy.special import betaincinv

        return float(betaincinv(self.missed + 1, self.confirmed - self.missed, 0.95))


class InvertedFile:
    """Kept vectors ordered by the nearest of about `2 sqrt(M)` centroids.

    Building reorders `kept` so that each cell's vectors are contiguous, closing all gaps. Vectors
    kept later have positions from `size` on and are not indexed. O(M^1.5 D) time to build.

    Attributes:
        size: number of rows of `kept` in the index.
        probes: maximum number of cells to search.
        misses: how often it failed; the caller counts, and `review` acts on it.
    """

    def __init__(self, kept: KeptVectors, misses: IndexMisses, rng: np.random.Generator) -> None:
        alive = kept.by_age()
        count = max(1, int(_CELLS_PER_ROOT * math.sqrt(alive.size)))
        clusters = spherical_k_means(
            kept.vectors[alive],
            count,
            rounds=_TRAINING_ROUNDS,
            rows_per_cluster=_TRAINING_ROWS_PER_CELL,
            seeding="random",
            rng=rng,
        )
        kept.rearrange(alive[np.argsort(clusters.labels, kind="stable")])
        self.size = alive.size
        self.probes = _FIRST_PROBES
        self.misses = misses
        self._kept = kept
        self._centroids = clusters.centroids
        occupancy = np.bincount(clusters.labels, minlength=self._centroids.shape[0])
        self._start: Indices = np.concatenate([[0], np.cumsum(occupancy)])
        self._reviewed = (misses.confirmed, misses.missed)

    def find_cover(self, X: Vectors, threshold: float) -> Nearest:
        """Find for each row a kept vector of at least this similarity, or the nearest searched.

        Cells are searched from the nearest on until one contains a cover. Each row is searched
        separately, so its result does not depend on the others.
        """
        result = Nearest.none(X.shape[0])
        for row in range(X.shape[0]):
            found = self._find_one(X[row : row + 1], threshold)
            result.position[row] = found.position[0]
            result.similarity[row] = found.similarity[0]
        return result

    def _find_one(self, x: Vectors, threshold: float) -> Nearest:
        best = Nearest.none(1)
        nearness = self._centroids @ x[0]
        for cell in self._nearest_cells(nearness).tolist():
            found = self._look_into(cell, x, threshold)
            if found.similarity[0] > best.similarity[0]:
                best = found
            if best.similarity[0] >= threshold:
                break
        return best

    def _nearest_cells(self, nearness: Vectors) -> Indices:
        if self.probes >= nearness.size:
            return np.argsort(-nearness, kind="stable")
        chosen = np.argpartition(-nearness, self.probes)[: self.probes]
        return chosen[np.argsort(-nearness[chosen], kind="stable")]

    def _look_into(self, cell: int, x: Vectors, threshold: float) -> Nearest:
        begin, end = int(self._start[cell]), int(self._start[cell + 1])
        if begin == end:
            return Nearest.none(1)
        products = self._kept.vectors[begin:end] @ x[0]
        if self._kept.has_gaps:
            products[~self._kept.alive[begin:end]] = -np.inf
        highest = products.max()
        if highest == -np.inf:
            return Nearest.none(1)
        slack = np.float32(2.0 * dot_rounding(x.shape[1]))
        position = begin + np.flatnonzero(products >= highest - slack)
        return pick_nearest(x, self._kept, threshold, np.zeros_like(position), position)

    def review(self) -> None:
        """Search twice as many cells if more than 1% of the last confirmations were misses."""
        confirmed, missed = self._reviewed
        recent = self.misses.confirmed - confirmed
        if recent < _CONFIRMATIONS_PER_REVIEW:
            return
        if self.misses.missed - missed > _MISS_TARGET * recent:
            self.probes = min(2 * self.probes, self._centroids.shape[0])
        self._reviewed = (self.misses.confirmed, self.misses.missed)
