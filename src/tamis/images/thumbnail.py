"""The thumbnail of a picture, shown in galleries and compared by verification."""

from __future__ import annotations

import io

from PIL import Image

__all__ = ["THUMBNAIL_SIDE", "thumbnail"]

THUMBNAIL_SIDE = 256
"""Longest side of a thumbnail, in pixels."""

_JPEG_QUALITY = 85


def thumbnail(image: Image.Image) -> bytes:
    """Encode an RGB picture as a JPEG whose longest side is at most 256 pixels.

    Smaller pictures keep their size; no side is less than 1 pixel; metadata is not copied.

    Args:
        image: RGB, upright.

    >>> Image.open(io.BytesIO(thumbnail(Image.new("RGB", (1024, 512))))).size
    (256, 128)
    """
    scale = min(THUMBNAIL_SIDE / max(image.size), 1.0)
    size = (max(round(image.width * scale), 1), max(round(image.height * scale), 1))
    # Hamming is as good as bicubic for shrinking, at two thirds of the cost.
    small = image.resize(size, Image.Resampling.HAMMING, reducing_gap=2.0)
    small.info = {}  # Pillow would write a comment too
    buffer = io.BytesIO()
    small.save(buffer, "JPEG", quality=_JPEG_QUALITY)
    return buffer.getvalue()
