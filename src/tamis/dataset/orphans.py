"""Files that no state needs: what killed writers leave behind, and what pruning lets go."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tamis.dataset.fragments import TableVersion
from tamis.dataset.layout import CHECKSUMS, LATER_TABLES, TABLES
from tamis.dataset.lock import RunningOperations
from tamis.dataset.pruning import readable

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from tamis.dataset.layout import Layout
    from tamis.dataset.snapshots import Snapshot

__all__ = ["Freed", "drop_steps", "remove_orphans", "roll_back", "size_of_pruned"]

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
    _remove(table.manifests_after())


def drop_steps(before: TableVersion | None, after: TableVersion) -> None:
    """Remove the versions between those that two snapshots in a row name.

    A checkpoint of several steps makes one Lance version each, of which only the last is named.
    Before a table's first snapshot there is none.
    """
    first = 0 if before is None else before.version
    if after.version <= first + 1:
        return
    tracked = after.tracked_files(first_version=max(first, 1))
    needed = {file.path for file in tracked if file.version in (first, after.version)}
    steps = {file.path for file in tracked} - needed
    _remove({after.path / file for file in steps})


def remove_orphans(layout: Layout, snapshots: Iterable[Snapshot]) -> Freed:
    """Remove every file that no readable snapshot needs; the caller holds the writer lock.

    Versions that are named stay readable at every moment, even if this is killed half-way:
    nothing that they refer to is touched.
    """
    snapshots = list(snapshots)
    orphans = _orphans(layout, readable(snapshots))
    left = [(layout.storage, name) for name in layout.storage.drafts()]
    sums = layout.storage.within(CHECKSUMS)
    for beside in (layout.log, sums):
        left += [(beside, name) for name in beside.drafts()]
    newest = max((snapshot.snapshot for snapshot in snapshots), default=0)
    left += [(sums, name) for name in layout.checksums.unused(newest)]
    left += [(layout.running, name) for name in RunningOperations(layout.running).left_behind()]
    small = [storage.remove(key) for storage, key in left]
    freed = _remove(orphans)
    return Freed(freed.files + len(small), freed.bytes + sum(small))


def size_of_pruned(layout: Layout, snapshots: Sequence[Snapshot], gone: Iterable[int]) -> Freed:
    """Return what removing the data of some snapshots would free; the caller holds the lock."""
    let_go = set(gone)
    now = set(_orphans(layout, readable(snapshots)))
    then = _orphans(layout, readable(snapshots, let_go))
    sizes = [file.stat().st_size for file in then if file not in now]
    return Freed(len(sizes), sum(sizes))


def _orphans(layout: Layout, snapshots: Iterable[Snapshot]) -> list[Path]:
    """Return the files of tables that none of some snapshots needs."""
    named: dict[str, set[int]] = {name: set() for name in (*TABLES, *LATER_TABLES)}
    for snapshot in snapshots:
        for table, version in snapshot.after.items():
            named[table].add(version)
    return [file for name in named for file in _table_orphans(layout.table(name), named[name])]


def _table_orphans(path: Path, named: set[int]) -> list[Path]:
    if not named:  # a table of which a killed writer made no more than a beginning, or none
        return [file for file in path.rglob("*") if file.is_file()]
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


def _remove(files: Iterable[Path]) -> Freed:
    sizes = [_remove_file(file) for file in files]
    return Freed(len(sizes), sum(sizes))


def _remove_file(file: Path) -> int:
    size = file.stat().st_size
    file.unlink()
    return size
