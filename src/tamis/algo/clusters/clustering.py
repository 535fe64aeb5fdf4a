"""Clusters to look at: how many, how sure, which rows stand for them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from tamis.algo.canonical_order import canonical_order
from tamis.algo.clusters.stability import STARTS, cluster_stability
from tamis.algo.k_means import best_centroids, nearest_centroid
from tamis.algo.unit_vectors import normalise_rows, unit_vectors
from tamis.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from tamis.algo.clusters.stability import Stability
    from tamis.types import Indices, Vectors

__all__ = ["Clustering", "TriedNumber", "assign_clusters", "cluster", "describe_clusters"]

_RATIO: Final = 1.4
_MOST: Final = 100
_LEAST_ROWS: Final = 4
_TRIALS: Final = 4


@dataclass(frozen=True)
class TriedNumber:
    """One number of clusters that was tried.

    Attributes:
        k: the number.
        separation: mean simplified silhouette, in [-1, 1]: how much nearer rows are to their own
            centroid than to the next.
        stability: of clusterings of random halves.
    """

    k: int
    separation: float
    stability: Stability


@dataclass(frozen=True)
class Clustering:
    """Rows in clusters, the largest first.

    Attributes:
        labels: `[N]` int64, cluster of each row; -1 for none.
        centroids: `[k, D]` float32 unit vectors.
        medoids: `[k]` the row nearest to each centroid.
        likeness: `[N]` float32 cosine of each row with its centroid; NaN for none.
        sizes: `[k]`.
        stability: of the number of clusters, and of each; None where not asked for.
        tried: numbers that were compared, ascending; empty where one was given.
        reason: one sentence on the number.
    """

    labels: Indices
    centroids: Vectors
    medoids: Indices
    likeness: NDArray[np.float32]
    sizes: Indices
    stability: Stability | None
    tried: tuple[TriedNumber, ...]
    reason: str


def cluster(
    X: NDArray[Any],
    k: int | None = None,
    *,
    most: int = _MOST,
    rng: np.random.Generator,
) -> Clustering:
    """Group rows by spherical k-means, the best of three starts, into a number that comes again.

    Without `k`, numbers from 2 to the root of N, each 1.4 times the one before, then four around
    the best, are tried on random halves, and the largest is taken that is as stable as the
    stablest, to one standard error: a number too small joins clusters now this way, now that; one
    too large cuts through them at another place each time. The same rows give the same
    clusters, bit for bit, whatever order they come in.

    About 25 k-means of at most 5,000 rows for each number tried, and three of all.

    Args:
        X: `[N, D]` unit vectors.
        k: how many; None to choose.
        most: the largest number to try.
        rng: draws halves and seeds.

    Raises:
        UsageError: there are no rows, a number is under 1, or `X` is not made of unit vectors.

    Example:
        >>> turn = np.repeat([0.0, 2.0, 4.0], 30) + np.tile(np.linspace(0, 0.3, 30), 3)
        >>> X = np.stack([np.cos(turn), np.sin(turn)], axis=1)
        >>> cluster(X, rng=np.random.default_rng(0)).sizes.tolist()
        [30, 30, 30]
    """
    vectors = unit_vectors(X)
    if not len(vectors):
        raise UsageError("there are no rows to cluster")
    if (k is not None and k < 1) or most < 1:
        raise UsageError(f"the number of clusters must be at least 1, not {k or most}")
    order = canonical_order(vectors)
    ordered = vectors[order]
    tried: tuple[TriedNumber, ...] = ()
    if k is None and len(ordered) < _LEAST_ROWS:
        k, reason = 1, f"1 cluster: {len(ordered)} rows are too few to tell more apart"
    elif k is None:
        grid = [_try(ordered, number, rng) for number in _numbers(len(ordered), most)]
        near = [_try(ordered, number, rng) for number in _between(grid, _best(grid))]
        tried = tuple(sorted([*grid, *near], key=lambda each: each.k))
        k = _best(tried)
        reason = _reason(tried, k)
    else:
        reason = f"{k} clusters, as asked for"
    labels = np.empty(len(vectors), np.int64)
    labels[order], _ = nearest_centroid(ordered, best_centroids(ordered, k, starts=STARTS, rng=rng))
    found = describe_clusters(vectors, labels, tried=tried, reason=reason)
    if len(vectors) < 2 * len(found.sizes):
        return found
    stability = cluster_stability(ordered, k, labels=found.labels[order], rng=rng)
    return describe_clusters(vectors, labels, stability=stability, tried=tried, reason=reason)


def describe_clusters(
    X: NDArray[Any],
    labels: Indices,
    *,
    stability: Stability | None = None,
    tried: tuple[TriedNumber, ...] = (),
    reason: str = "",
) -> Clustering:
    """Describe clusters that any method found, numbered anew: the largest first.

    Of equal sizes the one whose centroid comes first by its numbers. O(N D).

    Args:
        X: `[N, D]` unit vectors.
        labels: `[N]` any number for each cluster; a negative one is none.
        stability: of these clusters, by their new numbers.
        tried: numbers that were compared.
        reason: one sentence on the number.
    """
    vectors = unit_vectors(X)
    names = np.unique(labels[labels >= 0])
    number = np.where(labels >= 0, np.searchsorted(names, labels), -1)
    kept = number >= 0
    centroids = _centroids(vectors, number, names.size)
    sizes = np.bincount(number[kept], minlength=names.size)
    rank = np.lexsort((*centroids.T[:4], -sizes))
    place = np.empty_like(rank)
    place[rank] = np.arange(rank.size)
    number = np.where(kept, place[number], -1) if names.size else number
    centroids, sizes = centroids[rank], sizes[rank]
    likeness = np.full(len(vectors), np.nan, np.float32)
    likeness[kept] = np.einsum("nd,nd->n", vectors[kept], centroids[number[kept]])
    # equal rows can stand for each other, so ties need no rule but a fixed one
    nearest = np.lexsort((-likeness, number))
    nearest = nearest[number[nearest] >= 0]
    first = np.searchsorted(number[nearest], np.arange(names.size))
    return Clustering(number, centroids, nearest[first], likeness, sizes, stability, tried, reason)


def assign_clusters(
    X: NDArray[Any], centroids: Vectors, *, least: float = -1.0
) -> tuple[Indices, NDArray[np.float32]]:
    """Put new rows into clusters that are there, without fitting again. O(N k D).

    Args:
        X: `[N, D]` unit vectors.
        centroids: `[k, D]`.
        least: the cosine with a centroid under which a row is in no cluster.

    Returns:
        Cluster `[N]` of each row, -1 for none, and the cosine `[N]` with the nearest centroid.
    """
    near, likeness = nearest_centroid(unit_vectors(X), centroids)
    return np.where(likeness >= least, near, -1), likeness


def _centroids(X: Vectors, labels: Indices, k: int) -> Vectors:
    sums = np.zeros((k, X.shape[1]))
    # in an order of content, so that sums round alike whatever order rows come in
    order = canonical_order(X)
    order = order[labels[order] >= 0]
    for name in range(k):
        sums[name] = X[order[labels[order] == name]].sum(axis=0, dtype=np.float64)
    centroids: Vectors = normalise_rows(sums).astype(np.float32)
    return centroids


def _numbers(n: int, most: int) -> list[int]:
    """Return numbers to try, each about 1.4 times the one before."""
    top = max(1, min(most, int(np.sqrt(n))))
    numbers = [2]
    while numbers[-1] < top:
        numbers.append(min(top, max(numbers[-1] + 1, round(numbers[-1] * _RATIO))))
    return numbers


def _try(X: Vectors, k: int, rng: np.random.Generator) -> TriedNumber:
    stability = cluster_stability(X, k, pairs=_TRIALS, rng=rng)
    return TriedNumber(k, _separation(X, best_centroids(X, k, starts=1, rng=rng)), stability)


def _separation(X: Vectors, centroids: Vectors) -> float:
    """Mean simplified silhouette by cosine distance (Hruschka, de Castro and Campello 2004)."""
    from tamis.algo.exact_neighbors import exact_search

    if len(centroids) < 2:  # noqa: PLR2004 - nothing to be separate from
        return 0.0
    near = 1.0 - exact_search(X, centroids, 2)[1].astype(np.float64)
    return float(((near[:, 1] - near[:, 0]) / np.maximum(near[:, 1], 1e-9)).mean())


def _best(tried: Sequence[TriedNumber]) -> int:
    """Return the largest number that is as stable as the stablest, to one standard error."""
    stablest = max((each.stability for each in tried), key=lambda each: each.mean)
    least = stablest.mean - stablest.spread / np.sqrt(_TRIALS)
    return max(each.k for each in tried if each.stability.mean >= least)


def _between(tried: Sequence[TriedNumber], k: int) -> list[int]:
    """Return up to four numbers between `k` and those tried before and after it."""
    known = [each.k for each in tried]
    at = known.index(k)
    low, high = known[max(at - 1, 0)], known[min(at + 1, len(known) - 1)]
    inside = [number for number in range(low + 1, high) if number != k]
    places = np.unique(np.linspace(0, len(inside) - 1, min(4, len(inside))).round().astype(int))
    return [inside[place] for place in places.tolist()]


def _reason(tried: Sequence[TriedNumber], k: int) -> str:
    chosen = next(each for each in tried if each.k == k)
    return (
        f"{k} clusters: of {len(tried)} numbers from {tried[0].k} to {tried[-1].k}, the largest "
        f"that is as stable as any (adjusted Rand index between clusterings of random halves "
        f"{chosen.stability.mean:.2f})"
    )
