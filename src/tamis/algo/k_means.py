"""Spherical k-means: groups of rows that point the same way."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np
from scipy.sparse import csr_array

from tamis.algo.exact_neighbors import exact_search
from tamis.algo.unit_vectors import unit_vectors
from tamis.errors import UsageError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tamis.types import Indices, Vectors

__all__ = [
    "Clusters",
    "Seeding",
    "best_centroids",
    "fit_centroids",
    "nearest_centroid",
    "spherical_k_means",
]

Seeding = Literal["spread", "random"]
"""`spread` draws first centroids by squared distance, which seldom puts two into one cluster and
none into another; `random` draws rows, which is cheap where there are thousands of centroids."""

_ROWS_TO_SEED: Final = 20_000
_VANISHED: Final = 1e-6
"""Length of a sum of unit vectors under which they cancel out."""


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
    rounds: int = 10,
    rows_per_cluster: int = 128,
    seeding: Seeding = "spread",
    rng: np.random.Generator,
) -> Clusters:
    """Group rows into at most `k` clusters by cosine (Dhillon and Modha 2001).

    Trained on a random `k * rows_per_cluster` rows: O(rounds k² D rows_per_cluster + N k D) time,
    O(N + k D) memory beside the training rows. Equal similarities go to the lower cluster.

    Args:
        X: `[N, D]` unit vectors.
        k: how many clusters, at least 1; as many as there are distinct rows if there are fewer.
        rounds: passes over the training rows.
        rows_per_cluster: training rows a cluster.
        seeding: how first centroids are drawn.
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
    if k < 1:
        raise UsageError(f"the number of clusters must be at least 1, not {k}")
    if vectors.shape[0] == 0:
        return Clusters(np.empty(0, np.int64), np.empty((0, vectors.shape[1]), np.float32))
    centroids = fit_centroids(
        vectors, k, rounds=rounds, rows_per_cluster=rows_per_cluster, seeding=seeding, rng=rng
    )
    return Clusters(nearest_centroid(vectors, centroids)[0], centroids)


def nearest_centroid(X: Vectors, centroids: Vectors) -> tuple[Indices, Vectors]:
    """Return the cluster of each row and its cosine with the centroid, `[N]` each. O(N k D)."""
    near, similarity = exact_search(X, centroids, 1)
    return near[:, 0], similarity[:, 0]


def fit_centroids(
    X: Vectors,
    k: int,
    *,
    fixed: Vectors | None = None,
    rounds: int = 10,
    rows_per_cluster: int = 128,
    seeding: Seeding = "spread",
    rng: np.random.Generator,
) -> Vectors:
    """Return up to `k` centroids of spherical k-means, `[k, D]`; see `spherical_k_means`.

    Args:
        X: `[N, D]` unit vectors, N over 0.
        k: how many centroids.
        fixed: `[L, D]` centroids that are there already and stay: rows nearest to one of them
            move no other.
        rounds: passes over the training rows.
        rows_per_cluster: training rows a cluster.
        seeding: how first centroids are drawn.
        rng: draws rows and first centroids.
    """
    size = min(X.shape[0], k * rows_per_cluster)
    sample = X if size == X.shape[0] else X[np.sort(rng.choice(X.shape[0], size, replace=False))]
    reached = np.full(size, -2.0, dtype=np.float32)
    if fixed is not None:
        reached = exact_search(sample, fixed, 1)[1][:, 0].copy()
    if seeding == "random":
        centroids = sample[rng.permutation(size)[:k]]
    else:
        few = np.arange(size)
        if size > max(_ROWS_TO_SEED, k):
            few = np.sort(rng.choice(size, max(_ROWS_TO_SEED, k), replace=False))
        rows = sample[few]
        centroids = rows[_spread(rows, np.float32(2) - np.float32(2) * reached[few], k, rng)]
    before = np.empty(0, np.int64)
    for _ in range(rounds):
        near, similarity = nearest_centroid(sample, centroids)
        counted = similarity > reached
        place = np.where(counted, near, -1)
        if np.array_equal(place, before):
            break
        before = place
        member = csr_array(
            (counted.astype(np.float32), near, np.arange(size + 1)),
            shape=(size, centroids.shape[0]),
        )
        sums = np.asarray(member.T @ sample, dtype=np.float32)
        lengths = np.linalg.norm(sums, axis=1)
        alive = lengths > _VANISHED
        centroids = np.where(
            alive[:, None], sums / np.maximum(lengths, _VANISHED)[:, None], centroids
        )
    return centroids


def best_centroids(X: Vectors, k: int, *, starts: int, rng: np.random.Generator) -> Vectors:
    """Return the centroids of the start that rows are most like; a single one may go astray.

    As `fit_centroids`, and O(N k D) for each start.
    """
    fits = [fit_centroids(X, k, rng=rng) for _ in range(starts)]
    likeness = [float(nearest_centroid(X, each)[1].sum(dtype=np.float64)) for each in fits]
    return fits[int(np.argmax(likeness))]


def _spread(rows: Vectors, nearest: Vectors, k: int, rng: np.random.Generator) -> list[int]:
    """Draw rows by squared distance, each the best of a few draws (greedy k-means++)."""
    trials = 2 + int(np.log(max(k, 1)))
    seeds: list[int] = []
    for _ in range(min(k, rows.shape[0])):
        bounds = np.cumsum(np.maximum(nearest, 0.0), dtype=np.float64)
        if bounds[-1] <= 0:
            break
        drawn = np.searchsorted(bounds, rng.random(trials) * bounds[-1], side="right")
        drawn = np.minimum(drawn, rows.shape[0] - 1)
        after = np.minimum(2.0 - 2.0 * (rows[drawn] @ rows.T), nearest)
        best = int(np.argmin(np.maximum(after, 0.0).sum(axis=1, dtype=np.float64)))
        seeds.append(int(drawn[best]))
        nearest = after[best]
    return seeds or [0]
