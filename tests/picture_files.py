"""Picture files, good and bad, that the tests of reading and ingest share."""

from __future__ import annotations

import io
import struct
import zlib
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

LOSSLESS = {"PNG": {}, "BMP": {}, "TIFF": {}, "WEBP": {"lossless": True}, "PPM": {}}
LOSSY = {"JPEG": {"quality": 95}, "GIF": {}, "AVIF": {"quality": 90}, "JPEG2000": {}}
FORMATS = {**LOSSLESS, **LOSSY}


def photo(width: int = 80, height: int = 60, seed: int = 0) -> NDArray[np.uint8]:
    """A smooth random picture, `[H, W, 3]`, that lossy formats keep well."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(0, 256, (4, 5, 3), dtype=np.uint8)
    return np.asarray(Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC))


def encode(pixels: NDArray | Image.Image, picture_format: str = "PNG", **options: object) -> bytes:
    image = pixels if isinstance(pixels, Image.Image) else Image.fromarray(pixels)
    buffer = io.BytesIO()
    image.save(buffer, picture_format, **options)
    return buffer.getvalue()


def photo_file(picture_format: str = "JPEG", *, seed: int = 0, **size: int) -> bytes:
    return encode(photo(seed=seed, **size), picture_format, **FORMATS[picture_format])


def png_header(width: int, height: int) -> bytes:
    """A PNG whose header promises any size and whose data is next to nothing."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + png_chunk(b"IHDR", header)
        + png_chunk(b"IDAT", zlib.compress(b"\0" * 100))
        + png_chunk(b"IEND", b"")
    )


def png_chunk(kind: bytes, data: bytes) -> bytes:
    checksum = zlib.crc32(kind + data)
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", checksum)


def png_16_bit(samples: NDArray[np.uint16]) -> bytes:
    """A PNG of 16-bit samples: grey `[H, W]`, or grey-alpha, RGB or RGBA `[H, W, C]`."""
    height, width = samples.shape[:2]
    channels = 1 if samples.ndim == 2 else samples.shape[2]
    colour_type = {1: 0, 2: 4, 3: 2, 4: 6}[channels]
    rows = samples.astype(">u2").reshape(height, -1)
    raw = b"".join(b"\0" + row.tobytes() for row in rows)
    header = struct.pack(">IIBBBBB", width, height, 16, colour_type, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + png_chunk(b"IHDR", header)
        + png_chunk(b"IDAT", zlib.compress(raw))
        + png_chunk(b"IEND", b"")
    )


def tiff(samples: NDArray, photometric: int = 1, bits: int | None = None) -> bytes:
    """An uncompressed little-endian TIFF of samples `[H, W]` or `[H, W, C]` of any type."""
    height, width = samples.shape[:2]
    channels = 1 if samples.ndim == 2 else samples.shape[2]
    bits = samples.dtype.itemsize * 8 if bits is None else bits
    sample_format = {"u": 1, "i": 2, "f": 3}[samples.dtype.kind]
    data = samples.astype(samples.dtype.newbyteorder("<")).tobytes()
    tags = [
        (256, 4, [width]),
        (257, 4, [height]),
        (258, 3, [bits] * channels),
        (259, 3, [1]),
        (262, 3, [photometric]),
        (273, 4, [0]),
        (277, 3, [channels]),
        (278, 4, [height]),
        (279, 4, [len(data)]),
        (339, 3, [sample_format] * channels),
    ]
    return tiff_block(tags, data)


def tiff_block(tags: Sequence[tuple[int, int, list[int]]], data: bytes = b"") -> bytes:
    """A little-endian TIFF with one directory; tag 273 is set to where `data` lies."""
    code = {3: "H", 4: "I"}
    extra_at = 8 + 2 + 12 * len(tags) + 4
    extra = b""
    for _, kind, values in tags:
        packed = struct.pack(f"<{len(values)}{code[kind]}", *values)
        extra += packed if len(packed) > 4 else b""
    data_at = extra_at + len(extra)
    entries, placed = b"", extra_at
    for tag, kind, values in tags:
        filled = [data_at] if tag == 273 else values
        packed = struct.pack(f"<{len(filled)}{code[kind]}", *filled)
        if len(packed) > 4:
            field = struct.pack("<I", placed)
            placed += len(packed)
        else:
            field = packed.ljust(4, b"\0")
        entries += struct.pack("<HHI", tag, kind, len(filled)) + field
    return b"II*\0" + struct.pack("<IH", 8, len(tags)) + entries + b"\0" * 4 + extra + data


def exif_with(orientation: int | None = None, **tags: object) -> Image.Exif:
    """Exif for Pillow's writers; further tags as `t36867="2020:01:02 03:04:05"`."""
    exif = Image.Exif()
    if orientation is not None:
        exif[0x0112] = orientation
    for name, value in tags.items():
        exif[int(name[1:])] = value
    return exif


def stored_for(upright: NDArray, orientation: int) -> NDArray:
    """How a camera stores an upright `[H, W, …]` picture under an Exif orientation.

    By the standard's own wording: which side of the upright picture the stored first row and
    first column are.
    """
    flipped = {
        1: upright,
        2: upright[:, ::-1],
        3: upright[::-1, ::-1],
        4: upright[::-1],
        5: upright.swapaxes(0, 1),
        6: upright.swapaxes(0, 1)[::-1],
        7: upright.swapaxes(0, 1)[::-1, ::-1],
        8: upright.swapaxes(0, 1)[:, ::-1],
    }
    return np.ascontiguousarray(flipped[orientation])
