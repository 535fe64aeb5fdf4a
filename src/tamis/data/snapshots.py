"""The chain of snapshots: one small file for each state that readers may see."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal

from tamis.data.durability import sync_folders
from tamis.errors import ConflictError, DatasetError, UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

__all__ = ["Snapshot", "SnapshotChain"]


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")


@dataclass(frozen=True)
class Snapshot:
    """One state of the whole dataset, and what led to it.

    Attributes:
        snapshot: its number; the highest is the head.
        operation: the operation that made it; an operation of many checkpoints makes many.
        verb: what the operation does, e.g. "add".
        params: the operation's options.
        seed: the seed of its random choices, or None.
        counts: what it did so far.
        state: "running" until the operation's last checkpoint.
        time: when it was made, ISO 8601 in UTC.
        before: version of each table before this checkpoint.
        after: version of each table in this state.
        undone: the snapshots that this one takes back; empty but for "undo".
    """

    snapshot: int
    operation: int
    verb: str
    params: Mapping[str, Any]
    seed: int | None
    counts: Mapping[str, Any]
    state: Literal["running", "done"]
    before: Mapping[str, int]
    after: Mapping[str, int]
    undone: tuple[int, ...] = ()
    time: str = field(default_factory=_now)


class SnapshotChain:
    """The folder of snapshot files.

    A snapshot comes to be by one atomic step, the link of a finished file to its final name, so
    that a reader finds all of it or nothing.

    Args:
        folder: where the files lie.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def numbers(self) -> list[int]:
        """The numbers of all snapshots, ascending."""
        names = (entry.name for entry in os.scandir(self._folder))
        return sorted(int(name[:-5]) for name in names if name[:-5].isdigit())

    def head(self) -> Snapshot:
        """The newest snapshot.

        Raises:
            DatasetError: there is none.
        """
        numbers = self.numbers()
        if not numbers:
            raise DatasetError(f"the dataset {self._folder.parent} has no snapshot: it is damaged")
        return self.read(numbers[-1])

    def read(self, number: int) -> Snapshot:
        """One snapshot.

        Raises:
            UsageError: there is none of that number.
            DatasetError: its file is damaged.
        """
        file = self._file(number)
        try:
            text = file.read_text(encoding="utf-8")
        except FileNotFoundError:
            numbers = self.numbers()
            raise UsageError(
                f"there is no snapshot {number} in {self._folder.parent}; "
                f"they go from {numbers[0]} to {numbers[-1]}"
            ) from None
        try:
            values = json.loads(text)
            values["undone"] = tuple(values["undone"])
            return Snapshot(**values)
        except (ValueError, TypeError, KeyError) as error:
            raise DatasetError(f"the snapshot file {file} is damaged: {error}") from error

    def all(self) -> list[Snapshot]:
        """Every snapshot, oldest first."""
        return [self.read(number) for number in self.numbers()]

    def append(self, snapshot: Snapshot) -> None:
        """Make a new head.

        Raises:
            ConflictError: another writer made a snapshot of that number.
            OSError: the disk refuses; the head is unchanged.
        """
        final = self._file(snapshot.snapshot)
        draft = self._folder / f".{final.name}.{os.getpid()}.tmp"
        try:
            with draft.open("w", encoding="utf-8") as file:
                json.dump(asdict(snapshot), file, indent=1)
                file.flush()
                os.fsync(file.fileno())
            os.link(draft, final)
        except FileExistsError:
            raise ConflictError(
                f"another writer made snapshot {snapshot.snapshot} of {self._folder.parent} at the "
                "same moment; nothing was changed, run the command again"
            ) from None
        finally:
            draft.unlink(missing_ok=True)
        sync_folders({self._folder})

    def drafts(self) -> list[Path]:
        """Unfinished files that killed writers left."""
        return sorted(self._folder.glob(".*.tmp"))

    def _file(self, number: int) -> Path:
        return self._folder / f"{number:08d}.json"
