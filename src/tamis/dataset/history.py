"""What the chain of snapshots says: the log, tags, and what an undo would take back."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

from tamis.dataset.log_reading import ASKED, options_of, told
from tamis.dataset.operations import TagNamed
from tamis.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from tamis.dataset.snapshots import Snapshot

__all__ = [
    "RETURNS_TO",
    "LogEntry",
    "UndoPlan",
    "check_return",
    "check_tag",
    "log_entries",
    "newest_operation",
    "plan_redo",
    "plan_undo",
    "standing",
    "tags",
]

_TAG_NAME = re.compile(r"(?!\d+$)[A-Za-z0-9][A-Za-z0-9._-]*")


@dataclass(frozen=True)
class LogEntry:
    """One operation, as `tamis log` shows it.

    Attributes:
        operation: its number.
        verb: what it did.
        params: the request, and what it found out for later verbs.
        seed: the seed of its random choices, or None.
        counts: what it did, in numbers.
        state: "done"; "running" in a living process; "interrupted" when that process died or
            failed (what it had committed stands); "undone" when it was taken back.
        started: when its first checkpoint was made, ISO 8601 in UTC.
        finished: when its last checkpoint was made.
        before: the snapshot that it started from.
        snapshot: its last snapshot.
        checkpoints: how many snapshots it made.
    """

    operation: int
    verb: str
    params: Mapping[str, Any]
    seed: int | None
    counts: Mapping[str, Any]
    state: Literal["done", "running", "interrupted", "undone"]
    started: str
    finished: str
    before: int
    snapshot: int
    checkpoints: int

    @property
    def options(self) -> Mapping[str, Any]:
        """Its options by name: what was asked for, and what came of it."""
        return options_of(self)

    @property
    def asked(self) -> tuple[str, Mapping[str, Any]] | None:
        """The verb and the fields of the request; None where the log is older than requests."""
        kept = self.params.get(ASKED)
        return None if kept is None else (kept["verb"], kept["fields"])


@dataclass(frozen=True)
class UndoPlan:
    """What an undo takes back.

    Attributes:
        operations: the operations that vanish from the state, oldest first.
        snapshots: their snapshots.
        versions: version of each table to go back to.
        settings: the dataset's settings to go back to.
    """

    operations: tuple[int, ...]
    snapshots: tuple[int, ...]
    versions: Mapping[str, int]
    settings: Mapping[str, str]

    @property
    def target(self) -> int:
        """The snapshot whose state it brings back."""
        return min(self.snapshots) - 1


def log_entries(snapshots: Sequence[Snapshot], is_running: Callable[[int], bool]) -> list[LogEntry]:
    """One entry for each operation, in the order of their last checkpoints."""
    stands = {snapshot.snapshot for snapshot in standing(snapshots)}
    by_operation: dict[int, list[Snapshot]] = {}
    for snapshot in snapshots:
        by_operation.setdefault(snapshot.operation, []).append(snapshot)
    entries = []
    for operation, made in by_operation.items():
        first, last = made[0], made[-1]
        state: Literal["done", "running", "interrupted", "undone"]
        if _changes_data(last) and not any(s.snapshot in stands for s in made):
            state = "undone"
        elif last.state == "done":
            state = "done"
        else:
            state = "running" if is_running(operation) else "interrupted"
        entries.append(
            LogEntry(
                operation,
                last.verb,
                last.params,
                last.seed,
                last.counts,
                state,
                first.time,
                last.time,
                first.snapshot - 1,
                last.snapshot,
                len(made),
            )
        )
    return sorted(entries, key=lambda entry: entry.snapshot)


def plan_undo(snapshots: Sequence[Snapshot], to: int | None = None) -> UndoPlan:
    """What to take back: the newest standing operation, or all that came after snapshot `to`.

    Raises:
        UsageError: nothing is left to undo, the newest operation and another wrote in turns, or
            `to` is no state to go back to.
    """
    stands = standing(snapshots)
    if to is not None:
        return _plan_return(snapshots, stands, to)
    if len(stands) == 1:
        raise UsageError("there is nothing to undo: the dataset is as it was created")
    newest = stands[-1].operation
    first = min(i for i, s in enumerate(stands) if s.operation == newest)
    run = stands[first:]
    others = {s.operation: s.verb for s in run if s.operation != newest}
    if others:
        named = ", ".join(f"{operation} ({verb})" for operation, verb in others.items())
        raise UsageError(
            f"operation {newest} ({run[-1].verb}) and {named} wrote in turns, so one cannot be "
            f"taken back without the other. To take all of them back, undo to snapshot "
            f"{stands[first - 1].snapshot}"
        )
    return _plan(snapshots, run)


def _plan_return(snapshots: Sequence[Snapshot], stands: Sequence[Snapshot], to: int) -> UndoPlan:
    numbers = [snapshot.snapshot for snapshot in stands]
    if to not in numbers or to == numbers[-1]:
        choices = ", ".join(map(str, numbers[:-1][-10:])) or "none"
        raise UsageError(
            f"cannot undo to snapshot {to}: it is the present state, was itself undone, or does "
            f"not exist. Snapshots to go back to (the last ten): {choices}"
        )
    return _plan(snapshots, stands[numbers.index(to) + 1 :])


def _plan(snapshots: Sequence[Snapshot], run: Sequence[Snapshot]) -> UndoPlan:
    operations = dict.fromkeys(snapshot.operation for snapshot in run)
    before = next(s for s in snapshots if s.snapshot == run[0].snapshot - 1)
    return UndoPlan(
        tuple(operations), tuple(s.snapshot for s in run), run[0].before, before.settings
    )


def plan_redo(snapshots: Sequence[Snapshot]) -> int:
    """Return the snapshot whose state the last undo left.

    Raises:
        UsageError: nothing was undone, or something was changed since.
    """
    left: list[int] = []  # states that undos left, each as it was just before
    for snapshot in snapshots:
        if snapshot.verb == "undo":
            left.append(snapshot.snapshot - 1)
        elif snapshot.verb == "redo":
            left.pop()
        elif _changes_data(snapshot):
            left.clear()
    if not left:
        raise UsageError(
            "there is nothing to redo: nothing was undone, or something was changed since; "
            "tamis checkout SNAPSHOT goes to any state that tamis log names"
        )
    return left[-1]


def check_return(snapshots: Sequence[Snapshot], to: int) -> None:
    """Refuse to return to the present state.

    Raises:
        UsageError: snapshot `to` is the present state.
    """
    states = _states(snapshots)
    if states[snapshots[-1].snapshot] == states[to]:
        raise UsageError(f"the dataset is as it was at snapshot {to} already")


def _states(snapshots: Sequence[Snapshot]) -> dict[int, int]:
    """Return for each snapshot the one that first had its state.

    Versions of tables do not tell: going back to a state gives it versions of its own.
    """
    states: dict[int, int] = {}
    for snapshot in snapshots:
        number = snapshot.snapshot
        if snapshot.verb in ("redo", "checkout"):
            states[number] = states[snapshot.params[RETURNS_TO]]
        elif snapshot.undone:
            states[number] = states[min(snapshot.undone) - 1]
        elif _changes_data(snapshot):
            states[number] = number
        else:
            states[number] = states[number - 1]
    return states


def newest_operation(snapshots: Sequence[Snapshot]) -> int:
    """Return the number of the newest operation that was not undone."""
    return standing(snapshots)[-1].operation


RETURNS_TO: Final = "returns_to"
"""Among the parameters of `redo` and `checkout`, the snapshot whose state they bring back."""


def _changes_data(snapshot: Snapshot) -> bool:
    return snapshot.verb not in ("tag", "undo", "redo", "prune")


@dataclass(frozen=True)
class _Line:
    """Snapshots whose changes make up a state, the newest first; lines share their beginnings."""

    newest: Snapshot
    before: _Line | None


def standing(snapshots: Sequence[Snapshot]) -> list[Snapshot]:
    """Return the snapshots whose changes make up the present state, oldest first."""
    at: dict[int, _Line | None] = {}
    line: _Line | None = None
    for snapshot in snapshots:
        if snapshot.verb == "redo":
            line = at[snapshot.params[RETURNS_TO]]
        elif snapshot.verb == "checkout":
            line = _Line(snapshot, at[snapshot.params[RETURNS_TO]])
        elif snapshot.undone:
            line = _without(line, set(snapshot.undone), at)
        elif _changes_data(snapshot):
            line = _Line(snapshot, line)
        at[snapshot.snapshot] = line
    return _listed(line)


def _without(line: _Line | None, undone: set[int], at: Mapping[int, _Line | None]) -> _Line | None:
    """Return a line without what an undo takes back, which lies at its end."""
    while line is not None and line.newest.snapshot in undone:
        # what stood before a checkout is not what it went back to
        gone = line.newest
        line = at[gone.snapshot - 1] if gone.verb == "checkout" else line.before
    if line is None or not undone & {snapshot.snapshot for snapshot in _listed(line)}:
        return line
    kept: _Line | None = None
    for snapshot in _listed(line):
        if snapshot.snapshot not in undone:
            kept = _Line(snapshot, kept)
    return kept


def _listed(line: _Line | None) -> list[Snapshot]:
    found = []
    while line is not None:
        found.append(line.newest)
        line = line.before
    return found[::-1]


def tags(snapshots: Sequence[Snapshot]) -> dict[str, int]:
    """The snapshot that each tag names."""
    named = [tag for snapshot in snapshots if (tag := told(snapshot, TagNamed))]
    return {tag.name: tag.snapshot for tag in named}


def check_tag(name: str, taken: Mapping[str, int]) -> None:
    """Refuse a tag that is taken or that could be mistaken for a snapshot's number.

    Raises:
        UsageError: says which.
    """
    if not _TAG_NAME.fullmatch(name):
        raise UsageError(
            f"{name!r} cannot be a tag; use letters, digits, '.', '_' and '-', and at least one "
            "character that is no digit"
        )
    if name in taken:
        raise UsageError(f"the tag {name!r} is taken: it names snapshot {taken[name]}")
