"""Outliers: rows that are unusually far from their neighbors."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tamis.algo.exact_neighbors import exact_search
from tamis.algo.neighbors import knn_graph

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tamis.algo.neighbors import KnnGraph
    from tamis.types import Indices, Vectors

__all__ = ["distance_outliers", "neighbor_distances", "sampled_outliers"]

_FENCE = 1.5


def distance_outliers(graph: KnnGraph, k: int = 10) -> NDArray[np.bool_]:
    """Return which rows are outliers: farther from their `k`-th neighbor than most rows are.

    The score is the cosine distance to the `k`-th nearest row (Ramaswamy, Rastogi and Shim 2000);
    an outlier exceeds the third quartile by more than 1.5 interquartile ranges (Tukey 1977).
    O(N log N).

    Args:
        graph: a k-NN graph; with fewer than `k` neighbors per row, the last one is used.
        k: which neighbor.

    Returns:
        `[N]` bool.

    Example:
        >>> from tamis.algo.neighbors import knn_graph
        >>> X = np.array([[1, 0]] * 9 + [[0, 1]], dtype=np.float32)
        >>> distance_outliers(knn_graph(X, 2, rng=np.random.default_rng(0))).nonzero()[0]
        array([9])
    """
    if graph.indices.shape[1] == 0:
        return np.zeros(graph.indices.shape[0], dtype=np.bool_)
    distance = 1.0 - graph.similarities[:, min(k, graph.indices.shape[1]) - 1].astype(np.float64)
    far: NDArray[np.bool_] = distance > _fence(distance)
    return far


def neighbor_distances(
    X: Vectors, reference: Vectors, own: NDArray[np.bool_], *, k: int
) -> NDArray[np.float32]:
    """Return `[N]` cosine distances to the `k`-th nearest reference row. O(N R D).

    A row that is among the reference rows is not its own neighbor. With fewer than `k` others the
    farthest counts.

    Args:
        X: `[N, D]` float32 unit vectors.
        reference: `[R, D]` float32 unit vectors, at least 2.
        own: `[N]` which rows are among the reference rows.
        k: which neighbor.
    """
    similarity = exact_search(X, reference, min(k + 1, len(reference)))[1]
    last = similarity.shape[1] - 1
    place = np.minimum(k - 1 + own.astype(np.int64), last)
    distances: NDArray[np.float32] = 1.0 - similarity[np.arange(len(X)), place]
    return np.maximum(distances, np.float32(0))


def sampled_outliers(
    X: Vectors, rows: Indices, *, size: int, k: int = 10, rng: np.random.Generator
) -> tuple[NDArray[np.bool_], float]:
    """Return which of `rows` are outliers, and the share of outliers, from a random sample.

    Distances of both the sample and `rows` are to the `k`-th nearest of `size` random rows, so the
    fence is that of `distance_outliers` for a dataset of that size. O(size² D) time.

    Args:
        X: `[N, D]` float32 unit vectors.
        rows: `[R]` rows to judge.
        size: how many rows to draw.
        k: which neighbor.
        rng: draws them.

    Returns:
        `[R]` bool, and the share of outliers in the sample.
    """
    drawn = np.sort(rng.choice(X.shape[0], min(size, X.shape[0]), replace=False))
    sample = X[drawn]
    graph = knn_graph(sample, k, method="exact", rng=rng)
    distance = 1.0 - graph.similarities[:, -1].astype(np.float64)
    fence = _fence(distance)
    # A sampled row finds itself first, which does not count.
    similarity = exact_search(X[rows], sample, k + 1)[1]
    own = np.isin(rows, drawn).astype(np.int64)
    kth = similarity[np.arange(rows.size), k - 1 + own]
    far: NDArray[np.bool_] = 1.0 - kth.astype(np.float64) > fence
    return far, float(np.mean(distance > fence))


def _fence(distance: NDArray[np.float64]) -> float:
    lower, upper = np.quantile(distance, [0.25, 0.75])
    # If all rows are identical, float32 rounding must not create outliers.
    return float(upper + max(_FENCE * (upper - lower), 1e-6))
