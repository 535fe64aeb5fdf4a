"""All pairs of rows at or above a similarity."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from tamis.algo.neighbors.graph import KnnGraph, knn_graph
from tamis.algo.neighbors.near_tiles import SIMILARITY_ROUNDING, near_tiles
from tamis.algo.unit_vectors import unit_vectors
from tamis.errors import UsageError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tamis.algo.neighbors.inverted_file import Method
    from tamis.types import Indices, Vectors

__all__ = ["Pairs", "pairs_over"]


@dataclass(frozen=True)
class Pairs:
    """Pairs of rows, each once, ordered by `left` then `right`.

    Attributes:
        left: `[P]` int64 row numbers.
        right: `[P]` int64 row numbers, `left < right`.
        similarity: `[P]` float32 cosine similarities.
        method: the kernel that ran.
        recall_estimate: share of the true pairs found: 1, or with `per_row` that of `knn_graph`.
        capped_rows: number of rows with at least `per_row` partners, some of whose pairs may be
            missing; 0 without a cap.
    """

    left: Indices
    right: Indices
    similarity: Vectors
    method: Literal["exact", "ivf"]
    recall_estimate: float
    capped_rows: int = 0


def pairs_over(
    X: NDArray[Any],
    threshold: float,
    *,
    method: Method = "auto",
    recall: float = 0.98,
    max_pairs: int = 10_000_000,
    per_row: int | None = None,
    rng: np.random.Generator,
) -> Pairs:
    """Find all pairs of rows whose cosine similarity is at least `threshold`.

    Both kernels find all pairs: the inverted file reads every cell that may contain a row at the
    threshold. Time O(N²D) for the exact kernel, about O(N^1.5 D) for clustered rows by inverted
    file; memory O(N + pairs), limited to `max_pairs` pairs of 20 bytes.

    Args:
        X: `[N, D]` unit vectors.
        threshold: cosine similarity in [-1, 1].
        method: as in `knn_graph`.
        recall: with `per_row`, as in `knn_graph`; otherwise all pairs are found.
        max_pairs: if there are more, the call fails rather than fill the memory.
        per_row: keep only pairs in which one row is among the other's `per_row` nearest, which
            limits the pairs to `N * per_row`; for datasets in which nearly everything is similar.
        rng: trains and samples the inverted file; unused by the exact kernel.

    Raises:
        UsageError: `X` is not made of finite unit vectors, an option is out of range, or there
            are more than `max_pairs` pairs.

    Example:
        >>> X = np.array([[1, 0], [0, 1], [1, 0]], dtype=np.float32)
        >>> pairs = pairs_over(X, 0.9, rng=np.random.default_rng(0))
        >>> pairs.left.tolist(), pairs.right.tolist()
        ([0], [2])
    """
    vectors = unit_vectors(X)
    n = vectors.shape[0]
    if not -1.0 <= threshold <= 1.0:
        raise UsageError(f"the threshold must be a cosine similarity in [-1, 1], not {threshold}")
    if max_pairs < 1:
        raise UsageError(f"max_pairs must be at least 1, not {max_pairs}")
    lowest = np.float32(threshold - SIMILARITY_ROUNDING)
    if per_row is not None:
        return _capped(knn_graph(vectors, per_row, method=method, recall=recall, rng=rng), lowest)
    pool = _PairPool(n, max_pairs, threshold)
    kind, tiles = near_tiles(vectors, threshold, method, rng)
    for rows, columns, similarities in tiles:
        i, j = np.divmod(np.flatnonzero(similarities >= lowest), columns.size)
        pool.add(rows[i], columns[j], similarities[i, j])
    return Pairs(*pool.sorted(), kind, 1.0)


def _capped(graph: KnnGraph, lowest: np.float32) -> Pairs:
    n, k = graph.indices.shape
    over = graph.similarities >= lowest
    i, place = np.nonzero(over)
    pool = _PairPool(n, max(1, i.size), float(lowest))
    pool.add(i, graph.indices[i, place], graph.similarities[i, place])
    cut = int(over[:, -1:].sum()) if k < n - 1 else 0
    return Pairs(*pool.sorted(), graph.method, graph.recall_estimate, cut)


class _PairPool:
    """Collects pairs, drops repeats, and raises if there are too many."""

    def __init__(self, n: int, max_pairs: int, threshold: float) -> None:
        self._n = n
        self._max_pairs = max_pairs
        self._threshold = threshold
        self._parts: list[tuple[Indices, Vectors]] = []
        self._held = 0

    def add(self, a: Indices, b: Indices, similarity: Vectors) -> None:
        self._parts.append((np.minimum(a, b) * self._n + np.maximum(a, b), similarity))
        self._held += a.size
        if self._held > self._max_pairs:
            self._merge()
        if self._held > self._max_pairs:
            raise UsageError(
                f"more than {self._max_pairs:,} pairs are at or over the similarity "
                f"{self._threshold:g} among {self._n:,} rows: raise the threshold, or keep only "
                "the nearest of each row (per_row)"
            )

    def sorted(self) -> tuple[Indices, Indices, Vectors]:
        if not self._parts:
            return np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0, np.float32)
        key, similarity = self._merge()
        left, right = np.divmod(key, self._n)
        return left, right, np.minimum(similarity, 1.0)

    def _merge(self) -> tuple[Indices, Vectors]:
        key = np.concatenate([part[0] for part in self._parts])
        similarity = np.concatenate([part[1] for part in self._parts])
        key, first = np.unique(key, return_index=True)
        self._parts = [(key, similarity[first])]
        self._held = key.size
        return self._parts[0]
