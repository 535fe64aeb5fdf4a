"""Levels to zoom: clusters of clusters, and clusters within clusters."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from tamis.algo.canonical_order import canonical_order
from tamis.algo.k_means import fit_centroids, nearest_centroid

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tamis.types import Indices, Vectors

__all__ = ["Levels", "merge_clusters", "split_clusters", "zoom_levels"]

_SHRINK: Final = 4
_LEAST_TOP: Final = 3
_LEAST_ROWS: Final = 8


@dataclass(frozen=True)
class Levels:
    """Nested clusters, the coarsest first.

    Attributes:
        labels: of each level, `[N]` the cluster of each row; -1 for none.
        parents: of each level but the first, `[k]` the cluster one level up.
    """

    labels: tuple[Indices, ...]
    parents: tuple[Indices, ...]


def zoom_levels(X: Vectors, labels: Indices, *, rng: np.random.Generator) -> Levels:
    """Build levels around a clustering: four times fewer clusters each up, four times more down.

    Args:
        X: `[N, D]` unit vectors.
        labels: `[N]` clusters from 0 without a gap; a negative one is none.
        rng: draws seeds of the clusters within clusters.
    """
    k = int(labels.max()) + 1
    counts = []
    while (k := k // _SHRINK) >= _LEAST_TOP:
        counts.append(k)
    above = merge_clusters(X, labels, counts)
    levels: list[Indices] = [labels]
    parents: list[Indices] = []
    finer, within = split_clusters(X, labels, _SHRINK, rng=rng)
    known = labels >= 0
    before = np.arange(int(labels.max()) + 1)
    for merged in above:
        parent = np.zeros(int(before.max()) + 1, np.int64)
        parent[before] = merged
        parents.insert(0, parent)
        levels.insert(0, np.where(known, merged[labels], -1))
        before = merged
    return Levels((*levels, finer), (*parents, within))


def merge_clusters(X: Vectors, labels: Indices, counts: Sequence[int]) -> list[Indices]:
    """Join the two clusters that lose the least of the objective of k-means, again and again.

    The objective of spherical k-means is the sum of the lengths of the clusters' sums, so joining
    a and b loses `|a| + |b| - |a + b|`: Ward's method (1963) on the sphere. O(k² D) time at the
    start and O(k D) a join, O(k²) memory.

    Args:
        X: `[N, D]` unit vectors.
        labels: `[N]` clusters from 0 without a gap; a negative one is none.
        counts: how many clusters to stop at, falling.

    Returns:
        For each count, `[k]` the new cluster of each cluster, numbered by its first.
    """
    k = int(labels.max()) + 1
    sums = np.zeros((k, X.shape[1]))
    order = canonical_order(X)
    order = order[labels[order] >= 0]
    np.add.at(sums, labels[order], X[order])
    lengths = np.linalg.norm(sums, axis=1)
    square = lengths**2
    joined = np.sqrt(np.maximum(square[:, None] + square + 2 * sums @ sums.T, 0.0))
    loss = lengths[:, None] + lengths - joined
    np.fill_diagonal(loss, np.inf)
    number = np.arange(k)
    left = k
    found = []
    for count in counts:
        while left > max(count, 1):
            a, b = sorted(divmod(int(np.argmin(loss)), k))
            sums[a] += sums[b]
            lengths[a] = np.linalg.norm(sums[a])
            number[number == b] = a
            loss[b] = loss[:, b] = np.inf
            alive = np.isfinite(loss[a])
            alive[[a, b]] = False
            both = np.linalg.norm(sums[alive] + sums[a], axis=1)
            loss[a, alive] = loss[alive, a] = lengths[a] + lengths[alive] - both
            left -= 1
        found.append(np.unique(number, return_inverse=True)[1].astype(np.int64))
    return found


def split_clusters(
    X: Vectors, labels: Indices, parts: int, *, rng: np.random.Generator
) -> tuple[Indices, Indices]:
    """Cluster the rows of each cluster again, into so many parts, of eight rows or more on average.

    Returns:
        `[N]` finer clusters, and `[k]` the cluster that each lies in.
    """
    finer = np.full(labels.size, -1)
    parents: list[int] = []
    order = canonical_order(X)
    for name in range(int(labels.max()) + 1):
        rows = order[labels[order] == name]
        wanted = max(1, min(parts, rows.size // _LEAST_ROWS))
        inside = np.zeros(rows.size, np.int64)
        if wanted > 1:
            inside = nearest_centroid(X[rows], fit_centroids(X[rows], wanted, rng=rng))[0]
            inside = np.unique(inside, return_inverse=True)[1].astype(np.int64)
        finer[rows] = len(parents) + inside
        parents += [name] * (int(inside.max()) + 1 if rows.size else 0)
    return finer, np.array(parents, np.int64)
