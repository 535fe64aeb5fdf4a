"""Rows that are unusually far from their neighbours."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tamis.algo.neighbors import KnnGraph

__all__ = ["distance_outliers"]

_FENCE = 1.5


def distance_outliers(graph: KnnGraph, k: int = 10) -> NDArray[np.bool_]:
    """Tell which rows are outliers: farther from their `k`-th neighbour than most rows are.

    The score is the cosine distance to the `k`-th nearest row (Ramaswamy, Rastogi and Shim 2000);
    an outlier lies over the third quartile by more than 1.5 interquartile ranges (Tukey 1977).
    O(N log N).

    Args:
        graph: a k-NN graph; with fewer than `k` neighbours a row, the last one is taken.
        k: which neighbour.

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
    lower, upper = np.quantile(distance, [0.25, 0.75])
    # Float32 rounding must not make outliers where all rows are the same.
    far: NDArray[np.bool_] = distance > upper + max(_FENCE * (upper - lower), 1e-6)
    return far
