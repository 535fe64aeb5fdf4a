"""Whether a dataset's own files are all there and can be read to the end."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tamis.dataset.fragments import TableVersion
from tamis.dataset.layout import LATER_TABLES, TABLES, Layout
from tamis.dataset.snapshots import SnapshotChain
from tamis.dataset.storage_errors import storage_guard
from tamis.errors import TamisError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tamis.dataset.snapshots import Snapshot

__all__ = ["find_damage"]


def find_damage(root: Path) -> list[tuple[str, str]]:
    """Return what is wrong with a dataset's files: which part, and a sentence.

    Reads every snapshot, and every value of every table as of the newest one; of older states only
    whether their files are there. Bits that flipped inside a value are not noticed: Lance keeps no
    checksums.
    """
    layout = Layout(root)
    found = list(_log_damage(layout))
    chain = SnapshotChain(layout.log)
    readable = []
    try:
        with storage_guard(root, "read"):
            numbers = chain.numbers()
    except TamisError:
        return found
    for number in numbers:
        try:
            with storage_guard(root, "read"):
                readable.append(chain.read(number))
        except TamisError:
            continue  # said by the log
    if not readable:
        return found
    for name in (*TABLES, *LATER_TABLES):
        found += _table_damage(layout, name, readable)
    return list(dict.fromkeys(found))


def _log_damage(layout: Layout) -> Iterator[tuple[str, str]]:
    chain = SnapshotChain(layout.log)
    try:
        with storage_guard(layout.root, "read"):
            numbers = chain.numbers()
    except TamisError as error:
        yield layout.log.place, str(error)
        return
    lost = sorted(set(range(1, max(numbers, default=1) + 1)) - set(numbers))
    if lost:
        first = f"{lost[0]:08d}.json"
        reason = (
            f"{len(lost)} of {len(lost) + len(numbers)} entries are missing, the first {first}: "
            "what they did stands, but cannot be shown or undone"
        )
        yield layout.log.place, reason
    for number in numbers:
        try:
            with storage_guard(layout.root, "read"):
                chain.read(number)
        except TamisError as error:
            yield layout.log.place, str(error)


def _table_damage(
    layout: Layout, name: str, snapshots: list[Snapshot]
) -> Iterator[tuple[str, str]]:
    path = layout.table(name)
    versions = sorted({s.after[name] for s in snapshots if name in s.after})
    if not versions:
        return
    head = snapshots[-1].after.get(name, versions[-1])
    try:
        with storage_guard(path, "read"):
            table = TableVersion.open(path, head)
            for column in table.schema.names:
                yield from _column_damage(table, column)
    except TamisError as error:
        yield str(path), str(error)
        return
    try:
        with storage_guard(path, "list the files of"):
            tracked = [file for file in table.tracked_files() if file.version in set(versions)]
    except TamisError as error:
        yield str(path), str(error)
        return
    for version in versions:
        if version not in {file.version for file in tracked}:
            yield str(path), f"its version {version} is missing; states that need it cannot be read"
    by_file: dict[str, list[int]] = {}
    for file in tracked:
        by_file.setdefault(file.path, []).append(file.version)
    for name_of_file, users in by_file.items():
        place = path / name_of_file
        if not place.exists():
            yield str(place), f"it is missing; versions {min(users)} to {max(users)} need it"


def _column_damage(table: TableVersion, column: str) -> Iterator[tuple[str, str]]:
    try:
        with storage_guard(table.path, f"read the column {column} of"):
            for _ in table.batches([column]):
                pass
    except TamisError as error:
        yield str(table.path), str(error)
