"""The most similar pairs of rows that lie in different splits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from tamis.algo.exact_neighbors import upper_tiles
from tamis.algo.neighbors.inverted_file import Method, inverted_tiles, plan_inverted_file
from tamis.algo.neighbors.pairs import SIMILARITY_ROUNDING
from tamis.algo.unit_vectors import unit_vectors
from tamis.errors import UsageError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tamis.algo.exact_neighbors import Tile
    from tamis.types import Indices, Vectors

__all__ = ["CrossPairs", "closest_across"]


@dataclass(frozen=True)
class CrossPairs:
    """Pairs of rows of different splits, most similar first.

    Attributes:
        left: `[P]` int64 row numbers.
        right: `[P]` int64 row numbers, `left < right`.
        similarity: `[P]` float32 cosine similarities, falling.
        over: how many pairs across splits reach the threshold, also beyond those listed.
        method: the kernel that ran.
        recall_estimate: share of nearest rows found, measured on sampled rows; 1 if exact.
    """

    left: Indices
    right: Indices
    similarity: Vectors
    over: int
    method: Literal["exact", "ivf"]
    recall_estimate: float

    @property
    def max_similarity(self) -> float | None:
        """The largest similarity across splits; None where no two splits hold rows."""
        return float(self.similarity[0]) if self.similarity.size else None


def closest_across(
    X: NDArray[Any],
    split: Indices,
    *,
    threshold: float = 1.0,
    most: int = 1000,
    method: Method = "auto",
    recall: float = 0.98,
    rng: np.random.Generator,
) -> CrossPairs:
    """Compare every row with every row of the other splits; list the `most` similar pairs.

    All pairs are looked at, not only each row's nearest, so a leak cannot hide behind another.
    O(N²D) time exactly, about O(N^1.5 D) by inverted file; memory O(N + most).

    Args:
        X: `[N, D]` unit vectors.
        split: `[N]` split of each row; rows with a negative number are left out.
        threshold: cosine similarity from which pairs are counted.
        most: how many pairs to list.
        method: as in `knn_graph`.
        recall: share of the pairs that the inverted file must find.
        rng: trains and samples the inverted file; unused by the exact kernel.

    Raises:
        UsageError: `X` is not made of finite unit vectors, or an option is out of range.

    Example:
        >>> X = np.array([[1, 0], [0, 1], [0.8, 0.6]])
        >>> pairs = closest_across(X, np.array([0, 0, 1]), rng=np.random.default_rng(0))
        >>> pairs.left.tolist(), pairs.right.tolist()
        ([0, 1], [2, 2])
    """
    if len(split) != len(X):
        raise UsageError(f"{len(X)} vectors but {len(split)} splits: give each row its split")
    if most < 1:
        raise UsageError(f"most must be at least 1, not {most}")
    kept = np.flatnonzero(np.asarray(split) >= 0)
    vectors = unit_vectors(np.asarray(X)[kept])
    number = np.asarray(split)[kept]
    plan = plan_inverted_file(vectors, method, recall, float(threshold), rng)
    tiles = upper_tiles(vectors) if plan is None else inverted_tiles(vectors, plan)
    closest = _Closest(most, np.float32(threshold - SIMILARITY_ROUNDING))
    for tile in tiles:
        if plan is not None:
            # Both rows of a pair may have met the other; count the meeting from one side.
            across = number[tile.rows][:, None] < number[tile.columns]
        else:
            across = number[tile.rows][:, None] != number[tile.columns]
            if tile.rows[0] == tile.columns[0]:
                across = np.triu(across, 1)
        closest.offer(tile, across)
    a, b, similarity = closest.sorted()
    left, right = kept[np.minimum(a, b)], kept[np.maximum(a, b)]
    similarity = np.minimum(similarity, 1.0)
    if plan is not None:
        return CrossPairs(left, right, similarity, closest.over, "ivf", plan.recall)
    return CrossPairs(left, right, similarity, closest.over, "exact", 1.0)


class _Closest:
    """The most similar pairs so far, and how many reach the threshold."""

    def __init__(self, most: int, threshold: np.float32) -> None:
        self._most = most
        self._threshold = threshold
        self._floor = np.float32(-np.inf)
        self._rows = self._columns = np.empty(0, np.int64)
        self._similarity = np.empty(0, np.float32)
        self.over = 0

    def offer(self, tile: Tile, across: NDArray[np.bool_]) -> None:
        self.over += int(np.count_nonzero(across & (tile.similarities >= self._threshold)))
        i, j = np.nonzero(across & (tile.similarities > self._floor))
        if i.size == 0:
            return
        similarity = np.concatenate([self._similarity, tile.similarities[i, j]])
        rows = np.concatenate([self._rows, tile.rows[i]])
        columns = np.concatenate([self._columns, tile.columns[j]])
        if similarity.size > self._most:
            best = np.argpartition(-similarity, self._most - 1)[: self._most]
            similarity, rows, columns = similarity[best], rows[best], columns[best]
            self._floor = similarity.min()
        self._similarity, self._rows, self._columns = similarity, rows, columns

    def sorted(self) -> tuple[Indices, Indices, Vectors]:
        order = np.lexsort((self._columns, self._rows, -self._similarity))
        return self._rows[order], self._columns[order], self._similarity[order]
