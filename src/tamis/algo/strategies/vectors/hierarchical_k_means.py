"""Hierarchical k-means sampling: the same number from each top-level cluster, whatever its size."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tamis.algo.exact_neighbors import exact_search
from tamis.algo.k_means import fit_centroids, spherical_k_means
from tamis.algo.selection.strategy import Pool, Stage, Strategy, take_in_order

if TYPE_CHECKING:
    from tamis.types import Indices, Vectors

__all__ = ["hierarchical_k_means"]

_SHRINK = 10
_LEAST_CENTROIDS = 4
_MOST_LEAVES = 10_000
_NEAREST_ROWS = 8
_RESAMPLINGS = 2
_BLOCK_ROWS = 16_384


def hierarchical_k_means(pool: Pool, n: int) -> Stage:
    """Pick evenly from a tree of clusters, so that large clusters do not crowd out small ones.

    Rows are clustered into leaves: two per pick, at least 8 rows each, at most 10,000. Their
    centroids are clustered into ten times fewer, and so on. At each level clustering is repeated
    twice on only the eight members nearest to each centroid, which evens out the density (Vo et al.
    2024). Then the top-level clusters give one row each in turn, drawn from their own clusters in
    turn, down to the leaves, which give the row nearest to their centroid first; chosen rows count
    as given. Scores are cosine similarities to the leaf's centroid.

    O(N leaves D) time, O(N) memory besides the training rows.
    """
    X = pool.X
    if X.shape[0] == 0:
        return Stage(pool.candidates, np.empty(0))
    count = min(_MOST_LEAVES, max(1, min(2 * (n + pool.chosen.size), X.shape[0] // _NEAREST_ROWS)))
    leaf, centroids = _level(X, count, pool.rng)
    likeness = _likeness(X, centroids, leaf)
    given = np.zeros(X.shape[0], dtype=np.bool_)
    given[pool.chosen] = True
    rank = np.lexsort((-likeness, ~given))
    turn = np.empty_like(rank)
    turn[rank] = np.arange(rank.size)
    turn = _turns(leaf, turn)
    branch = leaf
    while centroids.shape[0] >= _SHRINK * _LEAST_CENTROIDS:
        above, centroids = _level(centroids, centroids.shape[0] // _SHRINK, pool.rng)
        # Children take turns within their parent: all first rows, then all second rows.
        order = np.lexsort((branch, turn))
        place = np.empty_like(order)
        place[order] = np.arange(order.size)
        branch = above[branch]
        turn = _turns(branch, place)
    order = np.lexsort((branch, turn))
    candidate = pool.is_candidate()
    taken = take_in_order(pool, order[candidate[order]], n)
    sizes = np.bincount(leaf, minlength=count)
    return Stage(taken, likeness[taken].astype(np.float64), leaf[taken], sizes[leaf[taken]])


def _turns(cluster: Indices, place: Indices) -> Indices:
    """Number the rows of each cluster from 0 by their places."""
    order = np.lexsort((place, cluster))
    sizes = np.bincount(cluster)
    start = np.cumsum(sizes) - sizes
    turns = np.empty_like(order)
    turns[order] = np.arange(order.size) - start[cluster[order]]
    return turns


def _level(X: Vectors, k: int, rng: np.random.Generator) -> tuple[Indices, Vectors]:
    clusters = spherical_k_means(X, k, rng=rng)
    labels, centroids = clusters.labels, clusters.centroids
    for _ in range(_RESAMPLINGS):
        likeness = _likeness(X, centroids, labels)
        order = np.lexsort((-likeness, labels))
        sizes = np.bincount(labels, minlength=centroids.shape[0])
        start = np.cumsum(sizes) - sizes
        within = np.arange(labels.size) - start[labels[order]]
        near = np.sort(order[within < _NEAREST_ROWS])
        if near.size < k:
            break
        centroids = fit_centroids(X[near], k, rng=rng)
        labels = exact_search(X, centroids, 1)[0][:, 0]
    return labels, centroids


def _likeness(X: Vectors, centroids: Vectors, labels: Indices) -> Vectors:
    likeness = np.empty(X.shape[0], dtype=np.float32)
    for begin in range(0, X.shape[0], _BLOCK_ROWS):
        block = slice(begin, begin + _BLOCK_ROWS)
        likeness[block] = np.einsum("nd,nd->n", X[block], centroids[labels[block]])
    return likeness


STRATEGY = Strategy(
    hierarchical_k_means,
    reason=lambda pick: f"nearest to the center of {pick.of_cluster()}",
)
