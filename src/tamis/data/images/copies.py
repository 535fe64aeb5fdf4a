"""Thumbnails as grey arrays for comparison, and copies of them as people make copies."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageEnhance, ImageFilter

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["COPY_KINDS", "grey_copies", "grey_square"]

COPY_KINDS = ("jpeg", "half", "crop", "bright", "blur", "flip")
"""What is done to a picture: JPEG at quality 30, half size, a crop to 90 % of the sides,
brightness times 1.35, blur by two pixels of the picture, mirroring left-right."""

_CROP, _BRIGHTER, _BLUR_PIXELS = 0.9, 1.35, 2.0


def grey_square(thumbnail: bytes, side: int) -> NDArray[np.uint8]:
    """Decode a thumbnail to grey levels, squashed to a square.

    Args:
        thumbnail: a JPEG of `tamis.data.images.thumbnail`.
        side: pixels.

    Returns:
        `[side, side]` uint8.
    """
    with Image.open(io.BytesIO(thumbnail)) as picture:
        picture.draft("L", picture.size)
        return _square(picture.convert("L"), side)


def grey_copies(
    thumbnail: bytes, long_side: int, side: int, rng: np.random.Generator
) -> dict[str, NDArray[np.uint8]]:
    """Make one copy of each of `COPY_KINDS`, at the scale of the thumbnail.

    Args:
        thumbnail: a JPEG of `tamis.data.images.thumbnail`.
        long_side: pixels of the longer side of the picture that it was made of.
        side: pixels of the squares.
        rng: places the crop.

    Returns:
        By kind, `[side, side]` uint8.
    """
    with Image.open(io.BytesIO(thumbnail)) as opened:
        picture = opened.convert("RGB")
    width, height = picture.size
    half = (max(width // 2, 1), max(height // 2, 1))
    cut = (max(int(width * _CROP), 1), max(int(height * _CROP), 1))
    x, y = (
        int(rng.integers(0, whole - part + 1))
        for whole, part in zip((width, height), cut, strict=True)
    )
    # Half of a large picture still fills a thumbnail.
    shrunk = picture.resize(half) if long_side < 2 * max(width, height) else picture
    blur = ImageFilter.GaussianBlur(_BLUR_PIXELS * max(width, height) / max(long_side, 1))
    made = {
        "jpeg": _recompressed(picture, 30),
        "half": _recompressed(shrunk, 85),
        "crop": _recompressed(picture.crop((x, y, x + cut[0], y + cut[1])), 85),
        "bright": _recompressed(ImageEnhance.Brightness(picture).enhance(_BRIGHTER), 85),
        "blur": _recompressed(picture.filter(blur), 85),
        "flip": _recompressed(picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT), 85),
    }
    return {kind: _square(copy.convert("L"), side) for kind, copy in made.items()}


def _recompressed(picture: Image.Image, quality: int) -> Image.Image:
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=quality)
    with Image.open(buffer) as opened:
        return opened.convert("RGB")


def _square(grey: Image.Image, side: int) -> NDArray[np.uint8]:
    return np.asarray(grey.resize((side, side), Image.Resampling.BICUBIC), dtype=np.uint8)
