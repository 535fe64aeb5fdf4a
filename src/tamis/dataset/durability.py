"""Make sure that what a snapshot names survives a loss of power."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tamis.dataset.storage import LocalStorage, sync, sync_folders
from tamis.errors import StorageError

if TYPE_CHECKING:
    from pathlib import Path

    from tamis.dataset.fragments import TableVersion

__all__ = ["replace_file", "sync_new_files", "sync_tree"]


def replace_file(file: Path, data: bytes) -> None:
    """Write a file that appears whole, in place of one that was there, and survives a power cut.

    Raises:
        StorageError: the disk refuses; what was there stays.
    """
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        LocalStorage(file.parent).put(file.name, data)
    except OSError as error:
        reason = (error.strerror or type(error).__name__).lower()
        raise StorageError(f"cannot write {file}: {reason}") from error


def sync_new_files(before: TableVersion, after: TableVersion) -> list[Path]:
    """Force to disk the files that `after` has and `before` does not; Lance does not.

    The manifests of the steps between are forced as well: until they are dropped, one that a loss
    of power tears would keep the table's files from being listed.

    Returns:
        The files of `after`.
    """
    if before.version == after.version:
        return []
    tracked = after.tracked_files(first_version=before.version)
    old = {file.path for file in tracked if file.version == before.version}
    # Transaction files only serve writers that meet, and ours never do.
    files = {
        file.path
        for file in tracked
        if file.version == after.version and file.kind != "transaction file"
    } - old
    steps = {file.path for file in tracked if file.kind == "manifest"} - old - files
    paths = [after.path / file for file in files]
    for path in (*paths, *(after.path / file for file in steps)):
        sync(path)
    sync_folders({path.parent for path in paths} | {after.path})
    return paths


def sync_tree(root: Path) -> list[Path]:
    """Force a folder and all in it to disk, and return its files."""
    paths = [*root.rglob("*"), root]
    for path in paths:
        sync(path)
    return [path for path in paths if path.is_file()]
