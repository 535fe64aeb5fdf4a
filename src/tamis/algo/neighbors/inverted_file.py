"""An inverted file: rows in k-means cells, each compared with the nearest few cells only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np

from tamis.algo.clustering import spherical_k_means
from tamis.algo.exact_neighbors import Tile, exact_search
from tamis.algo.top_k import TopK
from tamis.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tamis.types import Indices, Vectors

__all__ = [
    "EXACT_LIMIT",
    "InvertedFile",
    "Method",
    "Plan",
    "build",
    "inverted_graph",
    "inverted_tiles",
    "plan_inverted_file",
    "probes_for_recall",
]

Method = Literal["auto", "exact", "ivf"]
"""`exact` compares all, `ivf` uses an inverted file, `auto` takes the faster for `N`."""

EXACT_LIMIT = 50_000
"""Up to this many rows the exact kernel takes seconds; on clustered vectors of 384 dimensions an
inverted file is faster from about 25,000 rows on, and three times as fast at 40,000."""

_WORTHWHILE_SHARE = 0.25
"""An inverted file that must read more than this share of all products is slower than exact."""

_CHUNK_ROWS = 131_072
_BLOCK_ROWS = 8_192
_SAMPLE_ROWS = 800
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


@dataclass(frozen=True)
class Plan:
    """An inverted file, how many cells each row is compared with, and the recall measured."""

    file: InvertedFile
    probes: int
    recall: float


def plan_inverted_file(
    X: Vectors, method: Method, recall: float, target: float, rng: np.random.Generator
) -> Plan | None:
    """Prepare an inverted file that finds a share `recall` of the true neighbours.

    Args:
        X: `[N, D]` unit vectors.
        method: what the caller asked for.
        recall: share of true neighbours to find, in (0, 1].
        target: as in `probes_for_recall`.
        rng: trains and samples.

    Returns:
        The plan, or None where the exact kernel is to run: asked for, or `auto` and faster.

    Raises:
        UsageError: an option is out of range.
    """
    if method not in get_args(Method):
        raise UsageError(f"method must be auto, exact or ivf, not {method!r}")
    if not 0.0 < recall <= 1.0:
        raise UsageError(f"recall must be over 0 and at most 1, not {recall}")
    n = X.shape[0]
    if n <= 1 or method == "exact" or (method == "auto" and (n <= EXACT_LIMIT or recall == 1.0)):
        return None
    file = build(X, rng)
    probes, measured = probes_for_recall(X, file, recall, target, rng)
    if method == "auto" and probes > _WORTHWHILE_SHARE * file.centroids.shape[0]:
        return None
    return Plan(file, probes, measured)


def build(X: Vectors, rng: np.random.Generator) -> InvertedFile:
    """Group the rows of `X` by spherical k-means trained on a sample, about `2 sqrt(N)` cells."""
    n = X.shape[0]
    cells = max(1, min(n, int(2 * np.sqrt(n))))
    clusters = spherical_k_means(
        X, cells, rounds=_TRAINING_ROUNDS, rows_per_cluster=_TRAINING_ROWS_PER_CELL, rng=rng
    )
    cell = clusters.labels
    members = np.argsort(cell, kind="stable")
    start = np.concatenate([[0], np.cumsum(np.bincount(cell, minlength=cells))])
    return InvertedFile(clusters.centroids, cell, members, start)


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
    sample = rng.choice(X.shape[0], min(X.shape[0], _SAMPLE_ROWS), replace=False)
    chosen_on, checked_on = _rank_histograms(X, file, sample, target)
    if chosen_on.sum() == 0:
        # No sampled pair reaches the threshold: find each row's nearest as well as asked.
        chosen_on, checked_on = _rank_histograms(X, file, sample, 1)
    if checked_on.sum() == 0:
        checked_on = chosen_on
    reached = np.cumsum(chosen_on) / chosen_on.sum()
    # A quarter of the permitted misses is kept in hand for the sample's own error.
    probes = int(np.argmax(reached >= wanted + 0.25 * (1.0 - wanted))) + 1
    return probes, float(checked_on[:probes].sum() / checked_on.sum())


def _rank_histograms(
    X: Vectors, file: InvertedFile, sample: Indices, target: float
) -> tuple[Indices, Indices]:
    """Count, for each half of the sample, by rank, the cells that hold the true neighbours.

    Rank 0 is the cell whose centroid is most similar to the sampled row. Counts take O(C) memory
    however many neighbours there are.
    """
    cells = file.centroids.shape[0]
    order = np.argsort(-(X[sample] @ file.centroids.T), axis=1, kind="stable")
    rank = np.empty_like(order)
    np.put_along_axis(rank, order, np.arange(cells)[None, :], axis=1)
    counts = np.zeros((sample.size, cells), dtype=np.int64)

    def count(i: Indices, rows: Indices) -> None:
        other = rows != sample[i]
        np.add.at(counts, (i[other], rank[i[other], file.cell[rows[other]]]), 1)

    if isinstance(target, int):
        near, _ = exact_search(X[sample], X, min(target + 1, X.shape[0]))
        count(np.repeat(np.arange(sample.size), near.shape[1]), near.ravel())
    else:
        for begin in range(0, X.shape[0], _BLOCK_ROWS):
            similarity = X[begin : begin + _BLOCK_ROWS] @ X[sample].T
            rows, i = np.nonzero(similarity >= target)
            count(i, begin + rows)
    return counts[::2].sum(axis=0), counts[1::2].sum(axis=0)


def inverted_tiles(X: Vectors, plan: Plan) -> Iterator[Tile]:
    """Yield the similarities of each row to all rows of its `probes` nearest cells, cell by cell.

    A row's similarity to itself is -inf. Time O(N C D + probes N² D / C), memory O(N).
    """
    file, probes = plan.file, plan.probes
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


def inverted_graph(X: Vectors, k: int, plan: Plan) -> tuple[Indices, Vectors]:
    """Return the `k` nearest rows found for each row: numbers `[N, k]`, similarities `[N, k]`."""
    top = TopK(X.shape[0], k)
    for rows, members, similarities in inverted_tiles(X, plan):
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
