"""Make a picture into an encoder's input: resize with antialiasing, then cut or fill.

Scaling by mean and standard deviation is not done here: each encoder does it on the batch.
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
    """Return a picture as an encoder wants it, `[H, W, 3]` uint8 RGB.

    Gives the pixels that the reference implementations of Hugging Face's processors give with
    Pillow, to the last bit, up to strips 16 times as long as wide; of longer ones the ends, which
    the center crop drops anyway, are cut first, so that memory stays bounded.

    Args:
        image: the picture, upright; converted to RGB if it is not.
        preprocessing: the encoder's.
        size: width and height that the picture had before it was decoded smaller; as it is if
            None. The input is laid out by them, so that it does not move by a pixel.
        extent: where the picture lies in `image`, left, upper, right and lower edge in its
            pixels; all of it if None.

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
    """A picture that lies in an image, perhaps at a smaller scale."""

    image: Image.Image
    size: tuple[int, int]
    extent: tuple[float, float, float, float]

    def resized(self, size: tuple[int, int], resampling: Image.Resampling) -> Image.Image:
        return self.image.resize(size, resampling, box=self.extent)

    def without_ends(self) -> _View:
        """Cut what makes a long strip longer than the center crop can see."""
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
    """Return where a part of a picture lies in an encoder's input, as shares of its sides.

    What the crop cuts off lies outside of [0, 1].

    Args:
        size: width and height of the picture in pixels.
        box: left, upper, right and lower edge in pixels.
        preprocessing: the encoder's.

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
    """Return how many pixels the shorter side must keep when a picture is decoded smaller.

    Four times the side that it is resized to, from which the antialiased resize is as good as from
    all pixels: vectors keep a cosine of 0.999. Twice loses a little more than that.

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
