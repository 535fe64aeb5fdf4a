"""An inverted file: rows in k-means cells, each compared with the nearest few cells only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import faiss
import numpy as np

from tamis.algo.neighbors.exact import Tile, exact_search
from tamis.algo.neighbors.top_k import TopK
from tamis.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tamis.types import Indices, Vectors

__all__ = [
    "InvertedFile",
    "Method",
    "build",
    "choose_method",
    "inverted_graph",
    "inverted_tiles",
    "probes_for_recall",
]

Method = Literal["auto", "exact", "ivf"]
"""`exact` compares all, `ivf` uses an inverted file, `auto` takes the faster for `N`."""

EXACT_LIMIT = 60_000
"""Up to this many rows the exact kernel is as fast as building and reading an inverted file."""

_CHUNK_ROWS = 131_072
_SAMPLE_ROWS = 400
_TRAINING_ROWS_PER_CELL = 64
_TRAINING_ROUNDS = 8


@dataclass(frozen=True)
class InvertedFile:
    """Rows grouped by the nearest of `C` unit centroids.

    Attributes:
        centroids: `[C, D]` float32 unit vectors.
        cell: `[N]` the cell of each row.
        members: `[N]` row numbers ordered by cell, ascending within a cell.
        start: `[C + 1]` where each cell's rows start in `members`.
    """

    centroids: Vectors
    cell: Indices
    members: Indices
    start: Indices

    def rows_of(self, cell: int) -> Indices:
        """Return the row numbers of a cell, ascending."""
        return self.members[self.start[cell] : self.start[cell + 1]]


def choose_method(n: int, method: Method, recall: float) -> Literal["exact", "ivf"]:
    """Return which kernel to try first for `n` rows, having checked the options."""
    if method not in ("auto", "exact", "ivf"):
        raise UsageError(f"method must be auto, exact or ivf, not {method!r}")
    if not 0.0 < recall <= 1.0:
        raise UsageError(f"recall must be over 0 and at most 1, not {recall}")
    if method == "auto":
        return "ivf" if n > EXACT_LIMIT and recall < 1.0 else "exact"
    return method


def build(X: Vectors, rng: np.random.Generator) -> InvertedFile:
    """Group the rows of `X` by spherical k-means trained on a sample, about `2 sqrt(N)` cells."""
    n, dim = X.shape
    cells = max(1, min(n, int(2 * np.sqrt(n))))
    size = min(n, cells * _TRAINING_ROWS_PER_CELL)
    sample = X if size == n else X[np.sort(rng.choice(n, size, replace=False))]
    kmeans = faiss.Kmeans(
        dim,
        cells,
        niter=_TRAINING_ROUNDS,
        spherical=True,
        seed=int(rng.integers(2**31)),
        min_points_per_centroid=1,
        max_points_per_centroid=_TRAINING_ROWS_PER_CELL,
    )
    kmeans.train(sample)
    centroids: Vectors = np.asarray(kmeans.centroids, dtype=np.float32)
    cell = exact_search(X, centroids, 1)[0][:, 0]
    members = np.argsort(cell, kind="stable")
    start = np.concatenate([[0], np.cumsum(np.bincount(cell, minlength=cells))])
    return InvertedFile(centroids, cell, members, start)


def probes_for_recall(
    X: Vectors, file: InvertedFile, wanted: float, target: float, rng: np.random.Generator
) -> tuple[int, float]:
    """Choose how many cells each row must be compared with, by exact search of sampled rows.

    The number is chosen on half of the sample and its recall is measured on the other half.

    Args:
        X: `[N, D]` unit vectors.
        file: the inverted file of `X`.
        wanted: share of true neighbours to find, in (0, 1].
        target: an int means the `target` nearest rows, a float all rows at a similarity of at
            least `target`.
        rng: draws the sample.

    Returns:
        Number of cells, and the recall measured.
    """
    size = min(X.shape[0], _SAMPLE_ROWS)
    sample = rng.choice(X.shape[0], size, replace=False)
    ranks = _neighbor_ranks(X, file, sample, target)
    first, second = ranks[: size // 2 + 1], ranks[size // 2 + 1 :] or ranks
    needed = np.sort(np.concatenate(first))
    if needed.size == 0:
        return _probes_of_nearest(X, file, wanted, rng)
    probes = int(needed[min(needed.size - 1, int(np.ceil(wanted * needed.size)) - 1)]) + 1
    checked = np.concatenate(second)
    checked = checked if checked.size else needed
    return probes, float(np.mean(checked < probes))


def _probes_of_nearest(
    X: Vectors, file: InvertedFile, wanted: float, rng: np.random.Generator
) -> tuple[int, float]:
    """Stand in for a threshold that no sampled pair reaches: find each row's nearest."""
    return probes_for_recall(X, file, wanted, 1, rng)


def _neighbor_ranks(
    X: Vectors, file: InvertedFile, sample: Indices, target: float
) -> list[Indices]:
    """Return, for each sampled row, the rank of the cell of each true neighbour."""
    order = np.argsort(-(X[sample] @ file.centroids.T), axis=1, kind="stable")
    rank = np.empty_like(order)
    np.put_along_axis(rank, order, np.arange(order.shape[1])[None, :], axis=1)
    if isinstance(target, int):
        near, _ = exact_search(X[sample], X, min(target + 1, X.shape[0]))
        found = [row[row != own][:target] for row, own in zip(near, sample, strict=True)]
    else:
        found = []
        for own in sample:
            close = np.flatnonzero(X @ X[own] >= target)
            found.append(close[close != own])
    return [own[file.cell[rows]] for own, rows in zip(rank, found, strict=True)]


def inverted_tiles(X: Vectors, file: InvertedFile, probes: int) -> Iterator[Tile]:
    """Yield the similarities of each row to all rows of its `probes` nearest cells, cell by cell.

    A row's similarity to itself is -inf. Time O(N C D + probes N² D / C), memory O(N).
    """
    place = np.empty(X.shape[0], dtype=np.int64)
    place[file.members] = np.arange(X.shape[0]) - file.start[file.cell[file.members]]
    for begin in range(0, X.shape[0], _CHUNK_ROWS):
        near, _ = exact_search(X[begin : begin + _CHUNK_ROWS], file.centroids, probes)
        by_cell = np.argsort(near, axis=None, kind="stable")
        start = np.searchsorted(near.ravel()[by_cell], np.arange(file.start.size))
        for cell in range(file.start.size - 1):
            members = file.rows_of(cell)
            rows = begin + by_cell[start[cell] : start[cell + 1]] // probes
            if rows.size == 0 or members.size == 0:
                continue
            similarities = X[rows] @ X[members].T
            own = np.flatnonzero(file.cell[rows] == cell)
            similarities[own, place[rows[own]]] = -np.inf
            yield Tile(rows, members, similarities)


def inverted_graph(X: Vectors, k: int, file: InvertedFile, probes: int) -> tuple[Indices, Vectors]:
    """Return the `k` nearest rows found for each row: numbers `[N, k]`, similarities `[N, k]`."""
    top = TopK(X.shape[0], k)
    for rows, members, similarities in inverted_tiles(X, file, probes):
        top.offer(rows, similarities, members)
    numbers, values = top.best()
    short = np.flatnonzero(numbers[:, -1] < 0)
    if short.size:
        found, similarity = exact_search(X[short], X, k + 1)
        for i, row in enumerate(short):
            others = found[i] != row
            numbers[row] = found[i][others][:k]
            values[row] = similarity[i][others][:k]
    return numbers, values
