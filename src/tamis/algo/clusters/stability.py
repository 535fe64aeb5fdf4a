"""Whether clusters come out again from other rows of the same kind."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from tamis.algo.clusters.rand_index import adjusted_rand
from tamis.algo.k_means import best_centroids, nearest_centroid

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tamis.types import Indices, Vectors

__all__ = ["STARTS", "Stability", "cluster_stability", "kept_together"]

STARTS: Final = 3
_MOST_ROWS: Final = 5_000


@dataclass(frozen=True)
class Stability:
    """How far clusterings of random halves agree.

    Attributes:
        mean: of the adjusted Rand index over pairs of halves; 1 is the same again, 0 chance.
        spread: standard deviation over the pairs.
        clusters: `[k]` share of the pairs of rows of each cluster that stay together; NaN for one
            of under two rows. Empty unless a clustering was given.
    """

    mean: float
    spread: float
    clusters: NDArray[np.float64]


def cluster_stability(
    X: Vectors,
    k: int,
    *,
    labels: Indices | None = None,
    pairs: int = 5,
    rng: np.random.Generator,
) -> Stability:
    """Cluster two random halves, put all rows into the clusters of either, and compare; again.

    Halves share no row, so that what comes out twice is in the kind of rows, not in these rows
    (Ben-Hur, Elisseeff and Guyon 2002; Lange, Roth, Braun and Buhmann 2004). On at most 5,000
    rows: `2 pairs` k-means, each the best of three starts.

    Args:
        X: `[N, D]` unit vectors, two or more.
        k: how many clusters.
        labels: `[N]` a clustering, each cluster of which is judged too.
        pairs: how often.
        rng: draws halves and seeds.
    """
    rows = np.arange(len(X))
    if rows.size > _MOST_ROWS:
        rows = np.sort(rng.choice(rows.size, _MOST_ROWS, replace=False))
    few = X[rows]
    indices = []
    together: list[NDArray[np.float64]] = []
    for _ in range(pairs):
        mixed = rng.permutation(len(few))
        halves = np.sort(mixed[: mixed.size // 2]), np.sort(mixed[mixed.size // 2 :])
        found = [
            nearest_centroid(few, best_centroids(few[half], k, starts=STARTS, rng=rng))[0]
            for half in halves
        ]
        indices.append(adjusted_rand(*found))
        if labels is not None:
            together.extend(kept_together(labels[rows], each) for each in found)
    return Stability(
        mean=float(np.mean(indices)),
        spread=float(np.std(indices, ddof=1)) if pairs > 1 else 0.0,
        clusters=np.mean(together, axis=0) if together else np.empty(0),
    )


def kept_together(labels: Indices, again: Indices) -> NDArray[np.float64]:
    """Return the share of pairs of rows of each cluster that lie together in another clustering.

    NaN for a cluster of under two rows.
    """
    kept = labels >= 0
    table = np.zeros((int(labels.max()) + 1, int(again.max()) + 1))
    np.add.at(table, (labels[kept], again[kept]), 1.0)
    sizes = table.sum(axis=1)
    every = sizes * (sizes - 1)
    share: NDArray[np.float64] = np.divide(
        (table * (table - 1)).sum(axis=1), every, out=np.full(sizes.size, np.nan), where=every > 0
    )
    return share
