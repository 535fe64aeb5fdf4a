"""Pictures in a tar archive, plain or compressed."""

from __future__ import annotations

import bz2
import gzip
import lzma
import os
import threading
import zlib
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, cast

from tamis.sources.archive_base import (
    ArchiveError,
    MemberError,
    MissingMemberError,
    is_picture_member,
    require_expansion,
)
from tamis.sources.tar_headers import DamagedTarError, TarMember, tar_members
from tamis.sources.xz_stream import open_xz

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Self

__all__ = ["TarArchive", "is_compressed_stream"]

_OPENERS: dict[bytes, Callable[[str], object]] = {
    b"\x1f\x8b": gzip.open,
    b"BZh": bz2.open,
    b"\xfd7zXZ\0": open_xz,
}
_STREAM_ERRORS = (
    zlib.error,
    lzma.LZMAError,
    EOFError,
    OSError,
    ValueError,
    OverflowError,
)
_MAX_SINGLE_READ = 1 << 30
_KEPT_BYTES = 64 << 20


def is_compressed_stream(start: bytes) -> bool:
    """Tell whether these first bytes are of gzip, bzip2 or xz."""
    return any(start.startswith(magic) for magic in _OPENERS)


@dataclass(frozen=True)
class _Place:
    ordinal: int
    offset: int
    size: int


class TarArchive:
    """Pictures in a tar archive, best read in the archive's own order.

    A compressed archive can only be unrolled from its start, so reading goes forward with a
    cursor. Pictures that it passes are kept for a while (64 MB), because threads ask a little out
    of order; only a jump far back starts over. Memory otherwise: one small record a picture.

    What an archive may unroll to is bounded: 100 times its size and a gigabyte.

    Raises:
        ArchiveError: the file cannot be opened.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self._lock = threading.RLock()
        self._places: dict[str, _Place] = {}
        self._names: list[str] = []
        self._refused: set[str] = set()
        self._complete = False
        self._kept: OrderedDict[str, bytes] = OrderedDict()
        self._kept_bytes = 0
        self._cursor: _BoundedStream | None = None
        self._cursor_ordinal = 0
        _BoundedStream(path).close()

    def members(self) -> Iterator[str | MemberError]:
        """List the pictures in the archive's own order, keeping the latest for `read`.

        Raises:
            ArchiveError: while listing, when the archive is damaged or unrolls to too much.
        """
        yield from self._walk(keep=True)

    def read(self, name: str, max_bytes: int) -> bytes:
        """Return one member's bytes.

        Raises:
            MemberError: absent, too large or cut short.
            ArchiveError: the archive is damaged before this member.
        """
        with self._lock:
            if name in self._kept:
                return self._take(name, max_bytes)
            if name not in self._places and not self._complete:
                for _ in self._walk(keep=False):
                    pass
            place = self._places.get(name)
            if place is None:
                raise MissingMemberError(name, "the archive holds no such picture any more")
            if place.size > max_bytes:
                raise MemberError(name, f"{place.size} bytes are over the limit of {max_bytes}")
            try:
                return self._read_at(name, place)
            except _STREAM_ERRORS as error:
                raise MemberError(name, "damaged inside the archive") from error

    def close(self) -> None:
        """Close the file and forget what was kept."""
        with self._lock:
            if self._cursor is not None:
                self._cursor.close()
                self._cursor = None
            self._kept.clear()
            self._kept_bytes = 0

    def __del__(self) -> None:
        if getattr(self, "_cursor", None) is not None:
            self.close()

    def _walk(self, *, keep: bool) -> Iterator[str | MemberError]:
        self._refused.clear()
        with _BoundedStream(self._path) as stream:
            try:
                for member in tar_members(stream):
                    found = self._found(member)
                    if keep and isinstance(found, str) and stream.compressed:
                        self._keep_from(stream, found)
                    if found is not None:
                        yield found
                self._complete = True
            except DamagedTarError as error:
                raise ArchiveError(f"not a readable tar archive: {error}") from error
            except _STREAM_ERRORS as error:
                raise ArchiveError("not a readable tar archive: damaged or cut short") from error

    def _found(self, member: TarMember) -> str | MemberError | None:
        """Note where a member lies; None when it is no picture, or was refused before."""
        name = member.name
        if member.is_folder or not is_picture_member(name):
            return None
        if not member.is_file:
            return self._refuse(name, "a link or a special file inside the archive; not read")
        with self._lock:
            place = _Place(len(self._names), member.offset, member.size)
            known = self._places.setdefault(name, place)
            if known is place:
                self._names.append(name)
                return name
            if known.offset == place.offset:  # a second walk over the same archive
                return name
        return self._refuse(name, "a second member of the same name in the archive; not used")

    def _refuse(self, name: str, reason: str) -> MemberError | None:
        """Say so once a name: a kilobyte of archive can repeat a member a million times."""
        if name in self._refused:
            return None
        self._refused.add(name)
        return MemberError(name, reason)

    def _keep_from(self, stream: _BoundedStream, name: str) -> None:
        place = self._places[name]
        if place.size <= _KEPT_BYTES:
            stream.seek(place.offset)
            self._keep(name, stream.read(place.size))

    def _keep(self, name: str, data: bytes) -> None:
        with self._lock:
            self._kept_bytes += len(data) - len(self._kept.pop(name, b""))
            self._kept[name] = data
            while self._kept_bytes > _KEPT_BYTES:
                self._kept_bytes -= len(self._kept.popitem(last=False)[1])

    def _take(self, name: str, max_bytes: int) -> bytes:
        data = self._kept.pop(name)
        self._kept_bytes -= len(data)
        if len(data) < self._places[name].size:
            raise MemberError(name, "the archive is cut short inside this picture")
        if len(data) > max_bytes:
            raise MemberError(name, f"{len(data)} bytes are over the limit of {max_bytes}")
        return data

    def _read_at(self, name: str, place: _Place) -> bytes:
        if self._cursor is None:
            self._cursor = _BoundedStream(self._path)
            self._cursor_ordinal = 0
        if self._cursor.compressed:
            for passed in self._names[self._cursor_ordinal : place.ordinal]:
                self._keep_from(self._cursor, passed)
        self._cursor.seek(place.offset)
        data = self._cursor.read(place.size)
        self._cursor_ordinal = place.ordinal + 1
        if len(data) < place.size:
            raise MemberError(name, "the archive is cut short inside this picture")
        return data


class _BoundedStream:
    """The unrolled bytes of an archive, refusing to unroll a bomb."""

    def __init__(self, path: str) -> None:
        try:
            with Path(path).open("rb") as file:
                start = file.read(6)
                size = os.fstat(file.fileno()).st_size
            opener = next((o for magic, o in _OPENERS.items() if start.startswith(magic)), None)
            stream = Path(path).open("rb") if opener is None else opener(path)  # noqa: SIM115 - close() is ours
            self._stream = cast("IO[bytes]", stream)
        except FileNotFoundError as error:
            raise ArchiveError("the archive does not exist any more") from error
        except PermissionError as error:
            raise ArchiveError("no permission to read the archive") from error
        except OSError as error:
            raise ArchiveError(f"cannot read the archive: {error.strerror}") from error
        self.compressed = opener is not None
        self._packed = size

    def read(self, size: int = -1) -> bytes:
        if size < 0 or size > _MAX_SINGLE_READ:
            raise ArchiveError("a header in the archive asks for absurdly much memory")
        self._check(self._stream.tell() + size)
        return self._stream.read(size)

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        self._check(offset)
        return self._stream.seek(offset, whence)

    def tell(self) -> int:
        return self._stream.tell()

    def close(self) -> None:
        self._stream.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _check(self, offset: int) -> None:
        if self.compressed:
            require_expansion(offset, self._packed)
