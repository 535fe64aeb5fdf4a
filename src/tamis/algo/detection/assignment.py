"""Which predicted object is matched with which true one: greedily, by falling confidence.

All pictures are matched at once: first every picture's most confident prediction, then every
second one, and so on, since predictions of different pictures never want the same true object.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Final

import numpy as np

from tamis.algo.detection.overlap import overlaps

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tamis.algo.detection.objects import Objects

__all__ = ["Candidates", "assigned", "candidates", "ranks"]

_AT_ONCE: Final = 1 << 21  # pairs, of about 200 bytes each


@dataclass(frozen=True)
class Candidates:
    """Pairs that may be matched.

    Attributes:
        predicted: rows of the predicted objects, `[n]`.
        true: rows of the true ones, `[n]`.
        overlap: how much they are alike, `[n]`.
    """

    predicted: NDArray[np.int64]
    true: NDArray[np.int64]
    overlap: NDArray[np.float64]

    def chosen(self, rows: NDArray[np.bool_]) -> Candidates:
        """Return some of them."""
        return Candidates(self.predicted[rows], self.true[rows], self.overlap[rows])


def ranks(group: NDArray[np.int64], score: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return the place of each row in its group by falling score, `[N]`, of equal ones in order."""
    order = np.lexsort((-score, group))
    first = np.searchsorted(group[order], group[order])
    found = np.empty(len(order), np.int64)
    found[order] = np.arange(len(order)) - first
    return found


def candidates(
    true: Objects,
    predicted: Objects,
    groups: tuple[NDArray[np.int64], NDArray[np.int64]],
    least: float,
) -> Candidates:
    """Return the pairs of one group that overlap enough. O(pairs), a bounded number at a time.

    Args:
        true: what there is.
        predicted: what was found.
        groups: of the true objects `[T]` and the predicted ones `[P]`.
        least: overlap.
    """
    order = np.argsort(groups[0], kind="stable")
    there = groups[0][order]
    low = np.searchsorted(there, groups[1])
    count = np.searchsorted(there, groups[1], "right") - low
    ends = np.cumsum(count)
    found = []
    start = 0
    while start < len(count):
        done = ends[start - 1] if start else 0
        stop = max(start + 1, int(np.searchsorted(ends, done + _AT_ONCE, "right")))
        counts = count[start:stop]
        p = np.repeat(np.arange(start, stop), counts)
        places = np.arange(len(p)) - np.repeat(np.cumsum(counts) - counts, counts)
        t = order[np.repeat(low[start:stop], counts) + places]
        overlap = overlaps(predicted, true, p, t, least)
        kept = overlap >= least
        found.append((p[kept], t[kept], overlap[kept]))
        start = stop
    if not found:
        none = np.empty(0, np.int64)
        return Candidates(none, none, np.empty(0))
    return Candidates(*(np.concatenate(part) for part in zip(*found, strict=True)))


def assigned(
    pairs: Candidates,
    rank: NDArray[np.int64],
    least: NDArray[np.float64],
    ignored: NDArray[np.bool_],
    crowd: NDArray[np.bool_],
) -> NDArray[np.int64]:
    """Match predictions, best first, at several overlaps.

    A true object that counts comes before one that is ignored, however much another overlaps; then
    the larger overlap, and of equal ones the last.

    Args:
        pairs: what may be matched.
        rank: place of each prediction in its group by falling confidence, `[P]`.
        least: overlaps that are enough, `[L]`.
        ignored: true objects that do not count, `[T]`.
        crowd: those that many may match, `[T]`.

    Returns:
        the true object of each prediction at each overlap, `[L, P]`; -1 if none.
    """
    found = np.full((len(least), len(rank)), -1, np.int64)
    p, t = pairs.predicted, pairs.true
    order = np.lexsort((-t, -pairs.overlap, ignored[t], p, rank[p]))
    p, t, overlap = p[order], t[order], pairs.overlap[order]
    enough = overlap[None] >= np.minimum(least, 1 - 1e-10)[:, None]
    free = np.ones((len(least), len(ignored)), bool)
    bounds = np.searchsorted(rank[p], np.arange(rank.max(initial=-1) + 2))
    levels = np.arange(len(least))[:, None]
    for low, high in pairwise(bounds.tolist()):
        if low == high:
            continue
        able = enough[:, low:high] & (free[:, t[low:high]] | crowd[t[low:high]])
        first = np.flatnonzero(np.diff(p[low:high], prepend=-1))
        places = np.where(able, np.arange(high - low), high - low)
        best = np.minimum.reduceat(places, first, axis=1)
        hit = best < high - low
        chosen = t[low:high][np.where(hit, best, 0)]
        found[:, p[low:high][first]] = np.where(hit, chosen, -1)
        free[np.broadcast_to(levels, hit.shape)[hit], chosen[hit]] = False
    return found
