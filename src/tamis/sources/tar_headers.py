"""Which members a tar archive holds, read from its headers in bounded time and memory.

A reader of its own rather than `tarfile`: that takes what a header says of its own length on trust,
up to gigabytes, and some versions need time that grows with the square of it (CVE-2024-6232).

Source: POSIX.1-2017, pax, "ustar Interchange Format" and "pax Header Block"; GNU tar manual,
"Basic Tar Format".
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["MAX_HEADER_BYTES", "DamagedTarError", "TarMember", "tar_members"]

BLOCK: Final = 512
MAX_HEADER_BYTES: Final = 64 << 10
"""What all headers of one member may come to, extended ones and sparse maps included."""

_EMPTY = bytes(BLOCK)
_REGULAR = {b"0", b"\0", b"7", b"S"}
_WITHOUT_DATA = {b"1", b"2", b"3", b"4", b"5", b"6"}
_FOLDER, _SPARSE, _LONG_NAME, _LONG_LINK = b"5", b"S", b"L", b"K"
_PAX, _PAX_OF_ALL = {b"x", b"X", b"g"}, b"g"
_MAX_DIGITS = 20
_OCTAL = re.compile(rb"[0-7]+")
_GNU_MAP_GOES_ON, _NEXT_MAP_GOES_ON = 482, 504


class DamagedTarError(Exception):
    """The headers break off or contradict themselves."""


class _Stream(Protocol):
    def read(self, size: int, /) -> bytes: ...

    def seek(self, offset: int, /) -> int: ...


@dataclass(frozen=True)
class TarMember:
    """One member of an archive.

    Attributes:
        name: its path; bytes that are not UTF-8 as lone surrogates.
        offset: where its bytes begin.
        size: how many there are.
        is_file: a plain file whose bytes all follow each other.
        is_folder: a folder.
    """

    name: str
    offset: int
    size: int
    is_file: bool
    is_folder: bool


@dataclass
class _Stated:
    """What extended headers say of a member in place of its own; what comes first counts."""

    name: str | None = None
    size: int | None = None
    is_sparse: bool = False

    def over(self, other: _Stated) -> _Stated:
        return _Stated(
            other.name if self.name is None else self.name,
            other.size if self.size is None else self.size,
            self.is_sparse or other.is_sparse,
        )


@dataclass
class _Reader:
    """Reads headers and counts what those of one member come to."""

    stream: _Stream
    at: int = 0
    left: int = MAX_HEADER_BYTES
    of_all: _Stated = field(default_factory=_Stated)

    def take(self, size: int) -> bytes:
        padded = -(-size // BLOCK) * BLOCK
        self.left -= padded
        if self.left < 0:
            raise DamagedTarError(
                f"the headers of one member are longer than {MAX_HEADER_BYTES} bytes"
            )
        self.stream.seek(self.at)
        data = self.stream.read(padded)
        if len(data) < padded:
            raise DamagedTarError("damaged or cut short")
        self.at += padded
        return data[:size]


def tar_members(stream: _Stream) -> Iterator[TarMember]:
    """Yield the members in the archive's order; the stream may be moved between them.

    Memory: 64 KB. Time: that of reading the headers and of moving from one to the next.

    Args:
        stream: the archive's bytes, unrolled.

    Raises:
        DamagedTarError: at the place from which on nothing can be read.
    """
    reader = _Reader(stream)
    while True:
        reader.left = MAX_HEADER_BYTES
        member = _next_member(reader)
        if member is None:
            return
        yield member


def _next_member(reader: _Reader) -> TarMember | None:
    stated = _Stated()
    while (block := reader.take(BLOCK)) != _EMPTY:
        _require_sum(block)
        kind, size = block[156:157], _number(block[124:136])
        if kind in _PAX:
            found = _pax(reader.take(size))
            if kind == _PAX_OF_ALL:
                reader.of_all = found.over(reader.of_all)
            else:
                stated = stated.over(found)
        elif kind == _LONG_NAME:
            stated = stated.over(_Stated(name=_text(reader.take(size))))
        elif kind == _LONG_LINK:
            reader.take(size)
        else:
            return _member(reader, block, kind, size, stated.over(reader.of_all))
    return None


def _member(reader: _Reader, block: bytes, kind: bytes, size: int, stated: _Stated) -> TarMember:
    name = _text(block[:100])
    if block[345] and kind != _SPARSE:
        name = f"{_text(block[345:500])}/{name}"
    is_folder = kind == _FOLDER or (kind == b"\0" and name.endswith("/"))
    if kind == _SPARSE:
        goes_on = block[_GNU_MAP_GOES_ON]
        while goes_on:
            goes_on = reader.take(BLOCK)[_NEXT_MAP_GOES_ON]
    size = size if stated.size is None else stated.size
    offset = reader.at
    if kind not in _WITHOUT_DATA and not is_folder:
        reader.at += -(-size // BLOCK) * BLOCK
    return TarMember(
        name=(name if stated.name is None else stated.name).rstrip("/"),
        offset=offset,
        size=size,
        is_file=kind in _REGULAR - {_SPARSE} and not is_folder and not stated.is_sparse,
        is_folder=is_folder,
    )


def _pax(data: bytes) -> _Stated:
    """Read the records of an extended header, each `LENGTH KEY=VALUE` and a new line."""
    stated = _Stated()
    at = 0
    while at < len(data) and data[at]:
        digits = data[at : at + _MAX_DIGITS].partition(b" ")[0]
        length = _decimal(digits)
        key, mark, value = data[at + len(digits) + 1 : at + length].partition(b"=")
        if length < len(digits) + len(" =\n") or not mark or not value.endswith(b"\n"):
            raise DamagedTarError("damaged or cut short")
        if key in {b"path", b"GNU.sparse.name"}:
            stated.name = _text(value[:-1])
        elif key == b"size":
            stated.size = _decimal(value[:-1])
        stated.is_sparse |= key.startswith(b"GNU.sparse.")
        at += length
    return stated


def _require_sum(block: bytes) -> None:
    stated = _number(block[148:156])
    plain = sum(block) - sum(block[148:156]) + 8 * ord(" ")
    if stated == plain:
        return
    # Some old programs took bytes for signed numbers.
    rest = block[:148] + block[156:]
    if stated != plain - 256 * sum(byte > 127 for byte in rest):  # noqa: PLR2004 - a signed byte's most
        raise DamagedTarError("damaged or cut short")


def _number(data: bytes) -> int:
    """Read a number of a header, in octal digits or, where the first bit is set, in binary."""
    if data[0] == 0x80:  # noqa: PLR2004 - the mark of a binary number
        return int.from_bytes(data[1:], "big")
    digits = data.split(b"\0", 1)[0].strip() or b"0"
    if not _OCTAL.fullmatch(digits):
        raise DamagedTarError("damaged or cut short")
    return int(digits, 8)


def _decimal(digits: bytes) -> int:
    if not digits.isdigit() or len(digits) > _MAX_DIGITS:
        raise DamagedTarError("damaged or cut short")
    return int(digits)


def _text(data: bytes) -> str:
    return data.split(b"\0", 1)[0].decode("utf-8", errors="surrogateescape")
