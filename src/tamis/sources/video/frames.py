"""What every moving source yields: frames, whose pixels are made only when asked for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, Protocol

import numpy as np
from PIL import Image

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from numpy.typing import NDArray

__all__ = ["Frame", "FrameSource", "Pixels", "Scaled", "SourceCounts", "view_of"]


class Scaled(NamedTuple):
    """An upright picture, perhaps shrunk, and how it lies in its original.

    Attributes:
        image: RGB.
        size: width and height of the original, in pixels.
        extent: left, upper, right and lower edge of the original in `image`, in its pixels.
    """

    image: Image.Image
    size: tuple[int, int]
    extent: tuple[float, float, float, float]


class Pixels(Protocol):
    """The picture of one frame."""

    @property
    def format(self) -> str:
        """How it was encoded, such as H264 or JPEG."""

    def view(self, width: int, height: int) -> NDArray[np.uint8]:
        """Return it squashed to a small `[height, width, 3]` uint8 RGB, by averaging.

        Raises:
            PictureError: it cannot be decoded.
        """

    def image(self, min_side: int | None = None) -> Image.Image:
        """Return it as upright RGB; its shorter side may be shrunk to no less than `min_side`.

        Raises:
            PictureError: it cannot be decoded.
        """

    def scaled(self, min_side: int) -> Scaled:
        """Return what `image` does and how it lies in the original.

        Raises:
            PictureError: it cannot be decoded.
        """

    def encoded(self) -> bytes | None:
        """Return the file that the source itself made of it; None where there is none."""


@dataclass(frozen=True)
class Frame:
    """One picture of a moving source.

    Attributes:
        path: its place as shown to the user.
        uri: where it can be read again; None if only now.
        source: the source as the user gave it.
        number: its place in the source, from 0.
        seconds: since the source's start, by the source's own clock.
        captured_at: local time it was taken, where known.
        pixels: its picture.
    """

    path: str
    uri: str | None
    source: str
    number: int
    seconds: float
    captured_at: datetime | None
    pixels: Pixels


@dataclass
class SourceCounts:
    """What a source met so far.

    Attributes:
        corrupt: frames or packets that could not be decoded, each skipped.
        reconnects: how often a lost connection was made again.
    """

    corrupt: int = 0
    reconnects: int = 0


class FrameSource(Protocol):
    """A source of frames.

    Attributes:
        name: the source as the user gave it, without a password.
        live: whether frames come at their own pace and are lost if not taken.
        counts: what it met so far.
    """

    name: str
    live: bool
    counts: SourceCounts

    def frames(self) -> Iterator[Frame]:
        """Yield frames until the source ends or is closed.

        Raises:
            InputError: the source does not exist or cannot be read.
        """

    def close(self) -> None:
        """Make `frames` end soon; may be called from another thread."""


def view_of(image: Image.Image, width: int, height: int) -> NDArray[np.uint8]:
    """Return an RGB picture squashed to a small `[height, width, 3]` uint8, by averaging."""
    return np.asarray(image.resize((width, height), Image.Resampling.BOX))
