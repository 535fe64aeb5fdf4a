"""PNG files without their comments and colour profiles, which tamis never reads.

Pillow unpacks them before any pixel and gives the whole picture up when one unpacks to more than
a megabyte, as Photoshop's history and cameras' profiles do.
"""

from __future__ import annotations

from typing import Final

__all__ = ["without_comments"]

_SIGNATURE_BYTES: Final = 8
_FRAME_BYTES: Final = 12  # length, kind and checksum around a chunk's data
_UNUSED: Final = (b"iCCP", b"tEXt", b"zTXt", b"iTXt")


def without_comments(data: bytes) -> bytes:
    """Return a PNG file without its texts and colour profile; all else stays as it is.

    Damage is left for the reader to find: from the first chunk that does not fit, the rest is
    kept.

    >>> without_comments(b"not a PNG")
    b'not a PNG'
    """
    if not any(kind in data for kind in _UNUSED):
        return data
    kept = []
    start = at = _SIGNATURE_BYTES
    view = memoryview(data)
    while at + _FRAME_BYTES <= len(data):
        end = at + _FRAME_BYTES + int.from_bytes(view[at : at + 4], "big")
        if end > len(data):
            break
        if data[at + 4 : at + 8] in _UNUSED:
            kept.append(view[start:at])
            start = end
        at = end
    return b"".join([view[:_SIGNATURE_BYTES], *kept, view[start:]])
