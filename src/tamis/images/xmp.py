"""Read the orientation from an XMP packet.

By a regular expression rather than an XML parser, which a hostile packet can keep busy for hours.

Source: Adobe, XMP Specification Part 2, "TIFF schema".
"""

from __future__ import annotations

import re

__all__ = ["MAX_XMP_BYTES", "xmp_orientation"]

MAX_XMP_BYTES = 1 << 20
"""Only this much of a longer packet is read."""

_PREFIX = re.compile(rb"""xmlns:([\w.-]{1,40})\s*=\s*["']http://ns\.adobe\.com/tiff/1\.0/["']""")


def xmp_orientation(packet: bytes) -> int | None:
    """Return the orientation, 1 to 8, that a packet states as an attribute or an element.

    None if there is none, or it is invalid. Cost: one pass.

    >>> xmp_orientation(b'<rdf:Description tiff:Orientation="6"/>')
    6
    """
    # In UTF-16 and UTF-32 the same letters are separated by zeros.
    text = packet[:MAX_XMP_BYTES].replace(b"\0", b"")
    prefix = _PREFIX.search(text)
    name = re.escape(prefix[1] if prefix else b"tiff")
    found = re.search(
        rb"[\s<]" + name + rb""":Orientation\s*(?:=\s*["']|>)\s*([1-8])\s*["'<]""", text
    )
    return int(found[1]) if found else None
