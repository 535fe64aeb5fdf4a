"""TypiClust: the most typical row of each large cluster without a pick."""

from __future__ import annotations

import heapq
from typing import TYPE_CHECKING

import numpy as np

from tamis.algo.exact_neighbors import exact_search
from tamis.algo.k_means import spherical_k_means
from tamis.algo.selection.strategy import Pool, Stage, Strategy

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tamis.types import Indices

__all__ = ["typicality"]

_NEIGHBORS = 20
_SMALL_CLUSTER = 5
_ROWS_A_CLUSTER = 20
_MOST_CLUSTERS = 2_000
_MOST_COMPARED = 4_096


def typicality(pool: Pool, n: int) -> Stage:
    """Repeatedly pick the most typical row of the largest cluster among those with fewest picks.

    Typicality is one over the mean Euclidean distance to the 20 nearest rows of the cluster, or of
    a random 4,096 of its rows if it is larger (Hacohen, Dekel and Weinshall 2022). The number of
    clusters is that of picks and chosen rows, limited to 20 rows per cluster and 2,000 clusters.
    Clusters under 5 rows come last. Time of `spherical_k_means` and at most O(4096 N D).
    """
    size = pool.X.shape[0]
    wanted = min(n + pool.chosen.size, size // _ROWS_A_CLUSTER, _MOST_CLUSTERS)
    labels = spherical_k_means(pool.X, max(1, wanted), rng=pool.rng).labels
    sizes = np.bincount(labels)
    counts = np.bincount(labels[pool.chosen], minlength=sizes.size)
    candidate = pool.is_candidate()
    queue = [
        (bool(sizes[cluster] < _SMALL_CLUSTER), int(counts[cluster]), -int(sizes[cluster]), cluster)
        for cluster in range(sizes.size)
    ]
    heapq.heapify(queue)
    waiting: dict[int, list[tuple[int, float]]] = {}
    picks: list[int] = []
    scores: list[float] = []
    while len(picks) < n and queue:
        small, count, negative, cluster = queue[0]
        if cluster not in waiting:
            members = np.flatnonzero(labels == cluster)
            typical = _typicality(pool, members)
            order = np.argsort(-typical, kind="stable")
            order = order[candidate[members[order]]][::-1]
            waiting[cluster] = list(
                zip(members[order].tolist(), typical[order].tolist(), strict=True)
            )
        rows = waiting[cluster]
        while rows and not pool.allowance.permits_row(rows[-1][0]):
            rows.pop()
        if not rows:
            heapq.heappop(queue)
            continue
        row, score = rows.pop()
        picks.append(row)
        scores.append(score)
        pool.allowance.take(row)
        heapq.heapreplace(queue, (small, count + 1, negative, cluster))
    taken = np.array(picks, dtype=np.int64)
    return Stage(taken, np.array(scores), labels[taken], sizes[labels[taken]])


def _typicality(pool: Pool, members: Indices) -> NDArray[np.float64]:
    rows = pool.X[members]
    others = rows
    if members.size > _MOST_COMPARED:
        others = rows[np.sort(pool.rng.choice(members.size, _MOST_COMPARED, replace=False))]
    k = min(_NEIGHBORS + 1, others.shape[0])
    if k == 1:
        return np.zeros(members.size)
    _, similarity = exact_search(rows, others, k)
    # The nearest is the row itself, or as far as any where it is not among those compared.
    squared = np.maximum(2.0 - 2.0 * similarity[:, 1:].astype(np.float64), 0.0)
    mean: NDArray[np.float64] = np.sqrt(squared).mean(axis=1)
    return 1.0 / np.maximum(mean, 1e-3)


STRATEGY = Strategy(typicality, reason=lambda pick: f"typical of {pick.of_cluster()}")
