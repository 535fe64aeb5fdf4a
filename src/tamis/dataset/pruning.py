"""Old states whose data are let go, and which states can still be read.

The log is never shortened. A snapshot of the verb `prune` says which states from then on have no
data; only after it is there do files go, so that one who is killed half-way has lost nothing that a
snapshot still promises, and the next clean-up goes on.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from tamis.dataset.history import standing, tags
from tamis.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from tamis.dataset.snapshots import Snapshot

__all__ = ["KEPT_OPERATIONS", "PRUNED", "as_ranges", "readable", "require_readable", "to_prune"]

PRUNED: Final = "pruned"
"""Among the parameters of `prune`, the snapshots whose data were let go, as ranges."""

KEPT_OPERATIONS: Final = 10
"""How many of the newest operations can always be undone."""


def to_prune(snapshots: Sequence[Snapshot], days: float, now: datetime) -> list[int]:
    """Return the snapshots whose data may go: those that were left more than `days` ago.

    A state is kept if it is the present one, has a tag, was the present one within the last `days`,
    or is needed to undo one of the ten newest operations that stand.

    Args:
        snapshots: the whole log.
        days: how long states are kept.
        now: with a time zone.

    Returns:
        Their numbers, ascending, without those that were pruned before.
    """
    kept = {snapshots[-1].snapshot, *tags(snapshots).values()}
    newest = list(dict.fromkeys(s.operation for s in reversed(standing(snapshots))))
    undoable = set(newest[:KEPT_OPERATIONS])
    for made in standing(snapshots):
        if made.operation in undoable:
            kept |= {made.snapshot, made.snapshot - 1}
    since = now - timedelta(days=days)
    for earlier, later in pairwise(snapshots):
        if datetime.fromisoformat(later.time) >= since:
            kept.add(earlier.snapshot)
    gone = _pruned(snapshots)
    return [s.snapshot for s in snapshots if s.snapshot not in kept and s.snapshot not in gone]


def _pruned(snapshots: Iterable[Snapshot]) -> set[int]:
    """Return the snapshots whose data were let go."""
    gone: set[int] = set()
    for snapshot in snapshots:
        if snapshot.verb == "prune":
            for first, last in snapshot.params[PRUNED]:
                gone.update(range(first, last + 1))
    return gone


def readable(snapshots: Sequence[Snapshot], besides: Collection[int] = ()) -> list[Snapshot]:
    """Return the snapshots whose data are there.

    One that was pruned can be read for as long as one that was not has the same tables.

    Args:
        snapshots: the whole log.
        besides: others whose data are taken to be gone, too.
    """
    gone = _pruned(snapshots).union(besides)
    if not gone:
        return list(snapshots)
    kept = {table for s in snapshots if s.snapshot not in gone for table in s.after.items()}
    return [s for s in snapshots if s.snapshot not in gone or kept.issuperset(s.after.items())]


def require_readable(snapshots: Sequence[Snapshot], number: int) -> None:
    """Make sure that a state's data are there.

    Raises:
        UsageError: they were pruned.
    """
    there = [snapshot.snapshot for snapshot in readable(snapshots)]
    if number not in there and number in _pruned(snapshots):
        older = ", ".join(str(one) for one in there if one < number) or "none"
        newer = min(one for one in there if one > number)
        raise UsageError(
            f"the data of snapshot {number} were pruned, only its log entry is left. Older "
            f"snapshots that can be read: {older}; the next newer one: {newer}"
        )


def as_ranges(numbers: Iterable[int]) -> list[list[int]]:
    """Return ascending numbers as first and last of each run without a gap.

    Example:
        >>> as_ranges([1, 2, 3, 7])
        [[1, 3], [7, 7]]
    """
    runs: list[list[int]] = []
    for number in numbers:
        if runs and runs[-1][1] == number - 1:
            runs[-1][1] = number
        else:
            runs.append([number, number])
    return runs
