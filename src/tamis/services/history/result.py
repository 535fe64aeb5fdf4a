"""Results of the verbs on a dataset's history."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from tamis.dataset.history import LogEntry
from tamis.verbs.result import Result

__all__ = [
    "CheckoutReport",
    "DiffReport",
    "FreedReport",
    "LogLine",
    "LogReport",
    "PruneReport",
    "RedoReport",
    "TagReport",
    "UndoReport",
]


@dataclass(frozen=True)
class LogLine(LogEntry):
    """One operation, with the command that repeats it.

    Attributes:
        command: None where there is none.
    """

    command: str | None = None


@dataclass(frozen=True, kw_only=True, repr=False)
class LogReport(Result):
    """The operations, oldest first.

    Attributes:
        entries: one an operation.
    """

    table_of: ClassVar = "entries"

    entries: Sequence[LogLine]

    def __iter__(self) -> Iterator[LogLine]:
        return iter(self.entries)

    def __len__(self) -> int:
        return len(self.entries)

    def __getitem__(self, name: str | int) -> Any:
        return self.entries[name] if isinstance(name, int) else super().__getitem__(name)


@dataclass(frozen=True, kw_only=True, repr=False)
class UndoReport(Result):
    """What was taken back.

    Attributes:
        undone: the operation.
        snapshot: the snapshot that the dataset is at now.
    """

    undone: LogLine
    snapshot: int


@dataclass(frozen=True, kw_only=True, repr=False)
class RedoReport(Result):
    """What is there again.

    Attributes:
        redone: the operation.
        snapshot: the snapshot that the dataset is at now.
    """

    redone: LogLine
    snapshot: int


@dataclass(frozen=True, kw_only=True, repr=False)
class CheckoutReport(Result):
    """Where the dataset is now.

    Attributes:
        restored: the snapshot whose state it has.
        snapshot: the snapshot that it is at now.
    """

    restored: int
    snapshot: int


@dataclass(frozen=True, kw_only=True, repr=False)
class DiffReport(Result):
    """What changed from one snapshot to another.

    Attributes:
        added: ids of samples that only the later one has.
        removed: ids of samples that only the earlier one has.
        changed: for each column with a change, in how many samples of both its value differs.
    """

    added: Sequence[str]
    removed: Sequence[str]
    changed: Mapping[str, int]


@dataclass(frozen=True, kw_only=True, repr=False)
class TagReport(Result):
    """A snapshot and its new name.

    Attributes:
        tag: the name.
        snapshot: the snapshot.
    """

    tag: str
    snapshot: int


@dataclass(frozen=True, kw_only=True, repr=False)
class FreedReport(Result):
    """What a clean-up removed.

    Attributes:
        files: how many files.
        bytes: their bytes.
        problems: always empty: what could not be removed is an error.
        repaired: as `files`.
    """

    files: int
    bytes: int
    problems: Sequence[str] = ()
    repaired: int = 0


@dataclass(frozen=True, kw_only=True, repr=False)
class PruneReport(Result):
    """Which old states go, and what that frees.

    Attributes:
        snapshots: the snapshots whose data go, ascending.
        files: how many files.
        bytes: their bytes.
        applied: whether they are gone; else nothing was changed.
    """

    snapshots: Sequence[int]
    files: int
    bytes: int
    applied: bool
