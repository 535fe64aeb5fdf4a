"""Turn a picture into an encoder's input: resize with antialiasing, then crop or pad.

Normalization by mean and standard deviation is not done here: each encoder does it per batch.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
from PIL import Image

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tamis.types import Preprocessing

__all__ = ["decode_side", "input_box", "prepare"]

_FILTERS: Final = {
    "bilinear": Image.Resampling.BILINEAR,
    "bicubic": Image.Resampling.BICUBIC,
    "lanczos": Image.Resampling.LANCZOS,
}
_OVERSAMPLING: Final = 4
_LONGEST_STRIP: Final = 16


def prepare(
    image: Image.Image,
    preprocessing: Preprocessing,
    *,
    size: tuple[int, int] | None = None,
    extent: tuple[float, float, float, float] | None = None,
) -> NDArray[np.uint8]:
    """Return a picture as an encoder's input, `[H, W, 3]` uint8 RGB.

    The result is bit-identical to Hugging Face's processors with Pillow, up to strips 16 times as
    long as wide. The ends of longer strips, which the center crop drops anyway, are cut first, so
    that memory stays bounded.

    Args:
        image: the upright picture; converted to RGB if necessary.
        preprocessing: the encoder's preprocessing.
        size: width and height of the picture before it was decoded at reduced size; None if it was
            not. The layout is computed from them, so that it does not shift by a pixel.
        extent: left, upper, right and lower edge of the picture in pixels of `image`; None for all
            of it.

    Example:
        >>> from tamis.types import Preprocessing
        >>> strip = Image.new("RGB", (1000, 200), "red")
        >>> prepare(strip, Preprocessing(height=224, width=224)).shape
        (224, 224, 3)
    """
    rgb = image if image.mode == "RGB" else image.convert("RGB")
    resampling = _FILTERS[preprocessing.interpolation]
    whole = (0.0, 0.0, float(rgb.width), float(rgb.height))
    view = _View(rgb, size or rgb.size, extent or whole)
    match preprocessing.mode:
        case "squash":
            fitted = view.resized((preprocessing.width, preprocessing.height), resampling)
        case "pad":
            fitted = _pad(view, preprocessing, resampling)
        case "shortest-crop":
            fitted = _crop_centre(
                _resize_shortest(view, _shortest(preprocessing), resampling), preprocessing
            )
    return np.asarray(fitted)


@dataclass(frozen=True)
class _View:
    """A picture as a part of an image, possibly at a smaller scale."""

    image: Image.Image
    size: tuple[int, int]
    extent: tuple[float, float, float, float]

    def resized(self, size: tuple[int, int], resampling: Image.Resampling) -> Image.Image:
        return self.image.resize(size, resampling, box=self.extent)

    def without_ends(self) -> _View:
        """Cut the ends of a long strip that the center crop would drop."""
        width, height = self.size
        longest = _LONGEST_STRIP * min(width, height)
        # cutting the same from both ends keeps the center where it is
        left, top = max(0, (width - longest) // 2), max(0, (height - longest) // 2)
        if not (left or top):
            return self
        x0, y0, x1, y1 = self.extent
        across, down = (x1 - x0) / width, (y1 - y0) / height
        extent = (x0 + left * across, y0 + top * down, x1 - left * across, y1 - top * down)
        return _View(self.image, (width - 2 * left, height - 2 * top), extent)


def input_box(
    size: tuple[int, int], box: tuple[int, int, int, int], preprocessing: Preprocessing
) -> tuple[float, float, float, float]:
    """Return the position of a part of a picture in an encoder's input, as fractions of its sides.

    What the crop removes is outside of [0, 1].

    Args:
        size: width and height of the picture in pixels.
        box: left, upper, right and lower edge in pixels.
        preprocessing: the encoder's preprocessing.

    >>> from tamis.types import Preprocessing
    >>> box = input_box((400, 200), (150, 50, 250, 150), Preprocessing(height=224, width=224))
    >>> [round(edge, 2) for edge in box]
    [0.25, 0.25, 0.75, 0.75]
    """
    width, height = size
    match preprocessing.mode:
        case "squash":
            across, down = preprocessing.width / width, preprocessing.height / height
        case "pad":
            across = down = min(preprocessing.width / width, preprocessing.height / height)
        case "shortest-crop":
            across = down = _shortest(preprocessing) / min(width, height)
    left = (preprocessing.width - width * across) / 2
    top = (preprocessing.height - height * down) / 2
    return (
        (left + box[0] * across) / preprocessing.width,
        (top + box[1] * down) / preprocessing.height,
        (left + box[2] * across) / preprocessing.width,
        (top + box[3] * down) / preprocessing.height,
    )


def decode_side(preprocessing: Preprocessing) -> int:
    """Return how many pixels the shorter side must keep if a picture is decoded at reduced size.

    Four times the side that it is resized to: from there the antialiased resize is nearly as good
    as from full size, and vectors have a cosine of 0.999. A factor of two loses slightly more.

    >>> from tamis.types import Preprocessing
    >>> decode_side(Preprocessing(height=224, width=224, crop_fraction=0.875))
    1024
    """
    return _OVERSAMPLING * max(_shortest(preprocessing), preprocessing.width)


def _shortest(preprocessing: Preprocessing) -> int:
    return round(preprocessing.height / preprocessing.crop_fraction)


def _resize_shortest(view: _View, shortest: int, resampling: Image.Resampling) -> Image.Image:
    view = view.without_ends()
    width, height = view.size
    if width <= height:
        size = (shortest, int(shortest * height / width))
    else:
        size = (int(shortest * width / height), shortest)
    return view.resized(size, resampling)


def _crop_centre(image: Image.Image, preprocessing: Preprocessing) -> Image.Image:
    offsets = (image.width - preprocessing.width, image.height - preprocessing.height)
    if preprocessing.crop_rounding == "even":
        left, top = (round(offset / 2) for offset in offsets)
    else:
        left, top = (offset // 2 for offset in offsets)
    return image.crop((left, top, left + preprocessing.width, top + preprocessing.height))


def _pad(view: _View, preprocessing: Preprocessing, resampling: Image.Resampling) -> Image.Image:
    width, height = view.size
    scale = min(preprocessing.width / width, preprocessing.height / height)
    fitted = view.resized((max(1, round(width * scale)), max(1, round(height * scale))), resampling)
    fill = tuple(round(255 * channel) for channel in preprocessing.mean)
    canvas = Image.new("RGB", (preprocessing.width, preprocessing.height), fill)
    canvas.paste(fitted, ((canvas.width - fitted.width) // 2, (canvas.height - fitted.height) // 2))
    return canvas
