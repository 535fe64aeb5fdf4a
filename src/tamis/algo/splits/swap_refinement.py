"""Improve an assignment by moving and swapping groups: for sizes, then for missing categories."""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tamis.algo.splits.assignment import Assignment
    from tamis.types import Indices

__all__ = ["balance", "cover_categories", "even_out", "fill_empty"]

_MOST_EXCHANGES, _MOST_ROUNDS, _ROUNDING = 1000, 50, 1e-9
# Below this all pairs of groups are tried; with more, placement alone is balanced to about a row.
_MOST_TO_BALANCE = 3000


def fill_empty(place: Assignment) -> None:
    """Give each wanted but empty split the smallest group of the split with the most groups."""
    for empty in np.flatnonzero(place.wanted & ~np.isin(np.arange(place.room.size), place.split)):
        crowded = np.argmax(np.bincount(place.split))
        inside = np.flatnonzero(place.split == crowded)
        place.move(int(inside[np.argmin(place.members[inside])]), int(empty))


def even_out(place: Assignment) -> None:
    """Move groups, then swap pairs, until no move or swap brings a size closer to its target.

    Among groups of equal size, the one whose categories the other split needs most goes first.
    """
    members, room = place.members, place.room
    for over in np.flatnonzero(room < 0).tolist():
        for under in np.flatnonzero(room > 0).tolist():
            free = place.leavable(over)
            free = free[members[free] <= min(-room[over], room[under])]
            for g in free[np.lexsort((members[free], -place.relief(free, under, over)))].tolist():
                if members[g] > min(-room[over], room[under]):
                    continue
                if place.may_leave(g):
                    place.move(g, under)
    for _ in range(_MOST_EXCHANGES):
        if not _exchange(place):
            return


def _exchange(place: Assignment) -> bool:
    """Make the swap that improves the sizes most; return False if there is none."""
    members, room = place.members, place.room
    wanted = np.flatnonzero(place.wanted).tolist()
    free = {s: place.leavable(s) for s in wanted} if np.ptp(room[wanted]) > 1 else {}
    best = (0.0, 0, 0, 0, 0)
    for over in free:
        for under in free:
            gap = int(room[under] - room[over])
            if gap < 2:  # noqa: PLR2004 - a difference of one cannot be halved
                continue
            out = np.unique(members[free[over]])
            back = np.unique(np.append(members[free[under]], 0))
            moved = out[:, None] - back
            gain = np.where(moved > 0, moved * (gap - moved), 0)
            if gain.size and gain.max() > best[0]:
                i, j = np.unravel_index(np.argmax(gain), gain.shape)
                best = (float(gain.max()), over, under, int(out[i]), int(back[j]))
    gain_of_best, over, under, out_size, back_size = best
    if gain_of_best <= 0:
        return False
    going = free[over][members[free[over]] == out_size]
    coming = free[under][members[free[under]] == back_size]
    g = int(going[np.argmax(place.relief(going, under, over))])
    if coming.size:
        place.move(int(coming[np.argmax(place.relief(coming, over, under))]), over)
    place.move(g, under)
    return True


def cover_categories(place: Assignment, families: Sequence[int]) -> None:
    """Bring each category with enough groups into the splits that lack it, if a group fits.

    The incoming group replaces one of about its size. If sizes get worse, they still miss their
    targets by less than the group. `families` counts the consecutive categories that belong
    together; an earlier family is never sacrificed for a later one.
    """
    by_category = place.has.tocsc()
    for end in np.cumsum(families).tolist():
        place.protect(end)
        for category, into in place.missing():
            _cover(place, by_category, category, into)


def _cover(place: Assignment, by_category: Any, category: int, into: int) -> None:
    """Bring one category into one split, if possible."""
    if place.held[into, category]:
        return
    span = slice(by_category.indptr[category], by_category.indptr[category + 1])
    holders = by_category.indices[span].astype(np.int64)
    others = [s for s in np.unique(place.split[holders]).tolist() if s != into]
    free = [np.intersect1d(place.leavable(s), holders) for s in others]
    coming = np.concatenate([*free, holders[:0]])
    coming = coming[place.members[coming] <= max(1, place.targets[into])]
    if coming.size == 0:
        return
    harm, g, h = _least_harm(place, coming, place.leavable(into), into)
    out_of = int(place.split[g])
    moved = int(place.members[g] - (0 if h is None else place.members[h]))
    missed = max(abs(place.room[into] - moved), abs(place.room[out_of] + moved))
    if harm > 0 and missed >= place.members[g]:
        return
    place.move(g, into)
    if h is not None:
        place.move(h, out_of)


def _least_harm(
    place: Assignment, coming: Indices, going: Indices, into: int
) -> tuple[float, int, int | None]:
    """Choose the incoming group, and the one to swap out, so that sizes change least."""
    best: tuple[float, float, int, int | None] | None = None
    sizes = place.members[going]
    for out_of in np.unique(place.split[coming]).tolist():
        fit = place.relief(going, out_of, into)
        here = coming[place.split[coming] == out_of]
        for size in np.unique(place.members[here]).tolist():
            same = here[place.members[here] == size]
            gain = place.relief(same, into, out_of)
            g = int(same[np.argmax(gain)])
            moved = size - np.append(sizes, 0)
            harm = (place.room[into] - moved) ** 2 + (place.room[out_of] + moved) ** 2
            harm = harm - place.room[into] ** 2 - place.room[out_of] ** 2
            at = int(np.lexsort((-np.append(fit, 0), harm))[0])
            h = int(going[at]) if at < going.size else None
            entry = (float(harm[at]), -float(gain.max()), g, h)
            if best is None or entry[:2] < best[:2]:
                best = entry
    assert best is not None
    return best[0], best[2], best[3]


def balance(place: Assignment) -> None:
    """Swap groups of equal size while that brings categories closer to their shares.

    This minimizes the sum, over splits and categories, of the squared number of missing rows
    divided by the rows of the category. Done only if there are few groups: O(groups²) per round.
    """
    if place.members.size > _MOST_TO_BALANCE or place.counts.shape[1] == 0:
        return
    weight = 1 / np.maximum(np.asarray(place.counts.sum(axis=0), dtype=np.float64), 1)
    own = np.asarray(place.counts.power(2) @ weight)
    weighted = place.counts.multiply(weight).tocsr()
    for _ in range(_MOST_ROUNDS):
        exchanged = False
        for size in np.unique(place.members).tolist():
            group = np.flatnonzero(place.members == size)
            for one, other in combinations(np.unique(place.split[group]).tolist(), 2):
                left, right = _staying(place, group, one), _staying(place, group, other)
                if left.size == 0 or right.size == 0:
                    continue
                lack = place.demand[other] - place.demand[one]
                gain = (weighted[left] @ lack - own[left])[:, None]
                gain = gain - (weighted[right] @ lack + own[right])
                gain += 2 * (weighted[left] @ place.counts[right].T).toarray()
                i, j = divmod(int(np.argmax(np.round(gain, 9))), right.size)
                if gain[i, j] > _ROUNDING:
                    place.move(int(left[i]), other)
                    place.move(int(right[j]), one)
                    exchanged = True
        if not exchanged:
            return


def _staying(place: Assignment, group: Indices, s: int) -> Indices:
    """Return those of the given groups that are in a split and can leave it."""
    return np.intersect1d(group, place.leavable(s), assume_unique=True)
