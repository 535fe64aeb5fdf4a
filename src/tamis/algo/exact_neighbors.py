"""The exact kernel: all similarities, one tile at a time, never `[N, N]` at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from tamis.algo.top_k import TopK

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tamis.types import Indices, Vectors

__all__ = ["Tile", "exact_graph", "exact_search", "upper_tiles"]

_TILE_ROWS = 2000
"""A tile of 2000 x 2000 float32 (16 MB) fits the last-level cache and keeps BLAS at its peak; a
power of two would make transposed reads collide in the cache."""


class Tile(NamedTuple):
    """Similarities `[R, C]` between the rows `rows` `[R]` and `columns` `[C]`."""

    rows: Indices
    columns: Indices
    similarities: Vectors


def upper_tiles(X: Vectors) -> Iterator[Tile]:
    """Yield the tiles of `X @ X.T` on or above the diagonal, row by row.

    The cosine is symmetric, so half of the products suffice. Each row meets the others in
    ascending order. The buffer is overwritten by the next tile. O(N²D) time, O(1) memory.
    """
    n = X.shape[0]
    buffer = np.empty(min(_TILE_ROWS, n) ** 2, dtype=np.float32)
    for i in range(0, n, _TILE_ROWS):
        a = X[i : i + _TILE_ROWS]
        for j in range(i, n, _TILE_ROWS):
            b = X[j : j + _TILE_ROWS]
            out = buffer[: a.shape[0] * b.shape[0]].reshape(a.shape[0], b.shape[0])
            np.matmul(a, b.T, out=out)
            yield Tile(np.arange(i, i + a.shape[0]), np.arange(j, j + b.shape[0]), out)


def exact_graph(X: Vectors, k: int) -> tuple[Indices, Vectors]:
    """Return the `k` nearest other rows of each row: row numbers and similarities, `[N, k]`."""
    top = TopK(X.shape[0], k)
    for rows, columns, similarities in upper_tiles(X):
        if rows[0] == columns[0]:
            np.fill_diagonal(similarities, -np.inf)
            top.offer(rows, similarities, columns)
        else:
            top.offer(rows, similarities, columns)
            top.offer(columns, similarities.T, rows)
    return top.best()


def exact_search(Q: Vectors, X: Vectors, k: int) -> tuple[Indices, Vectors]:
    """Return the `k` rows of `X` nearest to each query: row numbers and similarities, `[M, k]`."""
    top = TopK(Q.shape[0], k)
    for i in range(0, Q.shape[0], _TILE_ROWS):
        q = Q[i : i + _TILE_ROWS]
        rows = np.arange(i, i + q.shape[0])
        for j in range(0, X.shape[0], _TILE_ROWS):
            x = X[j : j + _TILE_ROWS]
            top.offer(rows, q @ x.T, np.arange(j, j + x.shape[0]))
    return top.best()
