"""Exif and XMP that programs wrote into the text chunks of a PNG file.

Source: PNG Specification, third edition, section 11.3.3; ImageMagick's `Raw profile type` texts.
"""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Final

from tamis.images.png_chunks import png_chunks

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["png_exif", "png_xmp"]

_MAX_BYTES: Final = 1 << 20
_EXIF_TEXTS: Final = (b"Raw profile type exif", b"Raw profile type APP1")
_XMP_TEXTS: Final = (b"XML:com.adobe.xmp", b"Raw profile type xmp")


def png_exif(data: bytes) -> bytes | None:
    """Return the Exif block from a hexadecimal text chunk; None if there is none.

    Args:
        data: the whole file. Texts of over a megabyte are skipped.
    """
    blocks = (_raw_profile(text) for key, text in _texts(data) if key in _EXIF_TEXTS)
    return next((block for block in blocks if block.startswith(b"Exif\0\0")), None)


def png_xmp(data: bytes) -> bytes | None:
    """Return the XMP packet from a text chunk; None if there is none.

    Args:
        data: the whole file. Texts of over a megabyte are skipped.
    """
    for key, text in _texts(data):
        if key in _XMP_TEXTS:
            return text if key == _XMP_TEXTS[0] else _raw_profile(text)
    return None


def _texts(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield the keyword and decompressed text of each chunk that may be relevant."""
    for kind, content in png_chunks(data):
        key, mark, rest = bytes(content[:80]).partition(b"\0")
        if not mark or key not in _EXIF_TEXTS + _XMP_TEXTS or len(content) > _MAX_BYTES:
            continue
        rest = bytes(content[len(key) + 1 :])
        if kind == b"tEXt":
            yield key, rest
        elif kind == b"zTXt":
            yield key, _unpacked(rest[1:])
        elif kind == b"iTXt" and len(rest) > 1:
            # Compression flag and method, language, and the keyword in that language.
            text = rest[2:].split(b"\0", 2)[-1]
            yield key, _unpacked(text) if rest[0] else text


def _unpacked(packed: bytes) -> bytes:
    decompressor = zlib.decompressobj()
    try:
        text = decompressor.decompress(packed, _MAX_BYTES)
    except zlib.error:
        return b""
    return text if decompressor.eof else b""


def _raw_profile(text: bytes) -> bytes:
    """Decode a raw profile: a name, a length and hexadecimal digits, on separate lines."""
    lines = text.split(b"\n", 3)
    try:
        return bytes.fromhex(lines[-1].decode("ascii"))
    except ValueError:
        return b""
