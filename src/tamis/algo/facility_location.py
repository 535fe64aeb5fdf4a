"""Facility location: the rows that together represent all rows best."""

from __future__ import annotations

import heapq
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from scipy.sparse import coo_array

from tamis.algo.exact_neighbors import exact_search, upper_tiles
from tamis.algo.neighbors import knn_graph
from tamis.algo.unit_vectors import unit_vectors
from tamis.errors import UsageError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tamis.algo.neighbors import KnnGraph
    from tamis.algo.selection.quotas import Allowance
    from tamis.types import Indices, Vectors

__all__ = ["DENSE_LIMIT", "GreedyPicks", "facility_location"]

DENSE_LIMIT = 8_192
"""Up to this many rows all similarities are held (256 MB); above, those of the nearest rows."""

_GRAPH_NEIGHBORS = 32
"""On 10,000 rows, 10 to 1,000 picks by the 32 nearest lost at most .0004 of the mean similarity to
the nearest pick against picks by all similarities, and often gained."""


@dataclass(frozen=True)
class GreedyPicks:
    """Rows in the order in which a greedy algorithm picked them.

    Attributes:
        indices: `[n]` int64 row numbers, no row twice.
        gains: `[n]` float64, what each pick added to the objective; they never rise.
    """

    indices: Indices
    gains: NDArray[np.float64]


def facility_location(
    X: NDArray[Any],
    n: int,
    *,
    candidates: Indices | None = None,
    chosen: Indices | None = None,
    allowance: Allowance | None = None,
    graph: KnnGraph | None = None,
    rng: np.random.Generator,
) -> GreedyPicks:
    """Pick `n` rows that greedily maximise `sum_i max_{j picked} max(0, cos(x_i, x_j))`.

    The objective is monotone and submodular, so the picks reach at least `1 - 1/e` of the best
    possible sum (Nemhauser, Wolsey and Fisher 1978). Gains can only fall, so an old gain is an
    upper bound and few are computed again (lazy greedy; Minoux 1978). Ties go to the lower row.

    Up to `DENSE_LIMIT` rows: O(N²D) time, O(N²) memory. Above it, similarities beyond the 32
    nearest rows, either way round, count as 0: the cost of `knn_graph`, and O(32 N) memory.

    Args:
        X: `[N, D]` unit vectors.
        n: how many to pick; all candidates if there are fewer.
        candidates: `[C]` rows that may be picked; all by default.
        chosen: `[L]` rows that are picked already: they represent, and are not picked again.
        allowance: says which groups are open; told each row that is picked.
        graph: a k-NN graph of `X`, to be used instead of computing one.
        rng: passed to `knn_graph`.

    Raises:
        UsageError: `X` is not made of finite unit vectors, or `n` is negative.

    Example:
        >>> X = np.array([[1, 0], [0.8, 0.6], [0.6, 0.8], [0, 1]])
        >>> facility_location(X, 2, rng=np.random.default_rng(0)).indices
        array([1, 3])
    """
    vectors = unit_vectors(X)
    if n < 0:
        raise UsageError(f"the number of rows to pick must be 0 or more, not {n}")
    rows = np.arange(vectors.shape[0])
    chosen = rows[:0] if chosen is None else chosen
    candidates = np.setdiff1d(rows if candidates is None else candidates, chosen)
    covered = np.zeros(rows.size, dtype=np.float32)
    if chosen.size and rows.size:
        covered = np.maximum(exact_search(vectors, vectors[chosen], 1)[1][:, 0], 0)
    source: _Similarities
    if rows.size <= DENSE_LIMIT:
        source = _AllSimilarities(vectors)
    else:
        source = _NearSimilarities(graph or knn_graph(vectors, _GRAPH_NEIGHBORS, rng=rng))
    return _lazy_greedy(source, covered, candidates, min(n, candidates.size), allowance)


class _Similarities(Protocol):
    """Gives the rows that a candidate represents at a similarity over 0, and how well."""

    def represented(self, candidate: int) -> tuple[Any, Vectors]: ...


class _AllSimilarities:
    def __init__(self, X: Vectors) -> None:
        n = X.shape[0]
        self._matrix = np.empty((n, n), dtype=np.float32)
        for rows, columns, similarities in upper_tiles(X):
            across = slice(rows[0], rows[-1] + 1)
            down = slice(columns[0], columns[-1] + 1)
            np.maximum(similarities, 0, out=self._matrix[across, down])
            self._matrix[down, across] = self._matrix[across, down].T

    def represented(self, candidate: int) -> tuple[Any, Vectors]:
        return slice(None), self._matrix[candidate]


class _NearSimilarities:
    def __init__(self, graph: KnnGraph) -> None:
        n, k = graph.indices.shape
        heads = np.repeat(np.arange(n, dtype=np.int32), k)
        tails = graph.indices.astype(np.int32).ravel()
        weights = np.maximum(graph.similarities.ravel(), 0)
        one_way = coo_array((weights, (heads, tails)), shape=(n, n)).tocsr()
        own = coo_array((np.ones(n, np.float32), (np.arange(n), np.arange(n))), shape=(n, n))
        self._matrix = one_way.maximum(one_way.T).maximum(own.tocsr()).tocsr()

    def represented(self, candidate: int) -> tuple[Any, Vectors]:
        span = slice(self._matrix.indptr[candidate], self._matrix.indptr[candidate + 1])
        return self._matrix.indices[span], self._matrix.data[span]


def _lazy_greedy(
    source: _Similarities,
    covered: Vectors,
    candidates: Indices,
    n: int,
    allowance: Allowance | None,
) -> GreedyPicks:
    def gain(candidate: int) -> float:
        rows, similarities = source.represented(candidate)
        return float(np.maximum(similarities - covered[rows], 0).sum(dtype=np.float64))

    # Each entry: negative gain, row, and how many picks there were when the gain was computed.
    queue = [(-gain(row), row, 0) for row in candidates.tolist()]
    heapq.heapify(queue)
    picks: list[int] = []
    gains: list[float] = []
    while len(picks) < n and queue:
        negative, row, known_at = queue[0]
        if allowance is not None and not allowance.permits_row(row):
            heapq.heappop(queue)
            continue
        if known_at < len(picks):
            heapq.heapreplace(queue, (-min(gain(row), -negative), row, len(picks)))
            continue
        heapq.heappop(queue)
        picks.append(row)
        gains.append(-negative)
        if allowance is not None:
            allowance.take(row)
        rows, similarities = source.represented(row)
        covered[rows] = np.maximum(covered[rows], similarities)
    return GreedyPicks(np.array(picks, dtype=np.int64), np.array(gains, dtype=np.float64))
