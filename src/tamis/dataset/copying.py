"""Bring a dataset to its copy at an object store, and back: whole, or not at all."""

from __future__ import annotations

import shutil
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from tamis.dataset.checksums import checksum, file_checksum
from tamis.dataset.copies import CopyState
from tamis.dataset.durability import sync_tree
from tamis.dataset.layout import DESCRIPTION, LATER_TABLES, TABLES, WRITER_LOCK, Layout
from tamis.dataset.lock import LOCK_TIMEOUT, writer_lock
from tamis.dataset.snapshots import SnapshotChain
from tamis.dataset.storage import sync_folders
from tamis.dataset.storage_errors import storage_guard
from tamis.dataset.wholeness import named_files
from tamis.errors import ConflictError, DatasetError, StorageError
from tamis.types import no_progress

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from tamis.dataset.copies import Copy
    from tamis.types import Progress

__all__ = ["Moved", "pull_dataset", "push_dataset"]

_LOCAL: Final = ("running", "unchanged.json", WRITER_LOCK)
"""What belongs to the processes of one machine, and is not copied."""

_STAGING: Final = ".pulled-"


@dataclass(frozen=True)
class Moved:
    """What a push or pull did.

    Attributes:
        files: how many files were brought over.
        snapshots: how many entries of the log came with them.
        bytes: of these files, as far as they were sent.
    """

    files: int
    snapshots: int
    bytes: int


def push_dataset(root: Path, copy: Copy, progress: Progress = no_progress) -> Moved:
    """Bring what a dataset has and its copy lacks to the copy, which is made if there is none.

    Reads what is new once, checks it against its checksum, and puts it in threads. Others see the
    old state or the new.

    Raises:
        ConflictError: the copy has operations that the dataset lacks, or another push came first.
        StorageError: the store refuses, or a file of the dataset is damaged.
    """
    layout = Layout(root)
    with (
        storage_guard(root, "read"),
        writer_lock(layout.storage, WRITER_LOCK, "push", timeout=LOCK_TIMEOUT),
    ):
        ours = _files_of(layout)
    copy.create()
    there = copy.state()
    mine = CopyState(there.number + 1, ours)
    _require_descent(there, mine, f"{root} lacks", f"pull {copy.place} first")
    if there.files == ours:
        return Moved(0, 0, 0)
    new = {path: told for path, told in ours.items() if told not in set(there.files.values())}
    places = {told: path for path, told in new.items()}

    def read(told: str) -> bytes:
        with storage_guard(root, "read"):
            data = (root / places[told]).read_bytes()
        if checksum(data) != told:
            raise StorageError(
                f"{root / places[told]} is not what was written, so nothing was pushed; tamis "
                "check says what is damaged"
            )
        return data

    sent = copy.upload(places, read, progress)
    copy.commit(mine)
    return Moved(len(new), len(mine.log) - len(there.log), sent)


def pull_dataset(copy: Copy, root: Path, progress: Progress = no_progress) -> Moved:
    """Bring what a copy has and a dataset lacks to the dataset, which is made if there is none.

    Everything is fetched and checked before the first file of the dataset is touched; the entries
    of the log come last, one by one, so that readers see whole states.

    Raises:
        DatasetMissingError: there is no copy.
        ConflictError: the dataset has operations that the copy lacks, or another writer is busy.
        DatasetError: something else lies at `root`.
        StorageError: the store or the disk refuses, or a file of the copy is damaged.
    """
    there = copy.state()
    if not there.files:
        raise DatasetError(f"nothing was pushed to {copy.place} yet")
    if not root.exists() or (root.is_dir() and not any(root.iterdir())):
        return _pull_new(copy, there, root, progress)
    layout = Layout(root)
    with storage_guard(root, "write"):
        if not layout.storage.exists(DESCRIPTION):
            raise DatasetError(f"{root} is no dataset; name another place to pull to")
        with writer_lock(layout.storage, WRITER_LOCK, "pull", timeout=LOCK_TIMEOUT):
            ours = CopyState(0, _files_of(layout))
            if there.log.items() <= ours.log.items():
                return Moved(0, 0, 0)
            _require_descent(ours, there, f"{copy.place} lacks", f"push {root} first")
            new = {path: told for path, told in there.files.items() if ours.files.get(path) != told}
            staging = root / f"{_STAGING}{uuid.uuid4().hex}"
            try:
                sent = _fetch(copy, new, staging, progress)
                _move_in(staging, root, new)
            finally:
                shutil.rmtree(staging, ignore_errors=True)
    return Moved(len(new), len(there.log) - len(ours.log), sent)


def _pull_new(copy: Copy, there: CopyState, root: Path, progress: Progress) -> Moved:
    draft = root.with_name(f".{root.name}.{uuid.uuid4().hex}.tmp")
    with storage_guard(root, "write"):
        root.parent.mkdir(parents=True, exist_ok=True)
        try:
            sent = _fetch(copy, there.files, draft, progress)
            sync_tree(draft)
            draft.rename(root)
        finally:
            shutil.rmtree(draft, ignore_errors=True)
        sync_folders([root.parent])
    return Moved(len(there.files), len(there.log), sent)


def _fetch(copy: Copy, files: Mapping[str, str], folder: Path, progress: Progress) -> int:
    """Write files below a folder, and return their bytes."""
    wanted: dict[str, list[str]] = {}
    for path, told in files.items():
        wanted.setdefault(told, []).append(path)
    sizes: list[int] = []

    def take(told: str, data: bytes) -> None:
        for path in wanted[told]:
            file = folder / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(data)
        sizes.append(len(data))

    copy.fetch(wanted, take, progress)
    return sum(sizes)


def _move_in(staging: Path, root: Path, files: Mapping[str, str]) -> None:
    """Let files appear in a dataset, the log last; what a kill leaves before is no state yet."""
    sync_tree(staging)
    log = sorted(path for path in files if path.startswith("log/"))
    for path in [*(path for path in files if path not in set(log)), *log]:
        target = root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        if path in log:
            sync_folders({(root / other).parent for other in files if other not in log})
        (staging / path).replace(target)
    sync_folders({(root / path).parent for path in files})


def _files_of(layout: Layout) -> dict[str, str]:
    """Return the checksums of all files of a dataset that its copy is to have, by path."""
    root = layout.root
    sums, _ = layout.checksums.known()
    tables = tuple(f"{name}.lance/" for name in (*TABLES, *LATER_TABLES))
    named = set(named_files(layout, SnapshotChain(layout.log).all()))
    files = {}
    for file in sorted(root.rglob("*")):
        path = file.relative_to(root).as_posix()
        first = path.split("/", maxsplit=1)[0]
        is_table = path.startswith(tables)
        if first in _LOCAL or first.startswith(_STAGING) or not file.is_file() or file.is_symlink():
            continue
        if (is_table and path not in named and "/_transactions/" not in path) or _is_draft(file):
            continue
        # what no snapshot names may have changed since its checksum was kept
        known = sums.get(path) if path in named else None
        files[path] = known or file_checksum(file)
    return files


def _is_draft(file: Path) -> bool:
    return file.name.startswith(".") and file.suffix == ".tmp"


def _require_descent(earlier: CopyState, later: CopyState, lacks: str, first: str) -> None:
    """Make sure that one log goes on where the other ends."""
    missing = sorted(path for path, told in earlier.log.items() if later.log.get(path) != told)
    if not missing:
        return
    number = int(missing[0].removeprefix("log/").removesuffix(".json"))
    later_ones = {0: "", 1: " and a later one"}
    since = f"{number}{later_ones.get(len(missing) - 1, f' and {len(missing) - 1} later ones')}"
    if later.log.items() <= earlier.log.items():
        raise ConflictError(f"{lacks} snapshot {since}; {first}, or name another place")
    raise ConflictError(
        f"{lacks} snapshot {since}, and has others in their stead, so neither can go on from the "
        "other; pull that copy to a new place (-d) and repeat your own steps there, or push to "
        "another address"
    )
