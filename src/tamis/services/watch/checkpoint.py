"""The position of a watch, stored in the dataset, so that the next one continues there."""

from __future__ import annotations

import json
import os
import secrets
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from tamis.dataset.durability import replace_file
from tamis.dataset.storage import LocalStorage
from tamis.errors import ConflictError, StorageError
from tamis.observability.state_file import StateFile

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from tamis.dataset.store import Store

__all__ = ["Place", "Progress", "SieveState", "WatchCheckpoint", "version_of"]

_KEY_BYTES = 16


@dataclass
class Place:
    """How far a video file was looked at.

    Attributes:
        next: number of the first frame that was not.
        finished: whether all were.
        changed: the file's time of change and size at that time.
    """

    next: int = 0
    finished: bool = False
    changed: tuple[int, int] = (0, 0)


@dataclass
class SieveState:
    """What a sieve knows beyond the vectors that lie in the dataset.

    Attributes:
        threshold: the present one.
        ids: samples whose vectors it holds, oldest first; None are all of the dataset.
        seen: when each was last seen, in seconds.
    """

    threshold: float
    ids: list[str] | None = None
    seen: list[float] = field(default_factory=list)


@dataclass(frozen=True)
class Progress:
    """How far a watch has come, once the rows before it are in the dataset.

    Attributes:
        places: by video file, how far it was looked at.
        sieves: by the name of each sieve, what it knows.
        taken: by folder, the keys of the files that were looked at since the last time.
    """

    places: dict[str, Place]
    sieves: dict[str, SieveState]
    taken: dict[str, list[bytes]]


@dataclass
class _State:
    """What the file holds."""

    epoch: str = field(default_factory=lambda: secrets.token_hex(4))
    threshold: float | None = None
    operations: list[int] = field(default_factory=list)
    places: dict[str, Place] = field(default_factory=dict)
    folders: dict[str, str] = field(default_factory=dict)
    sieves: dict[str, SieveState] = field(default_factory=dict)


class WatchCheckpoint:
    """The state of one watch, in a folder of the dataset; the process that holds it is alone.

    It is saved after the rows that it speaks of, so that what a killed watch did after the last
    save is looked at again, and then covered by the rows that are there. Where one of its
    operations was undone, all is looked at again.

    Args:
        store: the dataset.
        identity: of the watch; others have memories of their own.

    Raises:
        ConflictError: another process is at this watch.
        StorageError: the disk refuses.

    Attributes:
        places: by video file, how far it was looked at.
        sieves: by the name of each sieve, what it knows; empty at first.
        threshold: the one that it began with; None if it never did.
    """

    def __init__(self, store: Store, identity: str) -> None:
        self._folder = store.path / "watch" / identity
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            lock = LocalStorage(self._folder).lock("lock")
        except OSError as error:
            raise _refused(self._folder, error) from error
        if lock is None:
            raise ConflictError(
                f"another process watches into {store.path} with the same options; stop it, or "
                "give all sources to one command"
            )
        self._lock = lock
        self._file = StateFile(self._folder / "state.json")
        self._announced = self._folder / "copies.json"
        self._state = self._read(store)
        self._remove_copies_without_rows(store)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._lock.release()

    @property
    def places(self) -> dict[str, Place]:
        """See the class."""
        return self._state.places

    @property
    def sieves(self) -> dict[str, SieveState]:
        """See the class."""
        return self._state.sieves

    @property
    def threshold(self) -> float | None:
        """See the class."""
        return self._state.threshold

    @threshold.setter
    def threshold(self, value: float) -> None:
        self._state.threshold = value

    def taken(self, folder: str) -> set[bytes]:
        """Return the keys of a folder's files that were looked at."""
        name = self._state.folders.get(folder)
        file = None if name is None else self._folder / name
        if file is None or not file.is_file():
            return set()
        data = file.read_bytes()
        # A killed writer may have left a piece of a key at the end.
        whole = len(data) - len(data) % _KEY_BYTES
        return {data[at : at + _KEY_BYTES] for at in range(0, whole, _KEY_BYTES)}

    def save(self, operation: int | None, progress: Progress) -> None:
        """Write how far the watch has come.

        Args:
            operation: number of the operation whose rows are in the dataset; None if none yet.
            progress: what there is to write.

        Raises:
            StorageError: the disk refuses; the state before stands.
        """
        state = self._state
        if operation is not None and operation not in state.operations:
            state.operations.append(operation)
        state.places, state.sieves = progress.places, progress.sieves
        for folder in progress.taken:
            state.folders.setdefault(folder, f"{state.epoch}-{len(state.folders)}.taken")
        try:
            for folder, keys in progress.taken.items():
                self._append(self._folder / state.folders[folder], keys)
        except OSError as error:
            raise _refused(self._folder, error) from error
        values = asdict(state)
        values["lanes"] = values.pop("sieves")  # as the file has always called them
        self._file.write(values)

    def announce(self, copies: Sequence[tuple[str, Path]]) -> None:
        """Note copies that are about to be written, by sample; none once their rows are there."""
        listed = [[sample, str(Path.cwd() / file)] for sample, file in copies]
        replace_file(self._announced, json.dumps(listed).encode())

    def _read(self, store: Store) -> _State:
        values = self._file.read()
        try:
            state = _State() if values is None else _state_of(values)
        except (ValueError, TypeError, KeyError, AttributeError):
            # All it costs is to look at the sources again.
            return _State()
        undone = {entry.operation for entry in store.log() if entry.state == "undone"}
        return _State() if undone & set(state.operations) else state

    def _append(self, file: Path, keys: Iterable[bytes]) -> None:
        with file.open("ab") as out:
            out.truncate(out.tell() - out.tell() % _KEY_BYTES)
            out.write(b"".join(keys))
            out.flush()
            os.fsync(out.fileno())

    def _remove_copies_without_rows(self, store: Store) -> None:
        """Remove what a killed watch wrote and did not come to commit."""
        try:
            listed = json.loads(self._announced.read_text(encoding="utf-8"))
        except (FileNotFoundError, ValueError):
            return
        names = ", ".join(f"'{sample}'" for sample, _ in listed if sample.isalnum())
        if names:
            rows = store.read(["uri"], where=f"sample_id IN ({names})")
            there = set(rows.column("uri").to_pylist())
            for _, file in listed:
                if file not in there:
                    Path(file).unlink(missing_ok=True)
        self._announced.unlink()


def version_of(path: str) -> tuple[int, int]:
    """Return a file's time of change and size, which tell whether it is the same as before."""
    status = Path(path).stat()
    return status.st_mtime_ns, status.st_size


def _state_of(values: dict[str, Any]) -> _State:
    places = {
        name: Place(place["next"], place["finished"], tuple(place["changed"]))
        for name, place in values.pop("places").items()
    }
    sieves = {name: SieveState(**state) for name, state in values.pop("lanes").items()}
    return _State(**values, places=places, sieves=sieves)


def _refused(place: Path, error: OSError) -> StorageError:
    reason = (error.strerror or type(error).__name__).lower()
    return StorageError(f"cannot write {place}: {reason}")
