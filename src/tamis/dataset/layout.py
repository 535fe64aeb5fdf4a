"""The dataset's folder: where its parts lie, how it is created and recognized."""

from __future__ import annotations

import errno
import json
import re
import shutil
import uuid
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from tamis.dataset.annotation_columns import ANNOTATIONS
from tamis.dataset.checksums import Checksums, sums_of
from tamis.dataset.durability import sync_tree
from tamis.dataset.fragments import TableVersion
from tamis.dataset.schema import FAILED, SAMPLES
from tamis.dataset.snapshots import Snapshot, SnapshotChain
from tamis.dataset.storage import LocalStorage, held_folder, sync_folders
from tamis.dataset.storage_errors import storage_guard
from tamis.errors import DatasetError, DatasetMissingError, DatasetTooNewError
from tamis.outside_text import is_storable, storable

if TYPE_CHECKING:
    from pathlib import Path

    from tamis.dataset.storage import Storage

__all__ = [
    "CHECKSUMS",
    "DESCRIPTION",
    "FORMAT",
    "LATER_TABLES",
    "PRUNED_SINCE",
    "TABLES",
    "WRITER_LOCK",
    "Layout",
    "address_at_store",
    "check_dataset",
    "create_dataset",
    "create_table",
    "is_draft",
    "remove_drafts",
    "require_format",
]

FORMAT = 3
"""The newest format that this version reads; a new dataset has format 1."""

ANNOTATED_SINCE = 2
"""The format of a dataset that has annotations."""

PRUNED_SINCE = 3
"""The format of a dataset that was pruned."""

TABLES = {"samples": SAMPLES, "failed": FAILED}
"""The tables of every dataset and their schemas when it is new."""

LATER_TABLES = {"annotations": ANNOTATIONS}
"""Tables that come with their first row."""

DESCRIPTION = "dataset.json"
"""The key that tells a dataset from any other folder, and its format."""

WRITER_LOCK = "lock"
"""The key that writers hold."""

CHECKSUMS = "checksums"
"""The folder of what `Checksums` keeps."""

_DRAFT, _UNSEEN = ".tmp", ".new"
_AT_A_STORE = re.compile(r"(s3|gs|az|https?):/+")  # as a path has it, with one slash


class Layout:
    """The places of a dataset's parts.

    Args:
        root: the dataset's folder.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.storage: Storage = LocalStorage(root)

    @property
    def log(self) -> Storage:
        """Where the snapshots are kept."""
        return self.storage.within("log")

    @property
    def running(self) -> Storage:
        """Where running operations hold their locks."""
        return self.storage.within("running")

    @property
    def checksums(self) -> Checksums:
        """What the files of each snapshot were like when it was made."""
        return Checksums(self.storage.within(CHECKSUMS))

    def table(self, name: str) -> Path:
        """The folder of a table."""
        return self.root / f"{name}.lance"


def create_dataset(root: Path) -> None:
    """Make an empty dataset; it appears whole or not at all.

    Raises:
        DatasetError: something that is no empty folder lies there.
        StorageError: the disk refuses.
    """
    _require_name(root)
    with storage_guard(root, "create"):
        if root.exists() and not (root.is_dir() and not any(root.iterdir())):
            raise _taken(root)
        root.parent.mkdir(parents=True, exist_ok=True)
        draft = Layout(root.with_name(f".{root.name}.{uuid.uuid4().hex}{_DRAFT}"))
        # Others take it for what a killed writer left unless it is held when they first see it.
        unseen = draft.root.with_name(f"{draft.root.name}{_UNSEEN}")
        try:
            unseen.mkdir()
            with held_folder(unseen):
                unseen.rename(draft.root)
                _write_empty(draft)
                sync_tree(draft.root)
                # Renaming a folder onto an empty one replaces it in one step; onto any other it
                # fails.
                draft.root.rename(root)
            sync_folders([root.parent])
        except OSError as error:
            _discard(unseen, draft.root)
            if error.errno in (errno.ENOTEMPTY, errno.EEXIST, errno.ENOTDIR):
                raise _taken(root) from error
            raise
        except BaseException:
            _discard(unseen, draft.root)
            raise


def address_at_store(path: Path) -> str | None:
    """Return the address at an object store or web server that a path spells; None of others."""
    told = _AT_A_STORE.match(str(path))
    return None if told is None else f"{told[1]}://{str(path)[told.end() :]}"


def _require_name(root: Path) -> None:
    address = address_at_store(root)
    if address is not None:
        raise DatasetError(
            f"a dataset is worked on where it lies on a disk, not at {address}; bring it here with "
            f" tamis pull {address} -d {root.name}  and back with  tamis push {address}"
        )
    if not is_storable(str(root)):
        raise DatasetError(
            f"the path {storable(str(root))} is not valid UTF-8, as that of a dataset has to be; "
            "choose another"
        )


def _discard(*folders: Path) -> None:
    for folder in folders:
        shutil.rmtree(folder, ignore_errors=True)


def is_draft(entry: Path, root: Path) -> bool:
    """Return whether a folder is what a writer that was killed while it made a dataset left."""
    return entry.name.startswith(f".{root.name}.") and entry.suffix == _DRAFT


def remove_drafts(root: Path) -> None:
    """Remove drafts that killed writers left beside a dataset; those still being written stay."""
    with storage_guard(root, "tidy up"):
        try:
            drafts = [entry for entry in root.parent.iterdir() if is_draft(entry, root)]
        except (PermissionError, FileNotFoundError):  # what cannot be listed holds nothing of ours
            return
    for draft in drafts:
        with held_folder(draft) as is_free:
            if is_free:
                shutil.rmtree(draft, ignore_errors=True)


def _taken(root: Path) -> DatasetError:
    return DatasetError(f"cannot create a dataset at {root}: something lies there already")


def _write_empty(draft: Layout) -> None:
    versions = {
        name: TableVersion.create(draft.table(name), schema).version
        for name, schema in TABLES.items()
    }
    first = Snapshot(
        snapshot=1,
        operation=1,
        verb="create",
        params={},
        seed=None,
        counts={},
        state="done",
        before={},
        after=versions,
    )
    chain = SnapshotChain(draft.log)
    files = [file for name in TABLES for file in draft.table(name).rglob("*") if file.is_file()]
    draft.checksums.record(1, {**sums_of(draft.root, files), **chain.sum_of(first)})
    chain.append(first)
    description = {"format": 1, "created": datetime.now(UTC).isoformat(timespec="seconds")}
    draft.storage.put(DESCRIPTION, json.dumps(description, indent=1).encode())


def create_table(layout: Layout, name: str) -> TableVersion:
    """Make one of `LATER_TABLES`; the caller holds the writer lock, and no snapshot names it.

    What a killed writer left of it goes. Versions of tamis that do not know the table then say that
    they are too old.
    """
    require_format(layout, ANNOTATED_SINCE)
    shutil.rmtree(layout.table(name), ignore_errors=True)
    return TableVersion.create(layout.table(name), LATER_TABLES[name])


def require_format(layout: Layout, number: int) -> None:
    """Let a dataset have a format, if it has an older one; the caller holds the writer lock."""
    described = json.loads(layout.storage.read(DESCRIPTION).decode("utf-8"))
    if described["format"] < number:
        data = json.dumps({**described, "format": number}, indent=1).encode()
        layout.storage.put(DESCRIPTION, data)


def check_dataset(root: Path) -> None:
    """Make sure that a dataset which this version can use lies at `root`.

    Raises:
        DatasetMissingError: none lies there.
        DatasetTooNewError: it was written by a later version.
        DatasetError: its description is damaged.
        StorageError: the disk refuses.
    """
    _require_name(root)
    layout = Layout(root)
    with storage_guard(root, "open"):
        if not root.exists():
            raise DatasetMissingError(
                f"there is no dataset at {root}. Make one with:  tamis add PICTURES -d {root}"
            )
        if not layout.storage.exists(DESCRIPTION):
            raise DatasetMissingError(
                f"{root} is not a tamis dataset (it has no dataset.json). Give the folder that "
                "'tamis add' made, usually named something.tamis"
            )
        data = layout.storage.read(DESCRIPTION)
    try:
        version = int(json.loads(data.decode("utf-8"))["format"])
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise DatasetError(
            f"{root / DESCRIPTION} is damaged ({error}). Restore it from a backup; of a dataset of "
            f'this version it holds  {{"format": {FORMAT}}}'
        ) from error
    if version > FORMAT:
        raise DatasetTooNewError(
            f"{root} was written by a later version of tamis (format {version}, this one reads up "
            f"to {FORMAT}): upgrade with  pip install --upgrade tamis"
        )
