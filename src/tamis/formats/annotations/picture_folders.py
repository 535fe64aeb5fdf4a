"""Classes from the names of folders that pictures lie in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tamis.errors import InputError
from tamis.formats.annotations.source_annotation import SourceAnnotation, place
from tamis.formats.annotations.yolo_files import files_below
from tamis.images.formats import PICTURE_EXTENSIONS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["read_picture_folders"]


def read_picture_folders(folder: Path) -> Iterator[SourceAnnotation]:
    """Read one class a picture: the name of the folder that it lies in.

    Raises:
        InputError: there is no picture in a folder of its own below it.
    """
    if not folder.is_dir():
        raise InputError(f"{folder} is no folder; name one with a sub-folder for each class")
    for file in files_below(folder, *PICTURE_EXTENSIONS):
        if file.parent != folder:
            yield SourceAnnotation(
                picture=file.relative_to(folder).as_posix(),
                label=file.parent.name,
                kind="classification",
                places=(place(file.parent, file.name),),
                fallback=file.stem,
            )
