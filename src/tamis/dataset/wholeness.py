"""Whether a dataset's own files are all there and can be read to the end."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tamis.dataset.checksums import file_checksum
from tamis.dataset.consistency import log_breaks
from tamis.dataset.fragments import TableVersion
from tamis.dataset.layout import LATER_TABLES, TABLES, Layout
from tamis.dataset.pruning import readable as with_data
from tamis.dataset.snapshots import SnapshotChain
from tamis.dataset.storage_errors import storage_guard
from tamis.errors import TamisError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from tamis.dataset.snapshots import Snapshot

__all__ = ["changed_files", "find_damage", "named_files"]


def find_damage(root: Path) -> list[tuple[str, str]]:
    """Return what is wrong with a dataset's files: which part, and a sentence.

    Reads every snapshot, every value of every table as of the newest one, and every file that any
    snapshot names, whose checksum has to be that of when it was written.
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
        found += _table_damage(layout, name, with_data(readable))
    found += [(layout.log.place, reason) for reason in log_breaks(readable)]
    found += _checksum_damage(layout, readable)
    said = {place for place, _ in found}
    found += [
        (str(root / file), "its content is not what was written: bits of it have flipped")
        for file in changed_files(layout, readable)
        if str(root / file) not in said
    ]
    return list(dict.fromkeys(found))


def _checksum_damage(layout: Layout, snapshots: Sequence[Snapshot]) -> Iterator[tuple[str, str]]:
    """Say which records of checksums are damaged or lost; before the first there were none."""
    sums, damaged = _known_sums(layout)
    for place in damaged:
        yield place, f"it is damaged, so {_UNNOTICED}"
    covered = [s.snapshot for s in snapshots if _log_file(s) in sums]
    for snapshot in snapshots:
        lost = covered and snapshot.snapshot > covered[0] and _log_file(snapshot) not in sums
        place = f"{layout.root}/checksums/{snapshot.snapshot:08d}.json"
        if lost and place not in damaged:
            yield place, f"it is missing, so {_UNNOTICED}"


_UNNOTICED = (
    "bits that flip in the files of its snapshot would not be noticed; a check that repairs keeps "
    "new checksums of them as they are"
)


def _log_file(snapshot: Snapshot) -> str:
    return f"log/{snapshot.snapshot:08d}.json"


def changed_files(layout: Layout, snapshots: Sequence[Snapshot]) -> list[str]:
    """Return the files that snapshots name and that are there with another checksum.

    Those that were written by a version of tamis that kept no checksums are passed over.

    Returns:
        Paths within the dataset.
    """
    sums, _ = _known_sums(layout)
    files = named_files(layout, snapshots)
    return [file for file in files if file in sums and _differs(layout.root / file, sums[file])]


def named_files(layout: Layout, snapshots: Sequence[Snapshot]) -> list[str]:
    """Return the files that snapshots need, with theirs in the log, as paths within the dataset.

    Transaction files, which only serve writers that meet, are left out. A table that cannot be read
    is passed over.
    """
    files = [_log_file(snapshot) for snapshot in snapshots]
    there = with_data(snapshots)
    for name in (*TABLES, *LATER_TABLES):
        versions = {s.after[name] for s in there if name in s.after}
        path = layout.table(name)
        if not versions:
            continue
        try:
            with storage_guard(path, "list the files of"):
                tracked = TableVersion.open(path, max(versions)).tracked_files()
        except TamisError:
            continue
        within = path.relative_to(layout.root).as_posix()
        needed = (file for file in tracked if file.kind != "transaction file")
        files += [f"{within}/{file.path}" for file in needed if file.version in versions]
    return list(dict.fromkeys(files))


def _known_sums(layout: Layout) -> tuple[dict[str, str], list[str]]:
    try:
        with storage_guard(layout.root, "read"):
            return layout.checksums.known()
    except TamisError:
        return {}, []


def _differs(file: Path, known: str) -> bool:
    try:
        return file_checksum(file) != known
    except OSError:
        return False  # said by whoever tried to read it


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
        left = TableVersion.open(path, max(versions)).manifests_after()
        yield (str(left[0]), _TORN) if left else (str(path), str(error))
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


_TORN = (
    "a writer that lost power left a torn version, which no snapshot names; tamis gc, or the next "
    "command that writes, removes it"
)


def _column_damage(table: TableVersion, column: str) -> Iterator[tuple[str, str]]:
    try:
        with storage_guard(table.path, f"read the column {column} of"):
            for _ in table.batches([column]):
                pass
    except TamisError as error:
        yield str(table.path), str(error)
