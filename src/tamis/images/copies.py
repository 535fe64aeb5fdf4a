"""Thumbnails as gray arrays for comparison, and synthetic copies as they occur in practice."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageEnhance, ImageFilter

from tamis.images.thumbnail import thumbnail

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["COPY_KINDS", "compressed", "copy_of", "grey_square"]

COPY_KINDS = ("jpeg", "worn", "half", "thumb", "crop", "window", "bright", "blur", "flip", "tilt")
"""In order: JPEG at quality 30 and 10; half size; 160 pixels; crop to 90% and to 70% of the sides;
brightness times 0.65 or 1.35; blur by 1.5 pixels; mirrored left-right; tilted by 2 degrees."""

_CROP, _WINDOW, _BRIGHTER, _DARKER, _BLUR, _TILT, _THUMB = 0.9, 0.7, 1.35, 0.65, 1.5, 2.0, 160


def grey_square(jpeg: bytes, side: int) -> NDArray[np.uint8]:
    """Decode a thumbnail to gray levels, squashed to a square.

    Args:
        jpeg: a thumbnail from `tamis.images.thumbnail`.
        side: side of the square in pixels.

    Returns:
        `[side, side]` uint8.
    """
    with Image.open(io.BytesIO(jpeg)) as picture:
        picture.draft("L", picture.size)
        return _square(picture.convert("L"), side)


def copy_of(
    original: Image.Image | None, shown: bytes, kind: str, rng: np.random.Generator
) -> bytes:
    """Make a synthetic copy of a picture and return its thumbnail.

    Args:
        original: RGB, upright; None to copy the thumbnail instead.
        shown: the picture's thumbnail.
        kind: one of `COPY_KINDS`.
        rng: chooses the position of crops, the brightness and the direction of a tilt.
    """
    if original is None:
        with Image.open(io.BytesIO(shown)) as opened:
            original = opened.convert("RGB")
    return thumbnail(_copied(original, kind, rng))


def _copied(picture: Image.Image, kind: str, rng: np.random.Generator) -> Image.Image:
    chance = rng.random(3)
    width, height = picture.size
    if kind in {"jpeg", "worn"}:
        return _recompressed(picture, 30 if kind == "jpeg" else 10)
    if kind == "half":
        made = picture.resize((max(width // 2, 1), max(height // 2, 1)))
    elif kind == "thumb":
        shrink = min(_THUMB / width, 1.0)
        made = picture.resize((max(round(width * shrink), 1), max(round(height * shrink), 1)))
    elif kind in {"crop", "window"}:
        share = _CROP if kind == "crop" else _WINDOW
        cut = (max(int(width * share), 1), max(int(height * share), 1))
        x, y = (
            int(at * (whole - part + 1))
            for at, whole, part in zip(chance, (width, height), cut, strict=False)
        )
        made = picture.crop((x, y, x + cut[0], y + cut[1]))
    elif kind == "bright":
        factor = _BRIGHTER if chance[0] < 0.5 else _DARKER  # noqa: PLR2004 - a coin
        made = ImageEnhance.Brightness(picture).enhance(factor)
    elif kind == "blur":
        made = picture.filter(ImageFilter.GaussianBlur(_BLUR))
    elif kind == "flip":
        made = picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    else:
        side = 1 if chance[0] < 0.5 else -1  # noqa: PLR2004 - a coin
        made = picture.rotate(_TILT * side, resample=Image.Resampling.BICUBIC)
    return _recompressed(made, 88)


def compressed(picture: NDArray[np.uint8], quality: int) -> NDArray[np.uint8]:
    """Return a picture after JPEG compression.

    Args:
        picture: `[H, W, 3]` uint8 RGB.
        quality: JPEG quality, 1 to 95.

    Returns:
        uint8 of the same shape.
    """
    return np.asarray(_recompressed(Image.fromarray(picture), quality), dtype=np.uint8)


def _recompressed(picture: Image.Image, quality: int) -> Image.Image:
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=quality)
    with Image.open(buffer) as opened:
        return opened.convert("RGB")


def _square(grey: Image.Image, side: int) -> NDArray[np.uint8]:
    return np.asarray(grey.resize((side, side), Image.Resampling.BICUBIC), dtype=np.uint8)
