"""k-means: the row nearest to each of as many centres as there are rows to pick."""

from __future__ import annotations

from itertools import cycle
from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import csr_array

from tamis.algo.clustering import Clusters
from tamis.algo.exact_neighbors import exact_search
from tamis.algo.selection.pool import Pool, Stage

if TYPE_CHECKING:
    from tamis.types import Vectors

__all__ = ["k_means", "seeded_centres", "seeded_k_means"]

_ROUNDS = 10
_ROWS_A_CENTRE = 128
_ROWS_TO_SEED = 20_000


def k_means(pool: Pool, n: int) -> Stage:
    """Pick the candidate nearest to each of `n` centres, the centre of most rows first.

    Spherical k-means (Dhillon and Modha 2001) in which the chosen rows are centres that stay: what
    is nearest to one of them moves no other centre. Trained on a random `128 n` rows:
    O(n² D 1280 + n N D) time, O(N) memory beside the training rows.
    """
    fixed_rows = pool.X[pool.chosen] if pool.chosen.size else None
    centres = seeded_centres(pool.X, n, fixed=fixed_rows, rng=pool.rng)
    near, similarity = exact_search(pool.X, centres, 1)
    labels = near[:, 0]
    if pool.chosen.size:
        fixed = exact_search(pool.X, pool.X[pool.chosen], 1)[1][:, 0]
        labels = np.where(fixed >= similarity[:, 0], -1, labels)
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


def seeded_k_means(X: Vectors, k: int, *, rng: np.random.Generator) -> Clusters:
    """Group rows into `k` clusters, seeded by squared distance; see `seeded_centres`."""
    centres = seeded_centres(X, k, rng=rng)
    return Clusters(exact_search(X, centres, 1)[0][:, 0], centres)


def seeded_centres(
    X: Vectors, k: int, *, fixed: Vectors | None = None, rng: np.random.Generator
) -> Vectors:
    """Return up to `k` centres of spherical k-means, `[k, D]`.

    Seeded by squared distance, which seldom puts two seeds into one cluster and none into another,
    then ten rounds over a random `128 k` rows.

    Args:
        X: `[N, D]` unit vectors.
        k: how many centres.
        fixed: `[L, D]` centres that are there already and stay.
        rng: draws rows and seeds.
    """
    size = min(X.shape[0], k * _ROWS_A_CENTRE)
    sample = X if size == X.shape[0] else X[np.sort(rng.choice(X.shape[0], size, replace=False))]
    reached = np.full(size, -2.0, dtype=np.float32)
    if fixed is not None:
        reached = exact_search(sample, fixed, 1)[1][:, 0].copy()
    few = np.arange(size)
    if size > max(_ROWS_TO_SEED, k):
        few = np.sort(rng.choice(size, max(_ROWS_TO_SEED, k), replace=False))
    rows = sample[few]
    centres = rows[_seeds(rows, np.float32(2) - np.float32(2) * reached[few], k, rng)]
    for _ in range(_ROUNDS):
        near, similarity = exact_search(sample, centres, 1)
        counted = similarity[:, 0] > reached
        member = csr_array(
            (counted.astype(np.float32), near[:, 0], np.arange(size + 1)),
            shape=(size, centres.shape[0]),
        )
        sums = np.asarray(member.T @ sample, dtype=np.float32)
        lengths = np.linalg.norm(sums, axis=1)
        alive = lengths > 1e-6  # noqa: PLR2004 - an empty centre, or one whose rows cancel out
        centres = np.where(alive[:, None], sums / np.maximum(lengths, 1e-6)[:, None], centres)
    return centres


def _seeds(rows: Vectors, nearest: Vectors, k: int, rng: np.random.Generator) -> list[int]:
    """Draw seeds by squared distance, each the best of a few draws (greedy k-means++)."""
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
