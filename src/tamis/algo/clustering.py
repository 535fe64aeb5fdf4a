"""Spherical k-means: groups of rows that point the same way."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import faiss
import numpy as np

from tamis.algo.exact_neighbors import exact_search
from tamis.algo.unit_vectors import unit_vectors
from tamis.errors import UsageError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tamis.types import Indices, Vectors

__all__ = ["Clusters", "spherical_k_means"]


@dataclass(frozen=True)
class Clusters:
    """Rows grouped by their nearest centroid.

    Attributes:
        labels: `[N]` int64, the cluster of each row.
        centroids: `[k, D]` float32 unit vectors; one may have no row.
    """

    labels: Indices
    centroids: Vectors


def spherical_k_means(
    X: NDArray[Any],
    k: int,
    *,
    rounds: int = 20,
    rows_per_cluster: int = 256,
    rng: np.random.Generator,
) -> Clusters:
    """Group rows into `k` clusters by cosine (Dhillon and Modha 2001).

    Trained on a random `k * rows_per_cluster` rows: O(rounds k² D rows_per_cluster + N k D) time,
    O(N + k D) memory beside the training rows. Equal similarities go to the lower cluster.

    Args:
        X: `[N, D]` unit vectors.
        k: how many clusters, at least 1; as many as there are rows if there are fewer.
        rounds: passes over the training rows.
        rows_per_cluster: training rows a cluster.
        rng: draws the training rows and the first centroids.

    Raises:
        UsageError: `X` is not made of finite unit vectors, or `k` is under 1.

    Example:
        >>> X = np.array([[1, 0], [0.8, 0.6], [-1, 0], [-0.8, 0.6]])
        >>> labels = spherical_k_means(X, 2, rng=np.random.default_rng(0)).labels
        >>> bool(labels[0] == labels[1]), bool(labels[0] == labels[2])
        (True, False)
    """
    vectors = unit_vectors(X)
    n, dim = vectors.shape
    if k < 1:
        raise UsageError(f"the number of clusters must be at least 1, not {k}")
    if n == 0:
        return Clusters(np.empty(0, np.int64), np.empty((0, dim), np.float32))
    k = min(k, n)
    size = min(n, k * rows_per_cluster)
    sample = vectors if size == n else vectors[np.sort(rng.choice(n, size, replace=False))]
    kmeans = faiss.Kmeans(
        dim,
        k,
        niter=rounds,
        spherical=True,
        seed=int(rng.integers(2**31)),
        min_points_per_centroid=1,
        max_points_per_centroid=rows_per_cluster,
    )
    kmeans.train(sample)
    centroids = np.asarray(kmeans.centroids, dtype=np.float32)
    return Clusters(exact_search(vectors, centroids, 1)[0][:, 0], centroids)
