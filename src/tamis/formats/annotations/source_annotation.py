"""One annotation as a file has it, which picture it means, and where it lies in that."""

from __future__ import annotations

import math
import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import numpy as np

from tamis.algo.run_lengths import counts_of, mask_of, write_counts
from tamis.formats.annotations.plain_boxes import PlainBoxes
from tamis.images.box import Box

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from tamis.dataset.annotation_layers import AnnotationKind
    from tamis.types import Failure

__all__ = [
    "PLACELESS",
    "Annotations",
    "Placed",
    "Said",
    "SourceAnnotation",
    "declared_size",
    "place",
    "text",
]

_SIDEWAYS = {5, 6, 7, 8}

PLACELESS: Final = frozenset({"classification", "caption", "number"})
"""Kinds of annotations that are of the whole picture."""


@dataclass(frozen=True, slots=True)
class SourceAnnotation:
    """What a file says of one object, or of a whole picture.

    Attributes:
        picture: the picture's path as the file has it, with forward slashes; it may lack leading
            folders, and its extension is not trusted.
        label: the class.
        left: of its box, from the left edge, in pixels, or as a share of the width if `relative`.
        top: from the upper edge, likewise.
        width: likewise.
        height: likewise.
        relative: whether positions are shares of the picture's sides.
        size: width and height that the file gives the picture; None if it gives none.
        places: absolute paths where the picture lies if the folders are the usual ones, likewise.
        fallback: another name to look for if `picture` is none's; it has no extension.
        bare: whether `picture` and `places` are known to have no extension either.
        kind: what it is; all but classes, captions and numbers have a box.
        polygon: rings of x, y, x, y, …, likewise.
        mask: run lengths of a mask of the whole picture, whose `size` must be given.
        keypoints: x, y and visibility of each, likewise.
        text: a caption.
        value: a number, which `label` names.
        confidence: of a prediction.
        crowd: whether it marks many objects at once.
        attributes: what the file says of the object beyond that.
        source: what the file calls it.
    """

    picture: str
    label: str | None
    left: float = 0
    top: float = 0
    width: float = 0
    height: float = 0
    relative: bool = False
    size: tuple[int, int] | None = None
    places: tuple[str, ...] = ()
    fallback: str | None = None
    bare: bool = False
    kind: AnnotationKind = "box"
    polygon: tuple[tuple[float, ...], ...] = ()
    mask: tuple[int, ...] | None = None
    keypoints: tuple[float, ...] = ()
    text: str | None = None
    value: float | None = None
    confidence: float | None = None
    crowd: bool = False
    attributes: Mapping[str, Any] | None = None
    source: Mapping[str, Any] | None = None

    @property
    def has_place(self) -> bool:
        """Whether it lies somewhere in the picture."""
        return self.kind not in PLACELESS

    def placed(self, width: int, height: int, orientation: int) -> Placed | str:
        """Return where it lies in an upright picture, in decimals, or why it lies nowhere.

        See `box` for how sizes and orientations are understood. Nothing is clipped.
        """
        for number in (self.confidence, self.value):
            if number is not None and not math.isfinite(number):
                return f"its confidence or value {number} is not finite"
        if not self.has_place:
            return Placed()
        turned = self._turn(width, height, orientation)
        if isinstance(turned, str):
            return turned
        left, top, right, bottom = turned((self.left, self.top), (self._right, self._bottom))
        if right <= 0 or bottom <= 0 or left >= width or top >= height:
            return f"{self} lies outside of the picture"
        box: Any = self.left, self.top, self.width, self.height
        if not turned.as_it_is:
            box = _rounded((left, top, right - left, bottom - top))
        if not (self.polygon or self.keypoints or self.mask):
            return Placed(box)
        return self._outlined(box, turned)

    def _outlined(self, box: tuple[float, float, float, float], turned: _Turn) -> Placed | str:
        mask = None
        if self.mask is not None:
            try:
                mask = write_counts(turned.counts(self.mask))
            except ValueError as error:
                return f"its mask cannot be used: {error}"
        polygon = [turned.points(ring) for ring in self.polygon]
        points = self.keypoints
        keypoints = list(points)
        for at in range(0, len(points), 3):
            if any(points[at : at + 3]):  # 0, 0, 0 is a point that is absent
                keypoints[at : at + 2] = turned.points(points[at : at + 2])
        return Placed(box, polygon, mask, keypoints or None)

    @property
    def _right(self) -> float:
        return self.left + self.width

    @property
    def _bottom(self) -> float:
        return self.top + self.height

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
        turned = self._turn(width, height, orientation)
        if isinstance(turned, str):
            return turned
        corners = turned((self.left, self.top), (self._right, self._bottom))
        clipped = Box.between(*corners).clipped(width, height)
        return f"{self} lies outside of the picture" if clipped is None else clipped

    def _turn(  # noqa: PLR0911 - one case a reason
        self, width: int, height: int, orientation: int
    ) -> _Turn | str:
        """Return what brings its positions to an upright picture, or why nothing does."""
        numbers = (self.left, self.top, self.width, self.height)
        if not all(map(math.isfinite, numbers)):
            return f"{self} has numbers that are not finite"
        if self.width <= 0 or self.height <= 0:
            return f"{self} has no area"
        if wrong := self._wrong_shape():
            return wrong
        if self.relative and (self.mask is None or self.size in (None, (width, height))):
            return _Turn((width, height), 1, width, height)
        if self.size is None or self.size == (width, height):
            return _Turn((width, height), 1)
        if self.relative or orientation not in _SIDEWAYS or self.size != (height, width):
            return (
                f"{self} is of a picture of {self.size[0]} x {self.size[1]} pixels, and this "
                f"one has {width} x {height}"
            )
        return _Turn(self.size, orientation)

    def _wrong_shape(self) -> str | None:
        """Return what is wrong with its outline or keypoints."""
        for ring in (*self.polygon, self.keypoints):
            if not all(map(math.isfinite, ring)):
                return "its outline or keypoints have numbers that are not finite"
        if any(len(ring) % 2 for ring in self.polygon):
            return "its outline has a point without a second number"
        if len(self.keypoints) % 3:
            return f"its keypoints are {len(self.keypoints)} numbers, not three a point"
        if self.kind == "rotated_box" and [len(ring) for ring in self.polygon] != [_CORNERS]:
            return "it is a rotated box without an outline of four points"
        return None

    def __str__(self) -> str:
        values = (self.left, self.top, self.width, self.height)
        return f"its box {','.join(f'{value:g}' for value in values)}"


_CORNERS = 8  # numbers


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


@dataclass(frozen=True, slots=True)
class Placed:
    """Where an annotation lies in an upright picture, in pixels.

    Attributes:
        box: left, top, width, height; None of what has no place.
        polygon: rings of x, y, x, y, ….
        mask: as `tamis.algo.run_lengths.write_counts` writes it.
        keypoints: x, y and visibility of each.
    """

    box: tuple[float, float, float, float] | None = None
    polygon: Sequence[Sequence[float]] = ()
    mask: str | None = None
    keypoints: Sequence[float] | None = None


def _rounded(numbers: Iterable[float]) -> Any:
    # what a product of a share and a side has beyond that is its error, not the source's word
    return tuple(round(number, 6) for number in numbers)


@dataclass(frozen=True, slots=True)
class _Turn:
    """Brings positions in a picture as it is stored to the upright one.

    Attributes:
        stored: width and height of the stored picture.
        orientation: the Exif orientation.
        across: pixels of a unit along the width.
        down: pixels of a unit along the height.
    """

    stored: tuple[int, int]
    orientation: int
    across: float = 1
    down: float = 1

    def __call__(
        self, first: tuple[float, float], second: tuple[float, float]
    ) -> tuple[float, float, float, float]:
        """Return left, top, right and bottom of the box of two opposite corners."""
        (a, b), (c, d) = self._point(*first), self._point(*second)
        return min(a, c), min(b, d), max(a, c), max(b, d)

    @property
    def as_it_is(self) -> bool:
        """Whether it changes nothing."""
        return self.orientation == 1 and self.across == self.down == 1

    def points(self, numbers: Sequence[float]) -> Sequence[float]:
        """Return the points x, y, x, y, …, each turned."""
        if self.as_it_is:
            return list(numbers)
        pairs = zip(numbers[::2], numbers[1::2], strict=True)
        return list(_rounded([number for x, y in pairs for number in self._point(x, y)]))

    def counts(self, counts: Sequence[int]) -> Sequence[int]:
        """Return the run lengths of the turned mask.

        Raises:
            ValueError: they do not fill the picture.
        """
        if sum(counts) != self.stored[0] * self.stored[1]:
            mask_of(counts, *self.stored)
        if self.orientation == 1:
            return counts
        mask = mask_of(counts, *self.stored)
        match self.orientation:
            case 5:
                return counts_of(mask.T)
            case 6:
                return counts_of(np.rot90(mask, -1))
            case 7:
                return counts_of(mask[::-1, ::-1].T)
            case _:
                return counts_of(np.rot90(mask))

    def _point(self, x: float, y: float) -> tuple[float, float]:
        x, y = x * self.across, y * self.down
        width, height = self.stored
        match self.orientation:
            case 1:
                return x, y
            case 5:  # transposed
                return y, x
            case 6:  # turned right by 90 degrees
                return height - y, x
            case 7:  # transposed along the other diagonal
                return height - y, width - x
            case _:  # 8: turned left by 90 degrees
                return y, width - x


Said: TypeAlias = "SourceAnnotation | PlainBoxes | Failure | str"
"""What a reader yields: an annotation, many boxes at once, a file or an entry that cannot be used
with its reason, or a sentence on what was not read at all."""


@dataclass
class Annotations:
    """All that a source of annotations holds.

    Attributes:
        entries: in the order of the files.
        failures: files and entries that could not be read, with their reasons.
        notes: sentences on what was not read at all.
    """

    entries: list[SourceAnnotation] = field(default_factory=list)
    failures: list[Failure] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @staticmethod
    def gathered(said: Iterable[Said]) -> Annotations:
        """Gather what a reader yields."""
        found = Annotations()
        for one in said:
            if isinstance(one, str):
                found.notes.append(one)
            elif isinstance(one, SourceAnnotation):
                found.entries.append(one)
            elif isinstance(one, PlainBoxes):
                found.entries.extend(one.entries())
            else:
                found.failures.append(one)
        return found
