"""The most similar pairs of rows that lie in different splits."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from tamis.algo.neighbors.inverted_file import file_for
from tamis.algo.neighbors.near_tiles import SIMILARITY_ROUNDING, near_tiles_of
from tamis.algo.unit_vectors import unit_vectors
from tamis.errors import UsageError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tamis.algo.exact_neighbors import Tile
    from tamis.algo.neighbors.inverted_file import Method
    from tamis.types import Indices, Vectors

__all__ = ["CrossPairs", "closest_across"]

_SAMPLE_ROWS = 500
_BLOCK_ROWS = 8192


@dataclass(frozen=True)
class CrossPairs:
    """Pairs of rows of different splits, most similar first.

    Attributes:
        left: `[P]` int64 row numbers.
        right: `[P]` int64 row numbers, `left < right`.
        similarity: `[P]` float32 cosine similarities, falling.
        over: number of pairs across splits at or above the threshold, listed or not.
        method: the kernel that ran.
        recall_estimate: share of these pairs found; always 1.
    """

    left: Indices
    right: Indices
    similarity: Vectors
    over: int
    method: Literal["exact", "ivf"]
    recall_estimate: float = 1.0

    @property
    def max_similarity(self) -> float | None:
        """The largest similarity across splits; None if fewer than two splits have rows."""
        return float(self.similarity[0]) if self.similarity.size else None


def closest_across(
    X: NDArray[Any],
    split: Indices,
    *,
    threshold: float = 1.0,
    most: int = 1000,
    method: Method = "auto",
    rng: np.random.Generator,
) -> CrossPairs:
    """Find the `most` most similar pairs of rows in different splits.

    All pairs are considered, not only each row's nearest, so one leak cannot hide another. Both
    kernels find the same pairs: the inverted file estimates the similarity of the last pair from
    sampled rows, and if that was too high, searches again down to the true value. Time O(N²D) for
    the exact kernel, about O(N^1.5 D) for clustered rows by inverted file; memory O(N + most).

    Args:
        X: `[N, D]` unit vectors.
        split: `[N]` split of each row; rows with a negative number are ignored.
        threshold: cosine similarity at or above which pairs are counted.
        most: how many pairs to list.
        method: as in `knn_graph`.
        rng: trains and samples the inverted file; does not affect the pairs.

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
    lowest = threshold
    file = file_for(vectors, method, rng)
    if file is not None:
        lowest = min(threshold, _guessed_floor(vectors, number, most, rng))
    while True:
        kind, tiles = near_tiles_of(vectors, file, lowest, method, rng)
        closest = _Closest(most, np.float32(threshold - SIMILARITY_ROUNDING))
        for tile in tiles:
            closest.offer(tile, number[tile.rows][:, None] != number[tile.columns])
        # Any pair that was not compared is below `lowest`, so it cannot enter a full list.
        if kind == "exact" or lowest <= max(closest.floor, -1.0):
            break
        lowest = max(closest.floor, -1.0)
    left, right, similarity = closest.sorted()
    return CrossPairs(kept[left], kept[right], np.minimum(similarity, 1.0), closest.over, kind)


def _guessed_floor(X: Vectors, number: Indices, most: int, rng: np.random.Generator) -> float:
    """Estimate the similarity of the `most`-th pair across splits, erring on the low side."""
    n = X.shape[0]
    sample = rng.choice(n, min(n, _SAMPLE_ROWS), replace=False)
    # Either end of a pair can be sampled.
    expected = 2.0 * most * sample.size / n
    rank = int(np.ceil(expected + 3.0 * np.sqrt(expected)))
    best = np.empty(0, np.float32)
    for begin in range(0, n, _BLOCK_ROWS):
        across = number[begin : begin + _BLOCK_ROWS, None] != number[sample]
        found = (X[begin : begin + _BLOCK_ROWS] @ X[sample].T)[across]
        if best.size == rank:
            found = found[found > best.min()]
        best = np.concatenate([best, found])
        if best.size > rank:
            best = np.partition(best, best.size - rank)[best.size - rank :]
    return float(best.min()) if best.size == rank else -1.0


class _Closest:
    """The most similar pairs so far, and the number at or above the threshold."""

    def __init__(self, most: int, threshold: np.float32) -> None:
        self._most = most
        self._threshold = threshold
        self.floor = -math.inf
        self._left = self._right = np.empty(0, np.int64)
        self._similarity = np.empty(0, np.float32)
        self.over = 0

    def offer(self, tile: Tile, across: NDArray[np.bool_]) -> None:
        self.over += int(np.count_nonzero(across & (tile.similarities >= self._threshold)))
        i, j = np.nonzero(across & (tile.similarities > self.floor))
        if i.size == 0:
            return
        similarity = np.concatenate([self._similarity, tile.similarities[i, j]])
        one, other = tile.rows[i], tile.columns[j]
        left = np.concatenate([self._left, np.minimum(one, other)])
        right = np.concatenate([self._right, np.maximum(one, other)])
        if similarity.size > self._most:
            best = np.argpartition(-similarity, self._most - 1)[: self._most]
            similarity, left, right = similarity[best], left[best], right[best]
            self.floor = float(similarity.min())
        self._similarity, self._left, self._right = similarity, left, right

    def sorted(self) -> tuple[Indices, Indices, Vectors]:
        order = np.lexsort((self._right, self._left, -self._similarity))
        return self._left[order], self._right[order], self._similarity[order]
