"""One box as an annotation file has it, and which picture it means."""

from __future__ import annotations

import math
import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tamis.dataset.parts import Box

if TYPE_CHECKING:
    from pathlib import Path

    from tamis.types import Failure

__all__ = ["Annotations", "BoxAnnotation", "declared_size", "place", "text"]

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
        fallback: another name to look for if `picture` is none's; it has no extension.
        bare: whether `picture` and `places` are known to have no extension either.
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
    bare: bool = False

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
        notes: sentences on what was not read at all.
    """

    boxes: list[BoxAnnotation] = field(default_factory=list)
    failures: list[Failure] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
