"""Pictures in a zip archive."""

from __future__ import annotations

import threading
import zipfile
import zlib
from lzma import LZMAError
from typing import TYPE_CHECKING

from tamis.data.sources.archive_base import (
    ArchiveError,
    MemberError,
    MissingMemberError,
    is_picture_member,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["ZipArchive"]

_ENCRYPTED = 0x1
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

    Raises:
        ArchiveError: there is no readable table of contents.
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
            if info.is_dir() or not is_picture_member(info.filename):
                continue
            if self._by_name.setdefault(info.filename, info) is not info:
                self._repeated.append(info.filename)

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
