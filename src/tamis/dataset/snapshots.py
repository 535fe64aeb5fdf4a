"""The chain of snapshots: one small file for each state that readers may see."""

from __future__ import annotations

import json
import os
import re
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal

from tamis.dataset.checksums import checksum
from tamis.errors import ConflictError, DatasetError, UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tamis.dataset.storage import Storage

__all__ = ["Snapshot", "SnapshotChain"]

_FILE_NAME = re.compile(r"([0-9]{8,18})\.json")


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
        settings: what the dataset is set to, such as its default encoder; each snapshot takes
            over those of the one before.
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
    settings: Mapping[str, str] = field(default_factory=dict)


_TYPES = {
    "snapshot": int,
    "operation": int,
    "verb": str,
    "params": dict,
    "counts": dict,
    "time": str,
    "before": dict,
    "after": dict,
    "settings": dict,
}


def _checked(snapshot: Snapshot, number: int) -> Snapshot:
    """Refuse values that no writer of ours has written.

    Raises:
        ValueError: says which.
    """
    for name, kind in _TYPES.items():
        if not isinstance(getattr(snapshot, name), kind):
            raise ValueError(f"its {name!r} is {getattr(snapshot, name)!r}")  # noqa: TRY004
    numbers = (*snapshot.undone, *snapshot.before.values(), *snapshot.after.values())
    if any(type(value) is not int or value < 1 for value in numbers):
        raise ValueError("a version or snapshot in it is no number")
    if snapshot.snapshot != number:
        raise ValueError(f"it calls itself snapshot {snapshot.snapshot}")
    if snapshot.after.keys() - {"annotations"} != {"samples", "failed"}:
        raise ValueError(f"it names the tables {sorted(snapshot.after)}")
    if any(type(value) is not str for value in snapshot.settings.values()):
        raise ValueError(f"its settings are {snapshot.settings!r}")
    if snapshot.state not in ("running", "done"):
        raise ValueError(f"its state is {snapshot.state!r}")
    return snapshot


def _written(snapshot: Snapshot) -> dict[str, Any]:
    """What a snapshot's file holds; without settings it is one that every version reads."""
    values = asdict(snapshot)
    if not snapshot.settings:
        del values["settings"]
    return values


_SMALL = 1 << 14
"""Bytes of a snapshot that is kept in memory; those that name thousands of samples are not."""


class SnapshotChain:
    """The snapshots by number.

    A snapshot comes to be by one atomic step, `put_if_absent`, so that a reader finds all of it or
    nothing, and of two writers of one number one is told.

    Args:
        storage: where they are kept.
    """

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self._dataset = os.path.dirname(storage.place)  # noqa: PTH120 - a place, maybe no path
        self._known: dict[int, Snapshot] = {}

    def numbers(self) -> list[int]:
        """The numbers of all snapshots, ascending."""
        found = [_FILE_NAME.fullmatch(name) for name in self._storage.names()]
        return sorted(int(name[1]) for name in found if name)

    def head(self) -> Snapshot:
        """The newest snapshot.

        Raises:
            DatasetError: there is none.
        """
        numbers = self.numbers()
        if not numbers:
            raise DatasetError(f"the dataset {self._dataset} has no snapshot: it is damaged")
        return self.read(numbers[-1])

    def read(self, number: int) -> Snapshot:
        """One snapshot.

        Raises:
            UsageError: there is none of that number.
            DatasetError: its file is damaged.
        """
        key = _key(number)
        try:
            data = self._storage.read(key)
        except FileNotFoundError:
            numbers = self.numbers()
            raise UsageError(
                f"there is no snapshot {number} in {self._dataset}; "
                f"they go from {numbers[0]} to {numbers[-1]}"
            ) from None
        try:
            values = json.loads(data.decode("utf-8"))
            values["undone"] = tuple(values["undone"])
            snapshot = _checked(Snapshot(**values), number)
        except (ValueError, TypeError, KeyError, RecursionError) as error:
            raise DatasetError(
                f"the snapshot file {self._storage.place}/{key} is damaged ({error}). Restore it "
                "from a backup; tamis check says whether more is damaged"
            ) from error
        if len(data) <= _SMALL:  # its file never changes
            self._known[number] = snapshot
        return snapshot

    def all(self) -> list[Snapshot]:
        """Every snapshot, oldest first; those that were read before are not read again."""
        return [self._known.get(number) or self.read(number) for number in self.numbers()]

    def append(self, snapshot: Snapshot) -> None:
        """Make a new head.

        Raises:
            ConflictError: another writer made a snapshot of that number.
            OSError: the disk refuses; the head is unchanged.
        """
        if not self._storage.put_if_absent(_key(snapshot.snapshot), _encoded(snapshot)):
            raise ConflictError(
                f"another writer made snapshot {snapshot.snapshot} of {self._dataset} at the "
                "same moment; nothing was changed, run the command again"
            )

    def replace(self, snapshot: Snapshot) -> None:
        """Let an entry that is damaged or lost be another; the caller holds the writer lock.

        Raises:
            OSError: the disk refuses.
        """
        self._storage.put(_key(snapshot.snapshot), _encoded(snapshot))

    def sum_of(self, snapshot: Snapshot) -> dict[str, str]:
        """Return the checksum of what `append` writes, by its path within the dataset."""
        folder = os.path.basename(self._storage.place)  # noqa: PTH119 - a place, maybe no path
        return {f"{folder}/{_key(snapshot.snapshot)}": checksum(_encoded(snapshot))}


def _encoded(snapshot: Snapshot) -> bytes:
    return json.dumps(_written(snapshot), indent=1).encode()


def _key(number: int) -> str:
    return f"{number:08d}.json"
