"""Strip texts and color profiles from PNG files before Pillow sees them.

Pillow decompresses them before any pixel, and rejects the whole picture if one decompresses to more
than a megabyte, as Photoshop's history and cameras' profiles do.
"""

from __future__ import annotations

from typing import Final

from tamis.images.png_chunks import FRAME_BYTES, SIGNATURE_BYTES, png_chunks

__all__ = ["without_comments"]

_UNUSED: Final = (b"iCCP", b"tEXt", b"zTXt", b"iTXt")


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
    start = at = SIGNATURE_BYTES
    for kind, content in png_chunks(data):
        end = at + FRAME_BYTES + len(content)
        if kind in _UNUSED:
            kept.append(view[start:at])
            start = end
        at = end
    return b"".join([view[:SIGNATURE_BYTES], *kept, view[start:]])
