"""Labels and splits that come with the pictures: from folder names or from a table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tamis.errors import UsageError
from tamis.sources.folder_labels import FolderLabels
from tamis.sources.label_table import TableLabels
from tamis.sources.marks import NoLabels

if TYPE_CHECKING:
    from tamis.sources.marks import PictureLabels

__all__ = ["open_labels"]


def open_labels(labels: str, level: int | None = None) -> PictureLabels:
    """Choose where labels come from.

    Args:
        labels: "none", "folder", or the path of a table.
        level: which folder's name is the label; see `FolderLabels`.

    Raises:
        InputError: the table cannot be used.
        UsageError: there is a level, and labels are not from folders.

    >>> type(open_labels("folder")).__name__
    'FolderLabels'
    """
    if labels == "folder":
        return FolderLabels(level)
    if level is not None:
        raise UsageError(
            f"the label level {level} says which folder is the label; give it with labels 'folder'"
        )
    return NoLabels() if labels == "none" else TableLabels(labels)
