"""Splits that keep groups whole and give each split its share of every category."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.sparse import csr_array

from tamis.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from tamis.types import Indices

__all__ = ["assign_splits", "split_targets"]

_SUM_TOLERANCE = 1e-6


def split_targets(n: int, fractions: Sequence[float]) -> Indices:
    """Return how many of `n` rows each split should get: whole numbers that sum to `n`.

    Rounded by largest remainder, ties to the earlier split.

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
    # Without rounding, 0.1 + 0.2 style noise would decide who gets the remainder.
    exact = np.round(exact, 9)
    targets: Indices = np.floor(exact).astype(np.int64)
    order = np.argsort(-(exact - targets), kind="stable")
    targets[order[: n - int(targets.sum())]] += 1
    return targets


def assign_splits(
    groups: Indices,
    categories: Sequence[Indices],
    fractions: Sequence[float],
    *,
    rng: np.random.Generator,
) -> Indices:
    """Place every row in a split so that no group is divided and categories are balanced.

    Iterative stratification (Sechidis, Tsoumakas and Vlahavas 2011) with groups in the place of
    examples: the category with the fewest rows left is placed first, largest groups first, each
    where that category is wanted most. A group goes to a split that has room for it; failing
    that, to the one with the most room. A last pass moves small groups to even out the sizes, and
    a split that is to have a share gets at least one group. Where all groups are single rows,
    each split that has a target of its own meets it exactly. Groups that tie are ordered by
    chance. O(N log N) time, O(N) memory.

    Args:
        groups: `[N]` group of each row, 0 or more.
        categories: any number of `[N]` arrays, each giving every row a category; a negative
            number is none.
        fractions: the share of each split, in [0, 1], summing to 1.
        rng: orders groups that tie.

    Returns:
        `[N]` int64 split numbers.

    Raises:
        UsageError: fractions are wrong, lengths differ, or there are fewer groups than splits
            that should get a row.

    Example:
        >>> groups = np.array([0, 0, 1, 2, 3])
        >>> label = np.array([0, 0, 0, 1, 1])
        >>> assign_splits(groups, [label], [0.6, 0.4], rng=np.random.default_rng(0)).tolist()
        [0, 0, 1, 0, 1]
    """
    if any(len(category) != len(groups) for category in categories):
        raise UsageError("each category must have one entry for each row")
    targets = split_targets(len(groups), fractions)
    if len(groups) == 0:
        return np.empty(0, dtype=np.int64)
    names, group = np.unique(groups, return_inverse=True)
    wanted = int(np.count_nonzero(np.asarray(fractions)))
    if names.size < wanted:
        raise UsageError(
            f"{len(groups)} pictures form {names.size} groups that must stay whole, too few for "
            f"{wanted} splits: ask for fewer splits, or group more finely"
        )
    members = np.bincount(group)
    counts = _category_counts(group, names.size, categories)
    desired = np.outer(np.asarray(fractions, dtype=np.float64), counts.sum(axis=0))
    order = rng.permutation(names.size)
    split, room, demand = _place_rarest_first(members, counts, desired, targets, order)
    _even_out(split, room, demand, members, counts)
    _fill_empty(split, np.flatnonzero(np.asarray(fractions)), members)
    placed: Indices = split[group]
    return placed


def _category_counts(group: Indices, n: int, categories: Sequence[Indices]) -> Any:
    """Count the rows of each group in each category: sparse `[groups, all categories]`."""
    rows: list[Indices] = []
    columns: list[Indices] = []
    width = 0
    for category in categories:
        present = np.flatnonzero(np.asarray(category) >= 0)
        names, number = np.unique(np.asarray(category)[present], return_inverse=True)
        rows.append(group[present])
        columns.append(width + number)
        width += names.size
    at = (np.concatenate([*rows, group[:0]]), np.concatenate([*columns, group[:0]]))
    return csr_array((np.ones(at[0].size), at), shape=(n, width))


def _place_rarest_first(
    members: Indices, counts: Any, desired: NDArray[np.float64], targets: Indices, order: Indices
) -> tuple[Indices, Indices, NDArray[np.float64]]:
    """Return the split of each group, the room left in each split, and the rows still wanted."""
    split = np.full(members.size, -1, dtype=np.int64)
    room = targets.copy()
    demand = desired.copy()
    left = np.asarray(counts.sum(axis=0), dtype=np.float64)
    by_category = counts.tocsc()
    rank = np.empty_like(order)
    rank[order] = np.arange(order.size)

    def place(g: int, wish: NDArray[np.float64]) -> None:
        fits = np.flatnonzero(room >= members[g])
        if fits.size:
            best = fits[np.lexsort((-room[fits], -np.round(wish[fits], 9)))[0]]
        else:
            best = np.argmax(room)
        split[g] = best
        room[best] -= members[g]
        span = slice(counts.indptr[g], counts.indptr[g + 1])
        demand[best, counts.indices[span]] -= counts.data[span]
        left[counts.indices[span]] -= counts.data[span]

    while left.size and left.max() > 0:
        rarest = int(np.argmin(np.where(left > 0, left, np.inf)))
        span = slice(by_category.indptr[rarest], by_category.indptr[rarest + 1])
        holders, held = by_category.indices[span], by_category.data[span]
        free = split[holders] < 0
        holders, held = holders[free], held[free]
        for g in holders[np.lexsort((rank[holders], -members[holders], -held))].tolist():
            place(g, demand[:, rarest])
    unplaced = order[split[order] < 0]
    for g in unplaced[np.argsort(-members[unplaced], kind="stable")].tolist():
        place(g, np.zeros(room.size))
    return split, room, demand


def _even_out(
    split: Indices, room: Indices, demand: NDArray[np.float64], members: Indices, counts: Any
) -> None:
    """Move groups from splits that are over their target to splits under it, in place.

    Among the groups small enough, those go first whose categories the other split lacks most.
    """
    for over in np.flatnonzero(room < 0):
        for under in np.flatnonzero(room > 0):
            inside = np.flatnonzero((split == over) & (members <= min(-room[over], room[under])))
            relief = counts[inside] @ (demand[under] - demand[over])
            for g in inside[np.lexsort((members[inside], -relief))].tolist():
                if members[g] <= min(-room[over], room[under]):
                    split[g] = under
                    room[over] += members[g]
                    room[under] -= members[g]


def _fill_empty(split: Indices, wanted: Indices, members: Indices) -> None:
    """Give each wanted split that has no group the smallest of the split with the most groups."""
    for empty in wanted[~np.isin(wanted, split)]:
        crowded = np.argmax(np.bincount(split))
        inside = np.flatnonzero(split == crowded)
        split[inside[np.argmin(members[inside])]] = empty
