"""k-means: the row nearest to each of as many centres as there are rows to pick."""

from __future__ import annotations

from itertools import cycle

import numpy as np

from tamis.algo.exact_neighbors import exact_search
from tamis.algo.k_means import fit_centroids, nearest_centroid
from tamis.algo.selection.strategy import Pool, Stage, Strategy

__all__ = ["k_means"]


def k_means(pool: Pool, n: int) -> Stage:
    """Pick the candidate nearest to each of `n` centres, the centre of most rows first.

    Spherical k-means (Dhillon and Modha 2001) in which the chosen rows are centres that stay: what
    is nearest to one of them moves no other centre. Trained on a random `128 n` rows:
    O(n² D 1280 + n N D) time, O(N) memory beside the training rows.
    """
    fixed_rows = pool.X[pool.chosen] if pool.chosen.size else None
    centres = fit_centroids(pool.X, n, fixed=fixed_rows, rng=pool.rng)
    labels, similarity = nearest_centroid(pool.X, centres)
    if pool.chosen.size:
        fixed = exact_search(pool.X, pool.X[pool.chosen], 1)[1][:, 0]
        labels = np.where(fixed >= similarity, -1, labels)
    sizes = np.bincount(labels[labels >= 0], minlength=centres.shape[0])
    closed = ~pool.allowance.permits(np.arange(pool.X.shape[0]))
    closed |= ~pool.is_candidate()
    picks: list[int] = []
    clusters: list[int] = []
    scores: list[float] = []
    # With fewer distinct rows than picks there are fewer centres, which then take turns.
    for cluster in cycle(np.argsort(-sizes, kind="stable").tolist()):
        if len(picks) == n or closed.all():
            break
        likeness = pool.X @ centres[cluster]
        likeness[closed] = -np.inf
        place = int(np.argmax(likeness))
        picks.append(place)
        clusters.append(cluster)
        scores.append(float(likeness[place]))
        closed[place] = True
        if pool.allowance.take(picks[-1]):
            closed |= ~pool.allowance.permits(np.arange(closed.size))
    return Stage(
        indices=np.array(picks, dtype=np.int64),
        scores=np.array(scores, dtype=np.float64),
        clusters=np.array(clusters, dtype=np.int64),
        cluster_sizes=sizes[np.array(clusters, dtype=np.int64)],
    )


STRATEGY = Strategy(k_means, reason=lambda pick: f"nearest to the center of {pick.of_cluster()}")
