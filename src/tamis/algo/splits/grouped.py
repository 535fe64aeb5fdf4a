"""Group-aware stratified splits: groups stay whole, categories are balanced."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import csr_array, issparse

from tamis.algo.splits.assignment import Assignment
from tamis.algo.splits.swap_refinement import balance, cover_categories, even_out, fill_empty
from tamis.errors import UsageError
from tamis.wording import counted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from tamis.types import Indices

__all__ = ["assign_splits", "split_targets"]

_SUM_TOLERANCE = 1e-6


def split_targets(n: int, fractions: Sequence[float]) -> Indices:
    """Return how many of `n` rows each split should get: integers that sum to `n`.

    Rounded by the largest remainder method; ties go to the earlier split.

    Raises:
        UsageError: a fraction is outside [0, 1], or they do not sum to 1.

    Example:
        >>> split_targets(14, [0.8, 0.1, 0.1])
        array([11,  2,  1])
    """
    shares = np.asarray(fractions, dtype=np.float64)
    shown = ", ".join(f"{share:g}" for share in fractions)
    if shares.size == 0 or not np.all((shares >= 0) & (shares <= 1)):
        raise UsageError(f"split fractions must lie between 0 and 1, not {shown}")
    if abs(float(shares.sum()) - 1.0) > _SUM_TOLERANCE:
        raise UsageError(f"split fractions must sum to 1, but {shown} sum to {shares.sum():g}")
    exact = n * shares / shares.sum()
    # Without rounding, floating-point noise as in 0.1 + 0.2 would decide who gets the remainder.
    exact = np.round(exact, 9)
    targets: Indices = np.floor(exact).astype(np.int64)
    order = np.argsort(-(exact - targets), kind="stable")
    targets[order[: n - int(targets.sum())]] += 1
    return targets


def assign_splits(
    groups: Indices,
    categories: Sequence[Indices | csr_array],
    fractions: Sequence[float],
    *,
    rng: np.random.Generator,
) -> Indices:
    """Assign every row to a split so that no group is divided and categories are balanced.

    Iterative stratification (Sechidis, Tsoumakas and Vlahavas 2011) applied to groups: the
    category with the fewest rows left is placed first, largest groups first, each into the split
    that needs this category most. A group goes to a split with room for it; failing that, to the
    one with the most room. Then groups are moved and swapped until no move or swap brings sizes
    closer to their targets, and until each category with at least as many groups as there are
    splits occurs in each split, if a group of it fits there. A split with a nonzero share gets at
    least one group. If all groups are single rows, splits with a target above 0 meet it exactly;
    otherwise sizes miss by at most about one group. Ties are broken at random. O(N log N) time,
    O(N) memory.

    Args:
        groups: `[N]` group of each row, 0 or more.
        categories: any number of `[N]` arrays, most important first, with the category of each
            row, negative for none; or sparse `[N, C]` matrices of ones if rows have several.
        fractions: the share of each split, in [0, 1], summing to 1.
        rng: breaks ties.

    Returns:
        `[N]` int64 split numbers.

    Raises:
        UsageError: fractions are invalid, lengths differ, or there are fewer groups than splits
            that should get a row.

    Example:
        >>> groups = np.array([0, 0, 1, 2, 3])
        >>> label = np.array([0, 0, 0, 1, 1])
        >>> assign_splits(groups, [label], [0.6, 0.4], rng=np.random.default_rng(0)).tolist()
        [0, 0, 1, 0, 1]
    """
    if any(category.shape[0] != len(groups) for category in categories):
        raise UsageError("each category must have one entry for each row")
    targets = split_targets(len(groups), fractions)
    if len(groups) == 0:
        return np.empty(0, dtype=np.int64)
    names, group = np.unique(groups, return_inverse=True)
    wanted = int(np.count_nonzero(np.asarray(fractions)))
    if names.size < wanted:
        raise UsageError(
            f"{counted(len(groups), 'picture')} in {counted(names.size, 'group')} that must stay "
            f"whole, too few for "
            f"{wanted} splits: ask for fewer splits, or group more finely"
        )
    members = np.bincount(group)
    counts, families = _category_counts(group, names.size, categories)
    share = np.asarray(fractions, dtype=np.float64)
    place = Assignment(
        members, counts, targets, np.outer(share, counts.sum(axis=0)), wanted=share > 0
    )
    _place_rarest_first(place, rng.permutation(names.size))
    fill_empty(place)
    even_out(place)
    cover_categories(place, families)
    even_out(place)
    balance(place)
    placed: Indices = place.split[group]
    return placed


def _category_counts(
    group: Indices, n: int, categories: Sequence[Indices | csr_array]
) -> tuple[csr_array, list[int]]:
    """Count the rows of each group in each category: sparse `[groups, all categories]`.

    Also returns how many categories each array has.
    """
    rows: list[Indices] = []
    columns: list[Indices] = []
    width = 0
    families: list[int] = []
    for category in categories:
        if issparse(category):
            present, number = (at.astype(np.int64) for at in csr_array(category).nonzero())
            here = category.shape[1]
        else:
            present = np.flatnonzero(np.asarray(category) >= 0)
            names, number = np.unique(np.asarray(category)[present], return_inverse=True)
            here = names.size
        rows.append(group[present])
        columns.append(width + number)
        width += here
        families.append(here)
    at = (np.concatenate([*rows, group[:0]]), np.concatenate([*columns, group[:0]]))
    counts = csr_array((np.ones(at[0].size), at), shape=(n, width))
    counts.sum_duplicates()
    return counts, families


def _place_rarest_first(place: Assignment, order: Indices) -> None:
    members, counts = place.members, place.counts
    left = np.asarray(counts.sum(axis=0), dtype=np.float64)
    by_category = counts.tocsc()
    rank = np.empty_like(order)
    rank[order] = np.arange(order.size)

    def put(g: int, wish: NDArray[np.float64]) -> None:
        room = place.room
        fits = np.flatnonzero((room >= members[g]) & place.wanted)
        if fits.size:
            best = fits[np.lexsort((-room[fits], -np.round(wish[fits], 9)))[0]]
        else:
            best = np.argmax(room)
        place.move(g, int(best))
        left[place.categories(g)] -= place.rows_of(g)

    while left.size and left.max() > 0:
        rarest = int(np.argmin(np.where(left > 0, left, np.inf)))
        span = slice(by_category.indptr[rarest], by_category.indptr[rarest + 1])
        holders, held = by_category.indices[span], by_category.data[span]
        free = place.split[holders] < 0
        holders, held = holders[free], held[free]
        for g in holders[np.lexsort((rank[holders], -members[holders], -held))].tolist():
            put(g, place.demand[:, rarest])
    unplaced = order[place.split[order] < 0]
    for g in unplaced[np.argsort(-members[unplaced], kind="stable")].tolist():
        put(g, np.zeros(place.room.size))
