"""One box as an annotation file has it, and which picture it means."""

from __future__ import annotations

import math
import os
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from tamis.data.parts import Box
from tamis.data.sources.archives import has_archive_extension

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from tamis.types import Failure

__all__ = ["Annotations", "BoxAnnotation", "PictureFinder", "declared_size", "place", "text"]

_SIDEWAYS = {5, 6, 7, 8}


@dataclass(frozen=True)
class BoxAnnotation:
    """A box in a file of annotations.

    Attributes:
        picture: the picture's path as the file has it, with forward slashes; it may lack leading
            folders, and its extension is not trusted.
        label: the class.
        left: from the left edge, in pixels, or as a share of the width if `relative`.
        top: from the upper edge, likewise.
        width: likewise.
        height: likewise.
        relative: whether the four are shares of the picture's sides.
        size: width and height that the file gives the picture; None if it gives none.
        places: absolute paths where the picture lies if the folders are the usual ones, likewise.
        fallback: another name to look for if `picture` is none's.
    """

    picture: str
    label: str | None
    left: float
    top: float
    width: float
    height: float
    relative: bool = False
    size: tuple[int, int] | None = None
    places: tuple[str, ...] = ()
    fallback: str | None = None

    def box(self, width: int, height: int, orientation: int) -> Box | str:
        """Return the box in an upright picture, clipped to it, or why there is none.

        Tools that ignore the Exif orientation write boxes of the picture as it is stored. That
        shows where the file gives the picture's size with its sides exchanged, and such boxes are
        turned with the picture. Otherwise boxes are taken to be of the upright picture. A file that
        gives any other size speaks of another version of the picture, whose boxes mean nothing
        here.

        Args:
            width: of the upright picture, in pixels.
            height: of the upright picture, in pixels.
            orientation: the Exif orientation that made it upright.
        """
        if not all(map(math.isfinite, (self.left, self.top, self.width, self.height))):
            return f"{self} has numbers that are not finite"
        if self.width <= 0 or self.height <= 0:
            return f"{self} has no area"
        left, right, top, bottom = (
            min(max(edge, -_FAR), _FAR)  # what is farther is as much outside, and can be rounded
            for edge in self._edges(width, height)
        )
        if self.size is not None and not self.relative and self.size != (width, height):
            if orientation not in _SIDEWAYS or self.size != (height, width):
                return (
                    f"{self} is of a picture of {self.size[0]} x {self.size[1]} pixels, and this "
                    f"one has {width} x {height}"
                )
            left, top, right, bottom = _turned(orientation, (left, top, right, bottom), self.size)
        x, y = round(left), round(top)
        box = Box(x, y, max(1, round(right) - x), max(1, round(bottom) - y))
        clipped = box.clipped(width, height)
        return f"{self} lies outside of the picture" if clipped is None else clipped

    def __str__(self) -> str:
        values = (self.left, self.top, self.width, self.height)
        return f"its box {','.join(f'{value:g}' for value in values)}"

    def _edges(self, width: int, height: int) -> tuple[float, float, float, float]:
        """Return left, right, top and bottom in pixels."""
        across, down = (width, height) if self.relative else (1, 1)
        return (
            self.left * across,
            (self.left + self.width) * across,
            self.top * down,
            (self.top + self.height) * down,
        )


_FAR = 1e9


def text(value: object) -> str:
    """Return a name as it can be stored.

    Raises:
        ValueError: it is no text, empty, or no valid Unicode.
    """
    if not isinstance(value, str) or not value.strip():
        raise ValueError(f"a name is {value!r}, which is no text")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise ValueError(f"a name is {value!a}, which is not valid Unicode") from None
    return value.strip()


def declared_size(width: object, height: object) -> tuple[int, int] | None:
    """Return the size that a file gives a picture; None where it gives none that can be."""
    try:
        size = int(float(width)), int(float(height))  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        return None
    return size if min(size) > 0 else None


def place(folder: Path, *names: str) -> str:
    """Return an absolute path without looking at the disk; links stay as they are."""
    return os.path.abspath(os.path.join(folder, *names))  # noqa: PTH100, PTH118 - as above


def _turned(
    orientation: int, box: tuple[float, float, float, float], stored: tuple[int, int]
) -> tuple[float, float, float, float]:
    left, top, right, bottom = box
    width, height = stored
    match orientation:
        case 5:  # transposed
            return top, left, bottom, right
        case 6:  # turned right by 90 degrees
            return height - bottom, left, height - top, right
        case 7:  # transposed along the other diagonal
            return height - bottom, width - right, height - top, width - left
        case _:  # 8: turned left by 90 degrees
            return top, width - right, bottom, width - left


@dataclass
class Annotations:
    """What a source of annotations holds.

    Attributes:
        boxes: in the order of the files.
        failures: files and entries that could not be read, with their reasons.
    """

    boxes: list[BoxAnnotation] = field(default_factory=list)
    failures: list[Failure] = field(default_factory=list)


class PictureFinder:
    """Finds the picture that an annotation means among those of a dataset.

    A picture is meant if it lies at one of the annotation's places; else if the end of its path,
    without the extension, is the annotation's name; else, for a name that is an absolute path of
    another machine, if its file name is the same. Where several are, the one whose extension
    agrees too. No name is ever shortened otherwise: `train/1.jpg` does not mean `val/1.jpg`.

    Args:
        uris: absolute paths of the pictures; a member of an archive lies in a folder of its name.
    """

    def __init__(self, uris: Iterable[str]) -> None:
        self._by_stem: dict[str, list[tuple[PurePosixPath, str]]] = defaultdict(list)
        for uri in uris:
            path = _path_of(uri)
            self._by_stem[path.stem].append((path, uri))

    def find(self, name: str, places: Sequence[str] = ()) -> str | Sequence[str]:
        """Return the one picture that is meant, or all that could be."""
        wanted = PurePosixPath(name.replace("\\", "/"))
        parts = tuple(part for part in wanted.parts if part not in (".", "/"))
        if not parts:
            return []
        candidates = self._by_stem.get(wanted.stem, [])
        stem = (*parts[:-1], wanted.stem)
        for meant in (
            *([one for one in candidates if _lies_at(one[0], place)] for place in places),
            [one for one in candidates if one[0].with_suffix("").parts[-len(stem) :] == stem],
            [one for one in candidates if _is_absolute(wanted) and one[0].name == wanted.name],
        ):
            same = [one for one in meant if one[0].suffix == wanted.suffix]
            found = [uri for _, uri in (same if len(meant) > 1 and same else meant)]
            if found:
                return found[0] if len(found) == 1 else found
        return []

    def find_for(self, annotation: BoxAnnotation) -> str | Sequence[str]:
        """Return the one picture that an annotation means, or all that could be."""
        found = self.find(annotation.picture, annotation.places)
        if found or annotation.fallback is None:
            return found
        return self.find(annotation.fallback, annotation.places)


def _path_of(uri: str) -> PurePosixPath:
    archive, mark, member = uri.partition("!")
    return (
        PurePosixPath(archive, member)
        if mark and has_archive_extension(archive)
        else (PurePosixPath(uri))
    )


def _lies_at(path: PurePosixPath, place: str) -> bool:
    return path.with_suffix("") == PurePosixPath(place).with_suffix("")


def _is_absolute(path: PurePosixPath) -> bool:
    return path.is_absolute() or path.parts[0].endswith(":")
