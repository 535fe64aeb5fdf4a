"""Convert pixels of every mode to 8-bit RGB, in bands, so that peak memory is bounded.

The conversion by mode:

* transparency is composited on **white**, the background most such pictures were made for;
* 16-bit samples are scaled by their **full range** (65535 becomes 255), never clipped: Pillow's
  own conversion turns 16-bit gray all white. The range of 12-bit TIFF is 4095;
* 32-bit integers are scaled by 65535 if they fit that range, otherwise stretched from the
  smallest to the largest value; floats in [0, 1] are multiplied by 255, those in [0, 255] are
  unchanged, others are stretched; NaN is black;
* white-is-zero TIFFs are inverted;
* CMYK uses the plain formula. Adobe's programs store it inverted in JPEG and mark that; Pillow
  inverts every CMYK JPEG, so those without the marker are inverted back;
* color profiles are not applied, since training pipelines do not apply them either.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageChops

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    _Scale = Callable[[NDArray[np.generic]], NDArray[np.float64]]

__all__ = ["UnsupportedModeError", "to_rgb"]

_BAND_PIXELS = 4_000_000
_PHOTOMETRIC, _BITS_PER_SAMPLE = 262, 258
_WHITE_IS_ZERO = 0
_FULL_16_BIT = 65535.0
_COLOUR_MODES = {"RGB", "RGBX", "CMYK", "YCbCr", "HSV", "P", "L", "1"}
_DEEP_MODES = {"I", "F", "I;16", "I;16L", "I;16B", "I;16N"}


class UnsupportedModeError(Exception):
    """The picture's color model has no conversion to RGB."""


def to_rgb(image: Image.Image, reduce_by: int = 1) -> Image.Image:
    """Convert a decoded picture of any mode to RGB, box-averaged by an integer factor.

    Args:
        image: a loaded picture, H x W pixels.
        reduce_by: side of the blocks that become one pixel; edges round up.

    Returns:
        RGB, ceil(H / reduce_by) x ceil(W / reduce_by). Memory besides the result is bounded by a
        band of about 4 million pixels.

    Raises:
        UnsupportedModeError: the mode is not supported, such as LAB.
    """
    if image.mode == "RGB" and reduce_by == 1 and not image.has_transparency_data:
        return image
    convert = _converter(image)
    width, height = image.size
    if width * height <= _BAND_PIXELS:
        rgb = convert(image)
        return rgb.reduce(reduce_by) if reduce_by > 1 else rgb
    result = Image.new("RGB", (-(-width // reduce_by), -(-height // reduce_by)))
    for top, band in _bands(image, reduce_by):
        rgb = convert(band)
        result.paste(rgb.reduce(reduce_by) if reduce_by > 1 else rgb, (0, top // reduce_by))
    return result


def _bands(image: Image.Image, multiple_of: int) -> Iterator[tuple[int, Image.Image]]:
    """Cut a picture into bands whose heights, except the last, are multiples of a factor."""
    width, height = image.size
    rows = max(_BAND_PIXELS // width // multiple_of, 1) * multiple_of
    for top in range(0, height, rows):
        yield top, image.crop((0, top, width, min(top + rows, height)))


def _converter(image: Image.Image) -> Callable[[Image.Image], Image.Image]:
    if image.mode in _DEEP_MODES:
        scale = _deep_scale(image)
        return lambda band: _deep_to_rgb(band, scale)
    if image.mode in {"RGBA", "LA", "PA", "La", "RGBa"} or image.has_transparency_data:
        return _on_white
    if image.mode == "CMYK" and image.format == "JPEG" and "adobe" not in image.info:
        return lambda band: ImageChops.invert(band).convert("RGB")
    if image.mode in _COLOUR_MODES:
        return lambda band: band.convert("RGB")
    raise UnsupportedModeError(f"the colour model {image.mode} is not supported")


def _on_white(band: Image.Image) -> Image.Image:
    if band.mode == "La":
        band = band.convert("LA")
    rgba = band.convert("RGBA")
    if rgba.getchannel("A").getextrema() == (255, 255):
        return rgba.convert("RGB")
    white = Image.new("RGBA", band.size, (255, 255, 255, 255))
    return Image.alpha_composite(white, rgba).convert("RGB")


def _deep_to_rgb(band: Image.Image, scale: _Scale) -> Image.Image:
    grey = np.rint(np.clip(scale(np.asarray(band)), 0.0, 255.0)).astype(np.uint8)
    return Image.fromarray(grey).convert("RGB")


def _deep_scale(image: Image.Image) -> _Scale:
    """Choose how this picture's samples are scaled to 0 to 255, the same for all bands."""
    tags = getattr(image, "tag_v2", {})
    if image.mode.startswith("I;16"):
        full = 4095.0 if tags.get(_BITS_PER_SAMPLE) == (12,) else _FULL_16_BIT
        low, high = 0.0, full
    else:
        low, high = _value_range(image)
        if image.mode == "I" and low >= 0.0 and high <= _FULL_16_BIT:
            low, high = 0.0, _FULL_16_BIT
        elif image.mode == "F" and low >= 0.0 and high <= 255.0:  # noqa: PLR2004 - 8-bit range
            low, high = 0.0, 1.0 if high <= 1.0 else 255.0
    span = high - low if high > low else 1.0
    inverted = tags.get(_PHOTOMETRIC) == _WHITE_IS_ZERO

    def scale(samples: NDArray[np.generic]) -> NDArray[np.float64]:
        with np.errstate(invalid="ignore"):  # treat a signaling NaN like any other
            share = (samples.astype(np.float64) - low) / span
        share = np.nan_to_num(share, nan=0.0, posinf=1.0, neginf=0.0)
        grey: NDArray[np.float64] = 255.0 * (1.0 - share if inverted else share)
        return grey

    return scale


def _value_range(image: Image.Image) -> tuple[float, float]:
    """Return the smallest and largest finite value, band by band; (0, 0) if there is none."""
    low, high = np.inf, -np.inf
    for _, band in _bands(image, 1):
        samples = np.asarray(band)
        finite = samples[np.isfinite(samples)]
        if finite.size:
            low, high = min(low, float(finite.min())), max(high, float(finite.max()))
    return (low, high) if low <= high else (0.0, 0.0)
