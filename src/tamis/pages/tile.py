"""What a page shows of pictures, as plain records that know neither stores nor HTML."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias

from tamis.pages.annotation_marks import text_size

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tamis.pages.annotation_marks import Mark
    from tamis.pages.links import Link

__all__ = ["Badge", "Box", "PicturePair", "Tile", "in_picture"]


Box: TypeAlias = tuple[float, float, float, float]
"""Left, top, width and height in percent of the picture."""

_NARROWEST: Final = 0.6
_WIDEST: Final = 2.2


@dataclass(frozen=True)
class Badge:
    """A word or two on a picture, e.g. "kept" or "0.97 crop".

    Attributes:
        text: the words.
        tone: `good`, `warn` or `plain`; the color only underlines what the text says.
    """

    text: str
    tone: str = "plain"


@dataclass(frozen=True)
class Tile:
    """One picture of a gallery.

    Attributes:
        path: as the user gave it.
        thumbnail: JPEG bytes; empty where only the name is shown.
        note: what the gallery has to say about this picture; may be empty.
        badge: shown on the picture.
        boxes: places that are marked on it.
        width: of the picture, in pixels.
        height: of the picture, in pixels.
        label: its label, if it has one.
        split: its split, if it has one.
        score: what galleries are sorted by, if anything was measured.
        link: where the file lies, as the page sees it; None where there is none to open.
        marks: annotations that are drawn on it.
    """

    path: str
    thumbnail: bytes
    note: str = ""
    badge: Badge | None = None
    boxes: tuple[Box, ...] = ()
    width: int = 1
    height: int = 1
    label: str | None = None
    split: str | None = None
    score: float | None = None
    link: Link | None = None
    marks: tuple[Mark, ...] = ()

    @property
    def ratio(self) -> float:
        """Width by height."""
        return max(1, self.width) / max(1, self.height)

    @property
    def text_size(self) -> float:
        """Height of the texts of its marks, in pixels of the picture."""
        return text_size((self.width, self.height))

    @property
    def frame_ratio(self) -> float:
        """Width by height of its place in a row, in which a panorama would leave no room."""
        return min(max(self.ratio, _NARROWEST), _WIDEST)

    @property
    def fit(self) -> str:
        """How the picture fills its place: all of it, or only its width or height."""
        if self.ratio > _WIDEST:
            return "by-width"
        return "by-height" if self.ratio < _NARROWEST else "whole"


@dataclass(frozen=True)
class PicturePair:
    """Two pictures side by side.

    Attributes:
        left: one.
        right: the other.
        caption: what they are to each other; may be empty.
        verdict: a word, such as "changed"; may be empty.
        score: beside the verdict; what pairs are sorted by.
    """

    left: Tile
    right: Tile
    caption: str
    verdict: str = ""
    score: float | None = None


def in_picture(place: Sequence[float], size: tuple[int, int]) -> Box:
    """Return a box, given in pixels of a picture, in percent of it.

    >>> in_picture((100, 50, 20, 10), (200, 100))
    (50.0, 50.0, 10.0, 10.0)
    """
    x, y, width, height = place
    across, down = size
    left, wide = (round(100 * length / across, 2) for length in (x, width))
    top, high = (round(100 * length / down, 2) for length in (y, height))
    return left, top, wide, high
