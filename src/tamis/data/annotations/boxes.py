"""One box as an annotation file has it, and which picture it means."""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from tamis.data.parts import Box

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from tamis.types import Failure

__all__ = ["Annotations", "BoxAnnotation", "PictureFinder"]

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
    """

    picture: str
    label: str | None
    left: float
    top: float
    width: float
    height: float
    relative: bool = False
    size: tuple[int, int] | None = None

    def box(self, width: int, height: int, orientation: int) -> Box | str:
        """Return the box in an upright picture, clipped to it, or why there is none.

        Tools that ignore the Exif orientation write boxes of the picture as it is stored. That
        shows where the file gives the picture's size with its sides exchanged, and such boxes are
        turned with the picture. Otherwise boxes are taken to be of the upright picture.

        Args:
            width: of the upright picture, in pixels.
            height: of the upright picture, in pixels.
            orientation: the Exif orientation that made it upright.
        """
        values = (self.left, self.top, self.width, self.height)
        if not all(map(math.isfinite, values)):
            return "its box has numbers that are not finite"
        left, top, right, bottom = (
            self.left,
            self.top,
            self.left + self.width,
            self.top + self.height,
        )
        if self.relative:
            left, right, top, bottom = left * width, right * width, top * height, bottom * height
        elif (
            orientation in _SIDEWAYS
            and self.size == (height, width)
            and self.size != (width, height)
        ):
            left, top, right, bottom = _turned(orientation, (left, top, right, bottom), self.size)
        if right - left <= 0 or bottom - top <= 0:
            return f"its box {self.width:g} x {self.height:g} has no area"
        x, y = round(left), round(top)
        box = Box(x, y, max(1, round(right) - x), max(1, round(bottom) - y))
        clipped = box.clipped(width, height)
        return f"its box {box} lies outside of the picture" if clipped is None else clipped


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

    A picture is meant if the end of its path, without the extension, is the annotation's; where
    several are, the one whose extension agrees too.

    Args:
        uris: absolute paths of the pictures.
    """

    def __init__(self, uris: Iterable[str]) -> None:
        self._by_stem: dict[str, list[str]] = defaultdict(list)
        for uri in uris:
            self._by_stem[PurePosixPath(uri).stem].append(uri)

    def find(self, name: str) -> str | Sequence[str]:
        """Return the one picture that is meant, or all that could be."""
        wanted = PurePosixPath(name.replace("\\", "/"))
        parts = wanted.with_suffix("").parts
        parts = tuple(part for part in parts if part not in (".", "/"))
        found = [
            uri
            for uri in self._by_stem.get(wanted.stem, [])
            if PurePosixPath(uri).with_suffix("").parts[-len(parts) :] == parts
        ]
        if len(found) > 1:
            found = [uri for uri in found if PurePosixPath(uri).suffix == wanted.suffix] or found
        return found[0] if len(found) == 1 else found
