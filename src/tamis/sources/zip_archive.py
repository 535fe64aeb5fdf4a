"""Pictures in a zip archive."""

from __future__ import annotations

import struct
import threading
import zipfile
import zlib
from lzma import LZMAError
from pathlib import Path
from typing import TYPE_CHECKING

from tamis.sources.archive_base import (
    ArchiveError,
    MemberError,
    MissingMemberError,
    is_picture_member,
    require_expansion,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["ZipArchive"]

_ENCRYPTED = 0x1
_UTF8 = 0x800
_UNICODE_PATH = 0x7075
_FIELD_HEADER = struct.Struct("<HH")
_PATH_HEADER = struct.Struct("<BL")
_READ_ERRORS = (
    zipfile.BadZipFile,
    zlib.error,
    LZMAError,
    EOFError,
    OSError,
    ValueError,
    RuntimeError,
)


class ZipArchive:
    """Pictures in a zip archive, read in any order. Memory: the archive's table of contents.

    What its pictures may unroll to is bounded: 100 times its size and a gigabyte.

    Raises:
        ArchiveError: there is no readable table of contents, or it states more than that.
    """

    def __init__(self, path: str) -> None:
        try:
            self._zip = zipfile.ZipFile(path)
        except FileNotFoundError as error:
            raise ArchiveError("the archive does not exist any more") from error
        except PermissionError as error:
            raise ArchiveError("no permission to read the archive") from error
        except (*_READ_ERRORS, NotImplementedError) as error:
            raise ArchiveError("not a readable zip archive: damaged or cut short") from error
        self._lock = threading.Lock()
        self._by_name: dict[str, zipfile.ZipInfo] = {}
        self._repeated: list[str] = []
        for info in self._zip.infolist():
            name = _name_of(info)
            is_folder = info.filename.endswith("/")  # a damaged archive may hold no name at all
            if is_folder or not is_picture_member(name):
                continue
            if self._by_name.setdefault(name, info) is not info:
                self._repeated.append(name)
        # Members may overlap, so that each byte of a file is unrolled many times over.
        claimed = sum(info.file_size for info in self._by_name.values())
        require_expansion(claimed, Path(path).stat().st_size)

    def members(self) -> Iterator[str | MemberError]:
        """List the pictures in the archive's own order."""
        yield from self._by_name
        for name in self._repeated:
            yield MemberError(name, "a second member of the same name in the archive; not used")

    def read(self, name: str, max_bytes: int) -> bytes:
        """Return one member's bytes, of at most `max_bytes`, whatever its header claims.

        Raises:
            MemberError: absent, too large, encrypted or damaged.
        """
        info = self._by_name.get(name)
        if info is None:
            raise MissingMemberError(name, "the archive holds no such picture any more")
        if info.flag_bits & _ENCRYPTED:
            raise MemberError(name, "encrypted in the archive")
        if info.file_size > max_bytes:
            raise MemberError(name, f"{info.file_size} bytes are over the limit of {max_bytes}")
        try:
            # One lock a file: zipfile's own covers seeking, not closing beside reading.
            with self._lock, self._zip.open(info) as stream:
                data = stream.read(max_bytes + 1)
        except NotImplementedError as error:
            raise MemberError(name, "compressed in a way that Python cannot read") from error
        except _READ_ERRORS as error:
            raise MemberError(name, "damaged inside the archive") from error
        if len(data) > max_bytes:
            raise MemberError(name, f"over the limit of {max_bytes} bytes")
        return data

    def close(self) -> None:
        """Close the file."""
        self._zip.close()


def _name_of(info: zipfile.ZipInfo) -> str:
    """Return a member's name, in UTF-8 also where the archive does not say that it is.

    Many programs write UTF-8 and leave out the flag, so that Python reads the bytes as code page
    437. Hardly any other text is UTF-8 by chance. A name that follows in a field of its own, as
    Info-ZIP writes it, goes first.
    """
    if info.flag_bits & _UTF8 or info.filename.isascii():
        return info.filename
    try:
        stored = info.orig_filename.encode("cp437")
        return (_unicode_path(info.extra, stored) or stored).decode()
    except UnicodeError:
        return info.filename


def _unicode_path(extra: bytes, stored: bytes) -> bytes | None:
    """Return the name in the field "Info-ZIP Unicode Path", if it is of the name as stored."""
    while len(extra) >= _FIELD_HEADER.size:
        kind, size = _FIELD_HEADER.unpack_from(extra)
        field = extra[_FIELD_HEADER.size : _FIELD_HEADER.size + size]
        if kind == _UNICODE_PATH and len(field) > _PATH_HEADER.size:
            version, checksum = _PATH_HEADER.unpack_from(field)
            if version == 1 and checksum == zlib.crc32(stored):
                return field[_PATH_HEADER.size :]
        extra = extra[_FIELD_HEADER.size + size :]
    return None
