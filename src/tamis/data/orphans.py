"""What killed writers leave behind, and its removal."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tamis.data.fragments import TableVersion
from tamis.data.layout import TABLES
from tamis.data.lock import RunningOperations
from tamis.data.snapshots import SnapshotChain

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from tamis.data.layout import Layout
    from tamis.data.snapshots import Snapshot

__all__ = ["Freed", "drop_unnamed_between", "remove_orphans", "roll_back"]

# Where Lance keeps what versions refer to. Other files of the table's folder are not ours to judge.
_TABLE_PARTS = ("data", "_transactions", "_deletions", "_indices", "_versions")
_KEPT_NAMES = {"latest_version_hint.json"}


@dataclass(frozen=True)
class Freed:
    """What a clean-up removed: how many files, and their bytes."""

    files: int
    bytes: int


def roll_back(table: TableVersion) -> None:
    """Take back the versions after `table`, which no snapshot names: they never happened.

    The caller holds the writer lock, so their writer is dead. Only their manifests go here, the
    files that they alone refer to are orphans.
    """
    if table.latest() == table.version:
        return
    for file in table.tracked_files(first_version=table.version + 1):
        if file.kind == "manifest":
            (table.path / file.path).unlink(missing_ok=True)


def drop_unnamed_between(version: int, table: TableVersion) -> None:
    """Remove the versions strictly between a snapshot's `version` and the next one's, `table`.

    A checkpoint of several steps makes one Lance version each, and only the last is named. Their
    data is the last one's too.
    """
    if table.version <= version + 1:
        return
    for file in table.tracked_files(first_version=version + 1):
        if file.version < table.version and file.kind in ("manifest", "transaction file"):
            (table.path / file.path).unlink(missing_ok=True)


def remove_orphans(layout: Layout, snapshots: Iterable[Snapshot]) -> Freed:
    """Remove every file that no snapshot needs; the caller holds the writer lock.

    Versions that are named stay readable at every moment, even if this is killed half-way:
    nothing that they refer to is touched.
    """
    named: dict[str, set[int]] = {name: set() for name in TABLES}
    for snapshot in snapshots:
        for versions in (snapshot.before, snapshot.after):
            for table, version in versions.items():
                named[table].add(version)
    orphans = [file for name in TABLES for file in _table_orphans(layout.table(name), named[name])]
    orphans += SnapshotChain(layout.log).drafts()
    orphans += RunningOperations(layout.running).left_behind()
    return _remove(orphans)


def _table_orphans(path: Path, named: set[int]) -> list[Path]:
    tracked = TableVersion.open(path, max(named)).tracked_files()
    needed = {file.path for file in tracked if file.version in named}
    present = (file for part in _TABLE_PARTS for file in (path / part).rglob("*"))
    return [
        file
        for file in present
        if file.is_file()
        and file.name not in _KEPT_NAMES
        and file.relative_to(path).as_posix() not in needed
    ]


def _remove(files: list[Path]) -> Freed:
    size = 0
    for file in files:
        size += file.stat().st_size
        file.unlink()
    return Freed(len(files), size)
