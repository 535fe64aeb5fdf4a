"""Quotas: how many rows of each group may and must be picked, tracked pick by pick."""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tamis.errors import UsageError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tamis.types import Indices

__all__ = ["Allowance", "Quotas"]


@dataclass(frozen=True)
class Quotas:
    """Minimum and maximum picks for each group; groups do not overlap.

    Attributes:
        groups: `[N]` int64, the group of each row from 0 to `G - 1`, or -1 for none.
        names: `[G]` names of the groups for messages, e.g. `label=cat`.
        least: `[G]` int64, minimum number of picks.
        most: `[G]` int64, maximum number of picks.

    Example:
        >>> Quotas(np.array([0, 0, 1]), ("cat", "dog"), np.array([1, 0]), np.array([1, 3])).names
        ('cat', 'dog')
    """

    groups: Indices
    names: tuple[str, ...]
    least: Indices
    most: Indices

    def __post_init__(self) -> None:
        size = len(self.names)
        if not self.least.shape == self.most.shape == (size,):
            raise UsageError(
                f"{size} groups need as many least and most counts, not {self.least.size} and "
                f"{self.most.size}"
            )
        if self.groups.size and not -1 <= self.groups.min() <= self.groups.max() < size:
            raise UsageError(
                f"groups must be from -1 to {size - 1}, not {self.groups.min()} to "
                f"{self.groups.max()}"
            )
        for name, least, most in zip(self.names, self.least, self.most, strict=True):
            if not 0 <= least <= most:
                raise UsageError(
                    f"the quota of {name} must be from 0 up, the least before the most, not "
                    f"{least} to {most}"
                )


class Allowance:
    """Tracks which groups are still open while `n` rows are picked one by one.

    A group closes when it reaches its maximum, or when all remaining picks are needed for groups
    below their minimum. A closed group never opens again, so a greedy algorithm may forget its
    rows, and any algorithm that picks only from open groups ends with all quotas met.

    Args:
        n: how many rows will be picked.
        candidates: `[C]` rows that may be picked, including those in `include`.
        include: rows that are picked first.
        quotas: the quotas, or None.
        total: the number of rows; needed only without quotas.

    Raises:
        UsageError: the quotas cannot be met; the message says which and why.

    Example:
        >>> quotas = Quotas(np.array([0, 0, 1]), ("cat", "dog"), np.array([0, 1]), np.array([2, 1]))
        >>> allowance = Allowance(2, np.arange(3), quotas=quotas)
        >>> allowance.take(0), allowance.permits(np.arange(3)).tolist()
        (True, [False, False, True])
    """

    def __init__(
        self,
        n: int,
        candidates: Indices,
        *,
        include: Indices | None = None,
        quotas: Quotas | None = None,
        total: int = 0,
    ) -> None:
        include = candidates[:0] if include is None else include
        if include.size > n:
            raise UsageError(
                f"{include.size} rows are to be included, more than the {n} to be picked"
            )
        if quotas is None:
            quotas = Quotas(np.full(total, -1), (), np.empty(0, np.int64), np.empty(0, np.int64))
        else:
            _require_possible(n, candidates, include, quotas)
        # Rows without a group form one more group without limits.
        self._group = np.where(quotas.groups < 0, len(quotas.names), quotas.groups)
        self._lacking = np.append(quotas.least, 0)
        self._room = np.append(quotas.most, n)
        self._need = int(self._lacking.sum())
        self._open = self._room > 0
        self.left = n
        self._close()
        for row in include.tolist():
            self.take(row)

    def copy(self) -> Allowance:
        """Return an independent copy in the same state."""
        twin = copy(self)
        twin._lacking, twin._room, twin._open = (  # noqa: SLF001 - of the same class
            self._lacking.copy(),
            self._room.copy(),
            self._open.copy(),
        )
        return twin

    def permits(self, rows: Indices) -> NDArray[np.bool_]:
        """Return which rows are in an open group, `[R]` bool."""
        allowed: NDArray[np.bool_] = self._open[self._group[rows]]
        return allowed

    def permits_row(self, row: int) -> bool:
        """Return whether a row is in an open group."""
        return bool(self._open[self._group[row]])

    def take(self, row: int) -> bool:
        """Record a row as picked; return whether that closed a group."""
        group = self._group[row]
        self.left -= 1
        self._room[group] -= 1
        if self._lacking[group] > 0:
            self._lacking[group] -= 1
            self._need -= 1
        before = int(self._open.sum())
        self._open[group] &= self._room[group] > 0
        self._close()
        return int(self._open.sum()) < before

    def _close(self) -> None:
        if self.left <= self._need:
            self._open &= self._lacking > 0


def _require_possible(n: int, candidates: Indices, include: Indices, quotas: Quotas) -> None:
    """Raise if the quotas cannot be met, naming the group and the reason."""
    size = len(quotas.names)
    groups = np.where(quotas.groups < 0, size, quotas.groups)
    there = np.bincount(groups[candidates], minlength=size + 1)
    included = np.bincount(groups[include], minlength=size + 1)
    for name, least, most, have, given in zip(
        quotas.names, quotas.least, quotas.most, there, included, strict=False
    ):
        if have < least:
            raise UsageError(
                f"the quota of {name} cannot be met: at least {least} are to be picked, and "
                f"{have} can be"
            )
        if given > most:
            raise UsageError(
                f"the quota of {name} cannot be met: at most {most} may be picked, and {given} "
                "are to be included"
            )
    needed = np.maximum(quotas.least, included[:size]).sum() + included[size]
    if needed > n:
        sums = ", ".join(
            f"{name} {least}"
            for name, least in zip(quotas.names, quotas.least, strict=True)
            if least
        )
        raise UsageError(
            f"the quotas cannot be met: they and the rows to be included ask for {needed} picks "
            f"({sums}), more than the {n} to be picked"
        )
    possible = np.minimum(quotas.most, there[:size]).sum() + there[size]
    if possible < n:
        tight = [
            f"{name} {most}"
            for name, most, have in zip(quotas.names, quotas.most, there, strict=False)
            if most < have
        ]
        raise UsageError(
            f"the quotas cannot be met: {n} are to be picked, and they leave room for {possible} "
            f"(at most: {', '.join(tight)})"
        )
