"""Facility location: a set of rows that best represents all rows."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from tamis.algo.exact_neighbors import exact_search
from tamis.algo.greedy import (
    COSINE,
    AllSimilarities,
    GreedyPicks,
    Kernel,
    NearSimilarities,
    lazy_greedy,
    pick_in_parts,
    stochastic_greedy,
)
from tamis.algo.neighbors import knn_graph
from tamis.algo.selection.strategy import PickedRow, Pool, Stage, Strategy
from tamis.algo.unit_vectors import unit_vectors
from tamis.errors import UsageError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tamis.algo.neighbors import KnnGraph
    from tamis.algo.selection.quotas import Allowance
    from tamis.types import Indices, Vectors

__all__ = ["DENSE_LIMIT", "SPARSE_LIMIT", "GreedyPicks", "facility_location"]

DENSE_LIMIT = 8_192
"""Up to this many rows, all similarities are held in memory (256 MB)."""

SPARSE_LIMIT = 200_000
"""Up to this many rows, the nearest rows of each are held, if enough rows are picked."""

_GRAPH_NEIGHBORS = 32
_ROWS_A_PICK = 32
"""With only its 32 nearest rows, a pick represents 32 to about 64 rows. That suffices if there are
fewer than 32 rows per pick: on 12,000 to 60,000 rows the picks reached at least 0.999 of the exact
greedy objective. With more rows per pick it can fail: 6 picks from six clusters of 2,000 reached
0.80, because all went to the densest region; random parts reached 0.999."""

_LARGEST_PART = 65_536
_LEAST_SAMPLE = 4_096


def facility_location(
    X: NDArray[Any],
    n: int,
    *,
    candidates: Indices | None = None,
    chosen: Indices | None = None,
    kernel: Kernel = COSINE,
    weights: NDArray[Any] | None = None,
    allowance: Allowance | None = None,
    epsilon: float | None = None,
    graph: KnnGraph | None = None,
    rng: np.random.Generator,
) -> GreedyPicks:
    """Pick `n` rows that greedily maximize `sum_i w_i max_{j picked} k(cos(x_i, x_j))`.

    The objective is monotone and submodular, so the picks reach at least `1 - 1/e` of the optimum
    (Nemhauser, Wolsey and Fisher 1978). Gains can only fall, so an old gain is an upper bound and
    few are recomputed (lazy greedy; Minoux 1978). Ties go to the lower row.

    Up to `DENSE_LIMIT` rows: O(N²D) time, O(N²) memory. Above that, with at most 32 rows per pick
    and 200,000 rows: similarities other than to the 32 nearest rows, in either direction, count as
    0, for the cost of `knn_graph` and O(32 N) memory. Otherwise: random parts of 8,192 to 65,536
    rows (see `pick_in_parts`), for O(m N D) time with parts of `m` rows and the memory of one part.

    Args:
        X: `[N, D]` unit vectors.
        n: how many to pick; all candidates if there are fewer.
        candidates: `[C]` rows that may be picked; all by default.
        chosen: `[L]` rows picked before: they represent others and are not picked again.
        kernel: how well a row represents another.
        weights: `[N]` weight of each row, 0 or more; 1 by default.
        allowance: says which groups are open, and is told of each picked row.
        epsilon: if given, each pick is the best of a random sample only (stochastic greedy), and
            the bound falls by `epsilon` in expectation.
        graph: a k-NN graph of `X`, used above `DENSE_LIMIT` instead of computing one.
        rng: passed to `knn_graph`; divides rows into parts; draws samples.

    Returns:
        The picks; a gain is what the pick added to the sum, estimated if there are parts.

    Raises:
        UsageError: `X` is not made of finite unit vectors, or an option is out of range.

    Example:
        >>> X = np.array([[1, 0], [0.8, 0.6], [0.6, 0.8], [0, 1]])
        >>> facility_location(X, 2, rng=np.random.default_rng(0)).indices
        array([1, 3])
    """
    vectors = unit_vectors(X)
    if n < 0:
        raise UsageError(f"the number of rows to pick must be 0 or more, not {n}")
    if epsilon is not None and not 0 < epsilon < 1:
        raise UsageError(f"epsilon must be between 0 and 1, not {epsilon}")
    rows = np.arange(vectors.shape[0])
    chosen = rows[:0] if chosen is None else chosen
    candidates = np.setdiff1d(rows if candidates is None else candidates, chosen)
    if weights is not None:
        weights = np.asarray(weights, dtype=np.float32)
        if weights.shape != rows.shape or not (weights >= 0).all():
            raise UsageError(f"weights must be {rows.size} numbers of 0 or more")
    solver = _Facility(vectors, chosen, kernel, weights, epsilon, graph, rng)
    picks = pick_in_parts(
        solver, candidates, rows.size, min(n, candidates.size), allowance=allowance, rng=rng
    )
    return replace(picks, gains=picks.gains * max(1, rows.size))


@dataclass(frozen=True)
class _Facility:
    """Facility location for given candidates and given rows to represent."""

    X: Vectors
    chosen: Indices
    kernel: Kernel
    weights: NDArray[np.float32] | None
    epsilon: float | None
    graph: KnnGraph | None
    rng: np.random.Generator

    def fits(self, candidates: int, rows: int, n: int) -> bool:
        if self.graph is not None or candidates * rows <= DENSE_LIMIT * DENSE_LIMIT:
            return True
        everything = min(len(self.X), candidates + rows)
        return everything <= min(SPARSE_LIMIT, _ROWS_A_PICK * n)

    def sample(self, candidates: int, n: int) -> int:
        rows = DENSE_LIMIT * DENSE_LIMIT // max(1, candidates)
        if rows < _LEAST_SAMPLE:
            rows = max(_LEAST_SAMPLE, min(_LARGEST_PART, _ROWS_A_PICK * n - candidates))
        return min(len(self.X), rows)

    def part_size(self, n: int) -> int:
        return max(min(DENSE_LIMIT, len(self.X)), min(_LARGEST_PART, _ROWS_A_PICK * n))

    def pick(
        self, candidates: Indices, rows: Indices, n: int, allowance: Allowance | None
    ) -> GreedyPicks:
        source: AllSimilarities | NearSimilarities
        count = max(1, rows.size)
        if candidates.size * rows.size <= DENSE_LIMIT * DENSE_LIMIT:
            own = np.array_equal(candidates, rows)
            source = AllSimilarities(
                self.X[candidates],
                None if own else self.X[rows],
                self.kernel,
                None if self.weights is None else self.weights[rows],
            )
        else:
            there = np.union1d(candidates, rows)
            graph = self.graph
            if graph is None:
                graph = knn_graph(self._of(there), _GRAPH_NEIGHBORS, rng=self.rng)
            worth = np.zeros(self.X.shape[0], dtype=np.float32)
            worth[rows] = 1.0 if self.weights is None else self.weights[rows]
            places = np.searchsorted(there, candidates)
            source = NearSimilarities(graph, places, self.kernel, worth[there])
            rows = there
        covered = self._covered(rows)
        if self.epsilon is None:
            picks = lazy_greedy(source, covered, candidates, n, allowance)
        else:
            picks = stochastic_greedy(
                source, covered, candidates, n, allowance, epsilon=self.epsilon, rng=self.rng
            )
        return replace(picks, gains=picks.gains / count)

    def value(self, picks: Indices, rows: Indices) -> float:
        covered = self._covered(rows)
        reached = self._worth(rows, picks)
        return float(np.maximum(reached - covered, 0).mean(dtype=np.float64))

    def _covered(self, rows: Indices) -> Vectors:
        if self.chosen.size == 0 or rows.size == 0:
            return np.zeros(rows.size, dtype=np.float32)
        return self._worth(rows, self.chosen)

    def _worth(self, rows: Indices, picks: Indices) -> Vectors:
        values = exact_search(self._of(rows), self.X[picks], 1)[1][:, 0].copy()
        self.kernel.apply(values)
        return values if self.weights is None else values * self.weights[rows]

    def _of(self, rows: Indices) -> Vectors:
        return self.X if rows.size == self.X.shape[0] else self.X[rows]


def _facility_location(pool: Pool, n: int) -> Stage:
    """Score each pick by what it adds to the mean similarity of all rows to their nearest pick."""
    picks = facility_location(
        pool.X,
        n,
        candidates=pool.candidates,
        chosen=pool.chosen,
        allowance=pool.allowance,
        rng=pool.rng,
    )
    return Stage(picks.indices, picks.gains / max(1, pool.X.shape[0]), parts=picks.parts)


STRATEGY = Strategy(_facility_location, reason=PickedRow.represented)
