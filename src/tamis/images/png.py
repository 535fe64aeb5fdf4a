"""PNG files by their chunks: Exif and XMP in their texts, and files without texts and profiles.

Pillow decompresses texts and color profiles before any pixel, and rejects the whole picture if one
decompresses to more than a megabyte, as Photoshop's history and cameras' profiles do.

Source: PNG Specification, third edition, section 11.3.3; ImageMagick's `Raw profile type` texts.
"""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["png_chunks", "png_exif", "png_xmp", "without_comments"]

_SIGNATURE_BYTES: Final = 8
_FRAME_BYTES: Final = 12
"""Bytes of length, kind and checksum around a chunk's data."""
_UNUSED: Final = (b"iCCP", b"tEXt", b"zTXt", b"iTXt")
_MAX_BYTES: Final = 1 << 20
_EXIF_TEXTS: Final = (b"Raw profile type exif", b"Raw profile type APP1")
_XMP_TEXTS: Final = (b"XML:com.adobe.xmp", b"Raw profile type xmp")


def png_chunks(data: bytes) -> Iterator[tuple[bytes, memoryview]]:
    r"""Yield the kind and data of each chunk, up to the first that extends beyond the file.

    Nothing is copied, and checksums are not verified.

    >>> [kind for kind, _ in png_chunks(b"\x89PNG\r\n\x1a\n" + bytes(4) + b"IEND" + bytes(4))]
    [b'IEND']
    """
    view = memoryview(data)
    at = _SIGNATURE_BYTES
    while at + _FRAME_BYTES <= len(data):
        length = int.from_bytes(view[at : at + 4], "big")
        if at + _FRAME_BYTES + length > len(data):
            return
        yield bytes(view[at + 4 : at + 8]), view[at + 8 : at + 8 + length]
        at += _FRAME_BYTES + length


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


def without_comments(data: bytes) -> bytes:
    """Return a PNG file without its texts and color profile, otherwise unchanged.

    Damage is left to the reader: from the first chunk that extends beyond the file, the rest is
    kept.

    >>> without_comments(b"not a PNG")
    b'not a PNG'
    """
    if not any(kind in data for kind in _UNUSED):
        return data
    view = memoryview(data)
    kept = []
    start = at = _SIGNATURE_BYTES
    for kind, content in png_chunks(data):
        end = at + _FRAME_BYTES + len(content)
        if kind in _UNUSED:
            kept.append(view[start:at])
            start = end
        at = end
    return b"".join([view[:_SIGNATURE_BYTES], *kept, view[start:]])


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
