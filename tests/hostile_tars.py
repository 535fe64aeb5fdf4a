"""Tar archives of few bytes that ask for much time or memory."""

from __future__ import annotations

import bz2
import gzip
import lzma
import tarfile
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "tar": bytes,
    "tar.gz": gzip.compress,
    "tar.bz2": bz2.compress,
    "tar.xz": lzma.compress,
}
EXTENDED = (b"x", b"X", b"g", b"L", b"K")
LARGE = 3_000_000


def header(name: str, size: int, kind: bytes = b"0") -> bytes:
    """One block that describes a member."""
    info = tarfile.TarInfo(name)
    info.size, info.type = size, kind
    return info.tobuf(tarfile.GNU_FORMAT)


def with_field(block: bytes, at: int, value: bytes) -> bytes:
    """A header with one field written as it is, and its sum made right again."""
    changed = bytearray(block)
    changed[at : at + len(value)] = value
    changed[148:156] = b" " * 8
    changed[148:156] = b"%06o\0 " % sum(changed)
    return bytes(changed)


def padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % tarfile.BLOCKSIZE)


def record(key: bytes, value: bytes) -> bytes:
    """One record of a pax header."""
    length = len(key) + len(value) + 3
    while length != len(key) + len(value) + 3 + len(str(length)):
        length = len(key) + len(value) + 3 + len(str(length))
    return b"%d %s=%s\n" % (length, key, value)


def hostile_tars() -> Iterator[tuple[str, bytes]]:
    """Yield names and unrolled bytes; in none of them is a picture."""
    picture = header("1.jpg", 0)
    for kind in EXTENDED:
        letter = kind.decode()
        for size in (65_537, LARGE, 1 << 30, 7 << 33):
            yield f"{letter}-claims-{size}", header("e", size, kind) + bytes(2000)
        yield f"{letter}-is-long", header("e", LARGE, kind) + bytes(LARGE) + picture
        digits = b"1" * LARGE
        yield f"{letter}-of-digits", header("e", LARGE, kind) + digits + picture
        chain = header("e", 0, kind) * 5000
        yield f"{letter}-chain", chain + picture
        blocks = (header("e", 512, kind) + padded(record(b"comment", b"x" * 490))) * 3000
        yield f"{letter}-chain-with-data", blocks + picture
    sparse = with_field(header("1.jpg", 0, b"S"), 482, b"\1")
    yield "sparse-map-without-end", sparse + (bytes(504) + b"\1" + bytes(7)) * 5000
    yield "size-in-binary", with_field(header("1.jpg", 0), 124, b"\x80" + b"\xff" * 11)
    yield "size-below-0", with_field(header("1.jpg", 0), 124, b"\xff" * 12)
    yield "size-with-sign", with_field(header("1.jpg", 0), 124, b"-0000000001\0")
    for number, bad in enumerate(
        (
            b"0 path=1.jpg\n",
            b"5 path=1.jpg\n",
            b"-1 path=1.jpg\n",
            b"99999999999999999999999999 path=1.jpg\n",
            b"1e3 path=1.jpg\n",
            b" path=1.jpg\n",
            b"14 path=1.jpgx",
            b"11 pathjpgs\n",
            b"x" * 60_000,
            b"1" * 60_000,
            record(b"size", b"9" * 50_000),
            record(b"size", b"-1"),
            record(b"size", b"1_0"),
        )
    ):
        data = padded(header("e", len(bad), b"x") + bad)
        yield f"bad-record-{number}", data + header("2.jpg", 1)
