"""The state of an assignment of groups to splits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tamis.types import Indices

__all__ = ["Assignment"]


class Assignment:
    """Which split each group is in, and how many rows each split still needs.

    Attributes:
        members: `[G]` rows of each group.
        counts: sparse `[G, C]`, rows of each group in each category.
        targets: `[S]` rows that each split should have.
        wanted: `[S]` bool, which splits should have any row.
        split: `[G]` split of each group, -1 before it is placed.
        room: `[S]` rows that each split still needs; negative if it has too many.
        demand: `[S, C]` rows of each category that each split still needs.
        held: `[S, C]` number of groups of each category in each split.
    """

    def __init__(
        self,
        members: Indices,
        counts: Any,
        targets: Indices,
        demand: NDArray[np.float64],
        *,
        wanted: NDArray[np.bool_],
    ) -> None:
        self.members, self.counts, self.targets, self.wanted = members, counts, targets, wanted
        self.split = np.full(members.size, -1, dtype=np.int64)
        self.room = targets.copy()
        self.demand = demand
        self.held = np.zeros(demand.shape, dtype=np.int64)
        self.has = counts > 0
        groups = np.bincount(counts.indices, minlength=counts.shape[1])
        self._coverable = groups >= np.count_nonzero(wanted)
        self._enough = self._coverable

    def protect(self, first: int) -> None:
        """From now on, protect only the first `first` categories from losing their last group."""
        self._enough = self._coverable & (np.arange(self._coverable.size) < first)

    def categories(self, g: int) -> Indices:
        """Return the categories of a group."""
        found: Indices = self.counts.indices[self.counts.indptr[g] : self.counts.indptr[g + 1]]
        return found

    def rows_of(self, g: int) -> NDArray[np.float64]:
        """Return the number of a group's rows in each of its categories."""
        found: NDArray[np.float64] = self.counts.data[
            self.counts.indptr[g] : self.counts.indptr[g + 1]
        ]
        return found

    def move(self, g: int, to: int) -> None:
        """Move a group to a split from the one it is in, if any."""
        at, rows, before = self.categories(g), self.rows_of(g), int(self.split[g])
        if before >= 0:
            self.room[before] += self.members[g]
            self.demand[before, at] += rows
            self.held[before, at] -= 1
        self.split[g] = to
        self.room[to] -= self.members[g]
        self.demand[to, at] -= rows
        self.held[to, at] += 1

    def missing(self) -> list[tuple[int, int]]:
        """Return (category, split) pairs: the category could occur in every split, but not here."""
        lacking = (self.held == 0) & self.wanted[:, None] & self._enough
        category, split = np.nonzero(lacking.T)
        return list(zip(category.tolist(), split.tolist(), strict=True))

    def may_leave(self, g: int) -> bool:
        """Return whether a group can leave its split without emptying a protected category."""
        at = self.categories(g)
        return not ((self.held[self.split[g], at] == 1) & self._enough[at]).any()

    def leavable(self, s: int) -> Indices:
        """Return the groups of a split that can leave it without emptying a protected category."""
        inside = np.flatnonzero(self.split == s)
        if inside.size < 2:  # noqa: PLR2004 - the last one stays
            return inside[:0]
        last = ((self.held[s] == 1) & self._enough).astype(np.int64)
        found: Indices = inside[self.has[inside] @ last == 0]
        return found

    def relief(self, groups: Indices, to: int, out_of: int) -> NDArray[np.float64]:
        """Return how much better the categories of groups fit into `to` than into `out_of`."""
        gain: NDArray[np.float64] = self.counts[groups] @ (self.demand[to] - self.demand[out_of])
        return np.round(gain, 9)
