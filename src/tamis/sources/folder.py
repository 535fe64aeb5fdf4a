"""The pictures under a folder, in an order that does not depend on the disk."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tamis.images.formats import has_picture_extension

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["UnreadableFolder", "is_hidden", "is_passed_over", "walk_pictures"]

_DATASET_SUFFIX = ".tamis"
_METADATA_FOLDERS = {"__MACOSX", "@eaDir"}  # copies that macOS archives and Synology disks add


@dataclass(frozen=True)
class UnreadableFolder:
    """A folder that could not be listed.

    Attributes:
        relative: its path from the root, with forward slashes; empty for the root itself.
        reason: why, in a few words.
    """

    relative: str
    reason: str


def is_hidden(name: str) -> bool:
    """Tell whether a file or folder of this name is not meant to be seen.

    >>> is_hidden(".DS_Store"), is_hidden("IMG_1.jpg")
    (True, False)
    """
    return name.startswith(".") or name in _METADATA_FOLDERS


def is_passed_over(folder: str) -> bool:
    """Tell whether a folder of this name is not looked into: it is hidden or a tamis dataset.

    >>> is_passed_over("line3.tamis"), is_passed_over("monday")
    (True, False)
    """
    return is_hidden(folder) or folder.endswith(_DATASET_SUFFIX)


def walk_pictures(
    root: str, takes: Callable[[str], bool] = has_picture_extension
) -> Iterator[str | UnreadableFolder]:
    """List the files with a picture's extension under a folder, sorted, at any depth.

    Hidden files and folders and tamis datasets are passed over. Links to files are followed. A
    link to a folder is followed only if it leads out of everything that is listed already, so
    that a loop ends and no folder is listed twice. Memory: the names of the folders on the way
    down to the current one.

    Args:
        root: the folder.
        takes: tells by its name whether a file is listed.

    Yields:
        Paths from the root with forward slashes, or a folder that could not be listed.
    """
    followed = [Path(os.path.realpath(root))]
    levels = [_entries_or_reason(root, "", takes)]
    while levels:
        entry = next(levels[-1], None)
        if entry is None:
            levels.pop()
        elif isinstance(entry, UnreadableFolder):
            yield entry
        elif not entry.is_folder:
            yield entry.relative
        elif not entry.is_link or _leads_elsewhere(entry.path, followed):
            levels.append(_entries_or_reason(entry.path, entry.relative, takes))


@dataclass(frozen=True)
class _Entry:
    relative: str
    path: str
    is_folder: bool
    is_link: bool


def _entries_or_reason(
    folder: str, relative: str, takes: Callable[[str], bool]
) -> Iterator[_Entry | UnreadableFolder]:
    try:
        with os.scandir(folder) as listing:
            entries = sorted(listing, key=lambda entry: entry.name)
    except OSError as error:
        yield UnreadableFolder(relative, (error.strerror or type(error).__name__).lower())
        return
    for entry in entries:
        if is_hidden(entry.name):
            continue
        inner = f"{relative}/{entry.name}" if relative else entry.name
        if _is_folder(entry):
            if not entry.name.endswith(_DATASET_SUFFIX):
                yield _Entry(inner, entry.path, is_folder=True, is_link=entry.is_symlink())
        elif takes(entry.name):
            yield _Entry(inner, entry.path, is_folder=False, is_link=entry.is_symlink())


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link that points at itself is no folder; reading it will say so
        return False


def _leads_elsewhere(link: str, followed: list[Path]) -> bool:
    """Tell whether a link leaves all that is followed already, and if so, remember its target."""
    target = Path(os.path.realpath(link))
    if any(target.is_relative_to(known) or known.is_relative_to(target) for known in followed):
        return False
    followed.append(target)
    return True
