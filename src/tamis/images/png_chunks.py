"""Iterate over the chunks of a PNG file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["FRAME_BYTES", "SIGNATURE_BYTES", "png_chunks"]

SIGNATURE_BYTES: Final = 8
FRAME_BYTES: Final = 12
"""Bytes of length, kind and checksum around a chunk's data."""


def png_chunks(data: bytes) -> Iterator[tuple[bytes, memoryview]]:
    r"""Yield the kind and data of each chunk, up to the first that extends beyond the file.

    Nothing is copied, and checksums are not verified.

    >>> [kind for kind, _ in png_chunks(b"\x89PNG\r\n\x1a\n" + bytes(4) + b"IEND" + bytes(4))]
    [b'IEND']
    """
    view = memoryview(data)
    at = SIGNATURE_BYTES
    while at + FRAME_BYTES <= len(data):
        length = int.from_bytes(view[at : at + 4], "big")
        if at + FRAME_BYTES + length > len(data):
            return
        yield bytes(view[at + 4 : at + 8]), view[at + 8 : at + 8 + length]
        at += FRAME_BYTES + length
