"""Log entries that are damaged or lost, made anew from what stands beside them.

What an entry did is gone with it, what it led to is not: the next entry says which versions of the
tables it started from, and the record of checksums that was kept before an entry names the files
that came with it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from tamis.dataset.checksums import file_checksum
from tamis.dataset.fragments import version_of_manifest
from tamis.dataset.layout import LATER_TABLES, TABLES, WRITER_LOCK, Layout
from tamis.dataset.lock import LOCK_TIMEOUT, writer_lock
from tamis.dataset.snapshots import Snapshot, SnapshotChain
from tamis.dataset.storage_errors import storage_guard
from tamis.errors import DatasetError, UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

__all__ = ["RECOVERED", "repair_log"]

RECOVERED: Final = "recovered"
"""The verb of an entry that was made anew."""

_SET_ASIDE: Final = "damaged"
_MANIFEST: Final = re.compile(r"([a-z]+)\.lance/_versions/([^/]+\.manifest)")


def repair_log(root: Path) -> list[str]:
    """Make damaged and missing entries of the log anew, and say which.

    Their states can be opened and undone to again; what the operations were asked is not known any
    more. The damaged files are kept in the folder `damaged`. An entry that nothing tells of stays
    as it is, and so do all after it.

    Raises:
        ConflictError: another writer is busy.
        StorageError: the disk refuses.
    """
    layout = Layout(root)
    with storage_guard(root, "repair"):
        if not _broken(layout):
            return []
        with writer_lock(layout.storage, WRITER_LOCK, "check", timeout=LOCK_TIMEOUT):
            return [_told(number) for number in _broken(layout) if _mend(layout, number)]


def _told(number: int) -> str:
    return (
        f"the log entry of snapshot {number} was made anew: its state is there again, what the "
        "operation was asked is not known"
    )


def _broken(layout: Layout) -> list[int]:
    chain = SnapshotChain(layout.log)
    numbers = chain.numbers()
    return [n for n in range(1, max(numbers, default=0) + 1) if _read(chain, n) is None]


def _read(chain: SnapshotChain, number: int) -> Snapshot | None:
    try:
        return chain.read(number)
    except (DatasetError, UsageError):
        return None


def _mend(layout: Layout, number: int) -> bool:
    chain = SnapshotChain(layout.log)
    before, after = _read(chain, number - 1), _read(chain, number + 1)
    if before is None:
        return False
    sums = layout.checksums.of(number)
    versions = dict(after.before) if after else _versions_of(layout, before, sums)
    if versions is None:
        return False
    settings = before.settings if after is None else after.settings
    made = Snapshot(
        snapshot=number,
        operation=number,
        verb=RECOVERED,
        params={},
        seed=None,
        counts={},
        state="done",
        before=before.after,
        after=versions,
        time=before.time if after is None else after.time,
        settings=settings,
    )
    key = f"{number:08d}.json"
    if layout.log.exists(key):
        layout.storage.within(_SET_ASIDE).put(key, layout.log.read(key))
    layout.checksums.record(number, {**(sums or {}), **chain.sum_of(made)})
    chain.replace(made)
    return True


def _versions_of(
    layout: Layout, before: Snapshot, sums: Mapping[str, str] | None
) -> dict[str, int] | None:
    """Return the versions that the newest entry named; None if that is not certain.

    Its record of checksums lists the manifests that came with it, of which each table's last is
    meant, and all of them have to be there as they were written.
    """
    if sums is None:
        return None
    versions = dict(before.after)
    manifests: dict[str, str] = {}
    for path in sums:
        found = _MANIFEST.fullmatch(path)
        if found is None or found[1] not in (*TABLES, *LATER_TABLES):
            continue
        version = version_of_manifest(layout.root / path)
        if version is not None and version > versions.get(found[1], 0):
            versions[found[1]], manifests[found[1]] = version, path
    whole = all(_is_whole(layout.root / path, sums[path]) for path in manifests.values())
    return versions if whole else None


def _is_whole(file: Path, told: str) -> bool:
    try:
        return file_checksum(file) == told
    except OSError:
        return False
