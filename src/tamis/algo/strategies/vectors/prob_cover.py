"""ProbCover: cover as many rows as possible by balls of one radius around the picks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tamis.algo.greedy import Kernel
from tamis.algo.k_means import spherical_k_means
from tamis.algo.selection.strategy import Pool, Stage, Strategy
from tamis.algo.strategies.vectors.facility_location import facility_location

if TYPE_CHECKING:
    from tamis.types import Indices, Vectors

__all__ = ["prob_cover", "pure_radius"]

_PURE_SHARE = 0.95
_SAMPLE_ROWS = 1_000
_BLOCK_ROWS = 16_384
_MOST_CLUSTERS = 100
_ROWS_A_CLUSTER = 20


def prob_cover(pool: Pool, n: int) -> Stage:
    """Greedily pick the row whose ball covers the most rows not covered yet.

    The radius is `pure_radius` for spherical k-means with as many clusters as there are classes,
    or without probabilities as there are picks (2 to 100, at least 20 rows each) (Yehuda et al.
    2022). This is facility location with a kernel that is 1 within the radius, at the same cost.
    Scores are the shares of all rows that each pick newly covers.
    """
    size = pool.X.shape[0]
    if size == 0 or n == 0:
        return Stage(pool.candidates[:0], np.empty(0))
    wanted = n if pool.probabilities is None else pool.probabilities.shape[1]
    clusters = max(2, min(wanted, _MOST_CLUSTERS, size // _ROWS_A_CLUSTER))
    labels = spherical_k_means(pool.X, clusters, rng=pool.rng).labels
    picks = facility_location(
        pool.X,
        n,
        candidates=pool.candidates,
        chosen=pool.chosen,
        kernel=Kernel("within", pure_radius(pool.X, labels, pool.rng)),
        allowance=pool.allowance,
        rng=pool.rng,
    )
    return Stage(picks.indices, picks.gains / size, parts=picks.parts)


def pure_radius(X: Vectors, labels: Indices, rng: np.random.Generator) -> float:
    """Return the cosine distance within which 95% of the rows see only their own cluster.

    A ball is pure if its radius is less than the distance to the nearest row of another cluster,
    so the radius is the 5% quantile of that distance over a random 1,000 rows. It is at least the
    median distance to the nearest row, below which most balls would cover a single row.
    O(1000 N D) time.

    Args:
        X: `[N, D]` unit vectors.
        labels: `[N]` the cluster of each row.
        rng: draws the sample.
    """
    sample = np.arange(X.shape[0])
    if sample.size > _SAMPLE_ROWS:
        sample = np.sort(rng.choice(sample, _SAMPLE_ROWS, replace=False))
    nearest = np.full(sample.size, -1.0, dtype=np.float32)
    other = np.full(sample.size, -1.0, dtype=np.float32)
    for begin in range(0, X.shape[0], _BLOCK_ROWS):
        block = slice(begin, begin + _BLOCK_ROWS)
        similarity = X[sample] @ X[block].T
        own = np.flatnonzero((sample >= begin) & (sample < begin + _BLOCK_ROWS))
        similarity[own, sample[own] - begin] = -1.0
        np.maximum(nearest, similarity.max(axis=1), out=nearest)
        similarity[labels[sample][:, None] == labels[None, block]] = -1.0
        np.maximum(other, similarity.max(axis=1), out=other)
    pure = float(np.quantile(1.0 - other, 1.0 - _PURE_SHARE))
    return max(0.0, pure, float(np.median(1.0 - nearest)))


STRATEGY = Strategy(
    prob_cover, reason=lambda pick: f"newly covers {100 * pick.score:.2g} % of the pictures"
)
