"""Estimate the memory that decoding a picture takes, from its header.

Measured per pixel with Pillow 13 and the libwebp, libavif, OpenJPEG and libheif in its wheels;
`tests/unit/images/test_decoder_memory.py` compares the figures with actual use.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from PIL import ImageFile

__all__ = ["decoder_memory"]

_OF_MODE = {"1": 1, "L": 1, "P": 1, "I;16": 2, "I;16B": 2, "I;16L": 2, "I;16N": 2}
_OF_OTHER_MODES = 4

_WHOLE_DECODERS = {"WEBP": 17, "AVIF": 14, "HEIF": 10}
"""Bytes per pixel, including the picture itself. WebP's reader keeps four copies, which animations
need."""

_JPEG2000_COMPONENT = 5
_JPEG_COEFFICIENT = 2
_TILE_WIDTH, _TILE_LENGTH, _ROWS_PER_STRIP, _BITS_PER_SAMPLE = 322, 323, 278, 258


def decoder_memory(picture: ImageFile.ImageFile, width: int, height: int) -> int:
    """Return roughly the peak memory of decoding in bytes, without the file and any copies.

    Args:
        picture: opened, possibly drafted to a smaller size, not loaded.
        width: width of the stored picture in pixels.
        height: height of the stored picture in pixels.
    """
    pixels = picture.size[0] * picture.size[1]
    if picture.format in _WHOLE_DECODERS:
        return _WHOLE_DECODERS[picture.format] * pixels
    image = _OF_MODE.get(picture.mode, _OF_OTHER_MODES) * pixels
    if picture.format == "JPEG2000":
        return image + _JPEG2000_COMPONENT * len(picture.getbands()) * pixels
    if picture.format == "JPEG" and "progressive" in picture.info:
        # All coefficients are held in memory, however small the draft.
        return image + round(_JPEG_COEFFICIENT * _samples_per_pixel(picture) * width * height)
    if picture.format == "TIFF":
        return image + _largest_piece(picture, width, height)
    return image


def _samples_per_pixel(picture: Any) -> float:
    """Return how many samples a JPEG stores per pixel, such as 1.5 with 4:2:0 subsampling."""
    factors = [(across, down) for _, across, down, _ in picture.layer]
    most = max(across for across, _ in factors) * max(down for _, down in factors)
    return sum(across * down for across, down in factors) / most if most else len(factors)


def _largest_piece(picture: Any, width: int, height: int) -> int:
    """Return the bytes of a tile or strip, which may be as large as the picture."""
    tags = picture.tag_v2
    bits = tags.get(_BITS_PER_SAMPLE, (8,))
    depth = sum(bit for bit in bits if isinstance(bit, int)) if isinstance(bits, tuple) else 8
    across, down = tags.get(_TILE_WIDTH), tags.get(_TILE_LENGTH)
    if not isinstance(across, int) or not isinstance(down, int):
        rows = tags.get(_ROWS_PER_STRIP)
        across, down = width, min(rows, height) if isinstance(rows, int) else height
    return across * down * max(depth, 8) // 8
