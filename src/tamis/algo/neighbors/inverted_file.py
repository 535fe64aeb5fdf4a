"""An inverted file: rows in k-means cells, each compared with the cells within reach."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np

from tamis.algo.exact_neighbors import Tile, exact_search
from tamis.algo.k_means import spherical_k_means
from tamis.algo.top_k import TopK
from tamis.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from tamis.types import Indices, Vectors

__all__ = [
    "EXACT_LIMIT",
    "InvertedFile",
    "Method",
    "build",
    "file_for",
    "inverted_graph",
    "inverted_tiles",
    "worthwhile",
]

Method = Literal["auto", "exact", "ivf"]
"""`exact` compares all pairs, `ivf` uses an inverted file, `auto` uses the faster one."""

EXACT_LIMIT = 50_000
"""Up to this many rows the exact kernel takes seconds, and `auto` always uses it."""

_WORTHWHILE_SHARE = 0.2
"""The exact kernel computes half of all products, in large blocks. An inverted file that reads more
than this share, in small blocks, is not faster."""

_ROUNDING = 1e-5
"""Tolerance for a row that is exactly `reach` away from a border."""

_BLOCK_ROWS = 4096
_TILE_ROWS = 2000
_SAMPLE_ROWS = 500
_TRAINING_ROWS_PER_CELL = 32
_TRAINING_ROUNDS = 5


@dataclass(frozen=True)
class InvertedFile:
    """Rows grouped by the nearest of `C` unit centroids.

    Attributes:
        centroids: `[C, D]` float32 unit vectors.
        apart: `[C, C]` float32 distances between centroids.
        cell: `[N]` the cell of each row.
        members: `[N]` row numbers sorted by cell, then ascending.
        start: `[C + 1]` start of each cell's rows in `members`.
    """

    centroids: Vectors
    apart: Vectors
    cell: Indices
    members: Indices
    start: Indices

    def rows_of(self, cell: int) -> Indices:
        """Return the row numbers of a cell, ascending."""
        return self.members[self.start[cell] : self.start[cell + 1]]

    def margins(self, X: Vectors, rows: Indices, cells: Indices) -> Vectors:
        """Return the distance of rows `[M]` from the border between their cell and another `[M]`.

        The border is the plane halfway between the two centroids. O(M D).
        """
        own = self.cell[rows]
        gap = self.apart[own, cells]
        ahead = np.einsum("md,md->m", X[rows], self.centroids[own] - self.centroids[cells])
        margin: Vectors = np.divide(ahead, gap, out=np.zeros_like(gap), where=gap > 0)
        return np.maximum(margin, 0)

    def within(self, X: Vectors, rows: Indices, reach: float) -> NDArray[np.bool_]:
        """Return `[M, C]`: which cells are within `reach` of each of the rows `[M]`. O(M C D)."""
        near = X[rows] @ self.centroids.T
        own = self.cell[rows]
        ahead = np.take_along_axis(near, own[:, None], axis=1) - near
        close: NDArray[np.bool_] = ahead <= np.float32(reach) * self.apart[own] + _ROUNDING
        return close


def file_for(X: Vectors, method: Method, rng: np.random.Generator) -> InvertedFile | None:
    """Build an inverted file if it was requested or could be faster, else return None.

    Raises:
        UsageError: there is no such method.
    """
    if method not in get_args(Method):
        raise UsageError(f"method must be auto, exact or ivf, not {method!r}")
    n = X.shape[0]
    if n <= 1 or method == "exact" or (method == "auto" and n <= EXACT_LIMIT):
        return None
    return build(X, rng)


def build(X: Vectors, rng: np.random.Generator) -> InvertedFile:
    """Group the rows of `X` by spherical k-means trained on a sample, about `2 sqrt(N)` cells."""
    n = X.shape[0]
    cells = max(1, min(n, int(2 * np.sqrt(n))))
    clusters = spherical_k_means(
        X,
        cells,
        rounds=_TRAINING_ROUNDS,
        rows_per_cluster=_TRAINING_ROWS_PER_CELL,
        seeding="random",
        rng=rng,
    )
    cell = clusters.labels
    members = np.argsort(cell, kind="stable")
    start = np.concatenate([[0], np.cumsum(np.bincount(cell, minlength=cells))])
    return InvertedFile(clusters.centroids, _distances(clusters.centroids), cell, members, start)


def _distances(centroids: Vectors) -> Vectors:
    # In double precision, because in float32 the distance of two close centroids is mostly noise.
    wide = centroids.astype(np.float64)
    product = wide @ wide.T
    square = np.diag(product)
    distance: Vectors = np.sqrt(np.maximum(square[:, None] + square - 2 * product, 0)).astype(
        np.float32
    )
    return distance


def worthwhile(X: Vectors, file: InvertedFile, reach: float, rng: np.random.Generator) -> bool:
    """Estimate from sampled rows whether reading the cells within `reach` is faster than exact."""
    rows = rng.choice(X.shape[0], min(X.shape[0], _SAMPLE_ROWS), replace=False)
    read = file.within(X, rows, reach) @ np.diff(file.start)
    return bool(read.mean() <= _WORTHWHILE_SHARE * X.shape[0])


def inverted_tiles(X: Vectors, file: InvertedFile, reach: float) -> Iterator[Tile]:
    """Yield the similarities of pairs in which one row is within `reach` of the other's cell.

    No pair at a distance of `2 reach` or less is missed: its rows lie on two sides of the border
    between their cells, their margins add up to at most their distance, so one of them reaches the
    other's cell. Each pair appears once; if a tile holds a pair a second time, or a row with
    itself, that similarity is -inf. Memory is N C / 8 bytes; time is O(N C D) plus the products.
    """
    readers = _readers(X, file, reach)
    for cell in range(file.start.size - 1):
        members = file.rows_of(cell)
        if members.size == 0:
            continue
        rows = np.flatnonzero(np.unpackbits(readers[cell], count=X.shape[0]))
        # By cell: first those seen only here, then the cell's own, then those seen before.
        rows = rows[np.argsort(file.cell[rows], kind="stable")]
        for columns in _parts(members):
            right = X[columns].T
            for left in _parts(rows):
                similarities = X[left] @ right
                own, later = np.searchsorted(file.cell[left], [cell, cell + 1])
                if own < later:
                    similarities[own:later][left[own:later, None] >= columns] = -np.inf
                if later < left.size:
                    known = _reached(readers, file.cell[left[later:]], columns)
                    similarities[later:][known] = -np.inf
                yield Tile(left, columns, similarities)


def _readers(X: Vectors, file: InvertedFile, reach: float) -> NDArray[np.uint8]:
    """Return which rows reach each cell: `[C, N / 8]`, one bit per row."""
    n = X.shape[0]
    readers = np.empty((file.start.size - 1, (n + 7) // 8), dtype=np.uint8)
    for begin in range(0, n, _BLOCK_ROWS):
        close = file.within(X, np.arange(begin, min(begin + _BLOCK_ROWS, n)), reach)
        bits = np.packbits(close, axis=0)
        readers[:, begin // 8 : begin // 8 + bits.shape[0]] = bits.T
    return readers


def _reached(readers: NDArray[np.uint8], cells: Indices, rows: Indices) -> NDArray[np.bool_]:
    """Return whether each of `rows` reaches each of `cells`: `[cells, rows]`."""
    different, place = np.unique(cells, return_inverse=True)
    bits = readers[different[:, None], rows >> 3] >> (7 - (rows & 7)).astype(np.uint8)
    reached: NDArray[np.bool_] = (bits & 1).astype(np.bool_)[place]
    return reached


def _parts(rows: Indices) -> Iterator[Indices]:
    for begin in range(0, rows.size, _TILE_ROWS):
        yield rows[begin : begin + _TILE_ROWS]


def inverted_graph(X: Vectors, k: int, file: InvertedFile, reach: float) -> tuple[Indices, Vectors]:
    """Return the `k` nearest rows found for each row: row numbers and similarities, `[N, k]`."""
    top = TopK(X.shape[0], k)
    for rows, columns, similarities in inverted_tiles(X, file, reach):
        top.offer(rows, similarities, columns)
        top.offer(columns, similarities.T, rows)
    numbers, values = top.best()
    short = np.flatnonzero(numbers[:, -1] < 0)
    if short.size:
        found, similarity = exact_search(X[short], X, k + 1)
        for i, row in enumerate(short):
            others = found[i] != row
            numbers[row] = found[i][others][:k]
            values[row] = similarity[i][others][:k]
    return numbers, values
