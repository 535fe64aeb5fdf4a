"""Places for rows that came after a layout was made; those that have a place keep it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from tamis.algo.k_means import fit_centroids, nearest_centroid
from tamis.algo.neighbors import knn_search
from tamis.algo.top_k import TopK
from tamis.algo.unit_vectors import unit_vectors
from tamis.errors import UsageError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tamis.types import Indices, Vectors

__all__ = ["Placement"]

_NEIGHBORS: Final = 10
_ROUNDS: Final = 20
_AT_ONCE: Final = 4096
_MOST_EXACT: Final = 1_000_000_000
"""Pairs of a new and a known row up to which all are compared."""

_CELLS_READ: Final = 12
_ROWS_A_CENTROID: Final = 32
_SAME: Final = 1e-6


class Placement:
    """Places new rows at the geometric median of the places of the ten known rows most like each.

    The median is weighted by closeness: one over the squared distance, down to none at the
    eleventh. It lies among the most of them, where a mean could lie between two groups, in neither.
    A row that is equal to a known one comes to lie on it. Rows are placed one by one: neither other
    new rows nor their order count.

    Args:
        known: `[N, D]` unit vectors that have places.
        places: `[N, 2]` of those.
        expected: how many rows will be placed. Up to a billion pairs all are compared, O(M N D) in
            all; beyond, the known rows in the 12 nearest of √N cells (spherical k-means), O(M √N D)
            after O(N √N D).
        rng: trains the cells.

    Raises:
        UsageError: there is no known row, or vectors are no unit vectors.

    Example:
        >>> known = np.eye(3, dtype=np.float32)
        >>> places = np.array([[0, 0], [1, 0], [0, 1]], np.float32)
        >>> placement = Placement(known, places, expected=1, rng=np.random.default_rng(0))
        >>> placement.of(known[1:2]).round(6).tolist()
        [[1.0, 0.0]]
    """

    def __init__(
        self,
        known: NDArray[Any],
        places: NDArray[np.float32],
        *,
        expected: int,
        rng: np.random.Generator,
    ) -> None:
        self._known, self._places = unit_vectors(known), places
        if not len(self._known):
            raise UsageError("there is no picture on the map to place others by; make it anew")
        exact = expected * len(self._known) <= _MOST_EXACT
        self._cells = None if exact else _Cells(self._known, rng)

    def of(self, X: NDArray[Any]) -> Vectors:
        """Return where rows `[M, D]` belong: `[M, 2]` float32 among the known places.

        Raises:
            UsageError: they are no unit vectors of the same dimension.
        """
        vectors = unit_vectors(X)
        found = np.empty((len(vectors), 2), np.float32)
        for begin in range(0, len(vectors), _AT_ONCE):
            part = slice(begin, begin + _AT_ONCE)
            near, likeness = (
                knn_search(vectors[part], self._known, _NEIGHBORS + 1)
                if self._cells is None
                else self._cells.nearest(vectors[part], _NEIGHBORS + 1)
            )
            found[part] = _medians(self._places[near].astype(np.float64), _weights(likeness))
        return found


def _weights(likeness: Vectors) -> NDArray[np.float64]:
    squared = np.maximum(2.0 - 2.0 * likeness.astype(np.float64), 0.0)
    if squared.shape[1] > _NEIGHBORS:
        reach = np.maximum(squared[:, -1:], _SAME)
        fading = np.maximum(1.0 - squared / reach, 0.0)
    else:
        fading = np.ones_like(squared)
    weights = (fading + _SAME) / (squared + _SAME)
    rows: NDArray[np.float64] = weights / weights.sum(axis=1, keepdims=True)
    return rows


def _medians(near: NDArray[np.float64], weights: NDArray[np.float64]) -> Vectors:
    """Return weighted geometric medians `[B, 2]` of places `[B, K, 2]` (Weiszfeld 1937).

    It begins at the place from which the others are least far, since a mean may be far from all.
    """
    apart = np.linalg.norm(near[:, :, None] - near[:, None, :], axis=3)
    begin = np.einsum("bij,bj->bi", apart, weights).argmin(axis=1)
    median = near[np.arange(len(near)), begin]
    for _ in range(_ROUNDS):
        distance = np.linalg.norm(near - median[:, None], axis=2)
        pull = weights / np.maximum(distance, _SAME)
        median = np.einsum("bk,bkd->bd", pull, near) / pull.sum(axis=1, keepdims=True)
    places: Vectors = median.astype(np.float32)
    return places


class _Cells:
    """Known rows by their nearest centroid, so that few of them are compared with each new one."""

    def __init__(self, known: Vectors, rng: np.random.Generator) -> None:
        self._known = known
        self._centroids = fit_centroids(
            known,
            math.isqrt(len(known)),
            rounds=4,
            rows_per_cluster=_ROWS_A_CENTROID,
            seeding="random",
            rng=rng,
        )
        labels = nearest_centroid(known, self._centroids)[0]
        order = np.argsort(labels, kind="stable")
        bounds = np.searchsorted(labels[order], np.arange(len(self._centroids) + 1))
        self._rows = np.split(order, bounds[1:-1])

    def nearest(self, X: Vectors, k: int) -> tuple[Indices, Vectors]:
        """Return the `k` nearest known rows among those read: numbers and likeness `[B, k]`."""
        read, _ = knn_search(X, self._centroids, _CELLS_READ)
        top = TopK(len(X), k)
        for cell, rows in enumerate(self._rows):
            readers = np.flatnonzero((read == cell).any(axis=1))
            if len(readers) and len(rows):
                top.offer(readers, X[readers] @ self._known[rows].T, rows)
        near, likeness = top.best()
        # a row whose cells hold fewer than k is placed by those that they hold
        lacking = ~np.isfinite(likeness)
        near[lacking] = np.broadcast_to(near[:, :1], near.shape)[lacking]
        likeness[lacking] = -1.0
        return near, np.minimum(likeness, 1.0)
