"""How well each candidate represents each row: all similarities, or only the nearest rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from scipy.sparse import coo_array

from tamis.algo.exact_neighbors import upper_tiles

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tamis.algo.greedy.kernel import Kernel
    from tamis.algo.neighbors import KnnGraph
    from tamis.types import Indices, Vectors

__all__ = ["AllSimilarities", "NearSimilarities", "Similarities"]

_BLOCK = 512


class Similarities(Protocol):
    """Kernel values between candidates (by place) and the rows to represent."""

    def represented(self, place: int) -> tuple[Any, Vectors]:
        """Return the rows for which a candidate's kernel value is above 0, and the values."""

    def gains(self, covered: Vectors) -> NDArray[np.float64]:
        """Return each candidate's gain, `[C]`, given how well rows are covered already."""


class AllSimilarities:
    """All kernel values, `[C, R]` float32.

    Args:
        candidates: `[C, D]` vectors.
        rows: `[R, D]` vectors to represent; None for the candidates themselves, which halves the
            work.
        kernel: the function of the cosine similarity.
        weights: `[R]` weight of each row; 1 if None.
    """

    def __init__(
        self,
        candidates: Vectors,
        rows: Vectors | None,
        kernel: Kernel,
        weights: NDArray[np.float32] | None = None,
    ) -> None:
        if rows is None:
            self._matrix = _own_similarities(candidates)
        else:
            self._matrix = candidates @ rows.T
        for begin in range(0, self._matrix.shape[0], _BLOCK):
            block = self._matrix[begin : begin + _BLOCK]
            kernel.apply(block)
            if weights is not None:
                block *= weights

    def represented(self, place: int) -> tuple[Any, Vectors]:
        """Return all rows and the candidate's values."""
        return slice(None), self._matrix[place]

    def gains(self, covered: Vectors) -> NDArray[np.float64]:
        """Return what each candidate would add."""
        sums = np.empty(self._matrix.shape[0], dtype=np.float64)
        for place, values in enumerate(self._matrix):
            sums[place] = np.maximum(values - covered, 0).sum(dtype=np.float64)
        return sums


def _own_similarities(X: Vectors) -> Vectors:
    n = X.shape[0]
    matrix = np.empty((n, n), dtype=np.float32)
    for rows, columns, similarities in upper_tiles(X):
        across = slice(rows[0], rows[-1] + 1)
        down = slice(columns[0], columns[-1] + 1)
        matrix[across, down] = similarities
        matrix[down, across] = similarities.T
    return matrix


class NearSimilarities:
    """Kernel values between each candidate and its nearest rows, in either direction; others are 0.

    O(kN) memory.

    Args:
        graph: a k-NN graph of all rows, including the candidates.
        candidates: `[C]` row numbers.
        kernel: the function of the cosine similarity.
        weights: `[N]` weight of each row; 1 if None.
    """

    def __init__(
        self,
        graph: KnnGraph,
        candidates: Indices,
        kernel: Kernel,
        weights: NDArray[np.float32] | None = None,
    ) -> None:
        n, k = graph.indices.shape
        heads = np.repeat(np.arange(n, dtype=np.int32), k)
        tails = graph.indices.astype(np.int32).ravel()
        values = graph.similarities.ravel().copy()
        itself = np.ones(n, dtype=np.float32)
        kernel.apply(values)
        kernel.apply(itself)
        one_way = coo_array((values, (heads, tails)), shape=(n, n)).tocsr()
        own = coo_array((itself, (np.arange(n), np.arange(n))), shape=(n, n)).tocsr()
        both = one_way.maximum(one_way.T).maximum(own).tocsr()
        self._matrix = both if candidates.size == n else both[candidates]
        if weights is not None:
            self._matrix.data *= weights[self._matrix.indices]

    def represented(self, place: int) -> tuple[Any, Vectors]:
        """Return the near rows and the candidate's values."""
        span = slice(self._matrix.indptr[place], self._matrix.indptr[place + 1])
        return self._matrix.indices[span], self._matrix.data[span]

    def gains(self, covered: Vectors) -> NDArray[np.float64]:
        """Return what each candidate would add."""
        added = np.maximum(self._matrix.data - covered[self._matrix.indices], 0)
        sums = np.concatenate([[0.0], np.cumsum(added, dtype=np.float64)])
        found: NDArray[np.float64] = np.diff(sums[self._matrix.indptr])
        return found
