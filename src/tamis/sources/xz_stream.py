"""The unrolled bytes of an xz file, in bounded memory.

An xz file states how much memory it takes to unroll, up to 4 GB, and `lzma.open` gives it that.
"""

from __future__ import annotations

import io
import lzma
import os
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

__all__ = ["MAX_XZ_MEMORY", "open_xz"]

MAX_XZ_MEMORY = 256 << 20
"""Bytes; xz at its highest level takes 65 MB."""

_CHUNK = 64 << 10


def open_xz(path: str) -> io.BufferedReader:
    """Open an xz file for reading.

    Reading raises `LZMAError` where it is damaged or asks for over 256 MB of memory, and
    `EOFError` where it is cut short. Going back starts over.
    """
    return io.BufferedReader(_XzStream(path), _CHUNK)


class _XzStream(io.RawIOBase):
    def __init__(self, path: str) -> None:
        self._file = Path(path).open("rb")  # noqa: SIM115 - close() is ours
        self._rewind()

    def _rewind(self) -> None:
        self._file.seek(0)
        self._at = 0
        self._decompressor = _new_decompressor()

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def close(self) -> None:
        self._file.close()
        super().close()

    def readinto(self, buffer: WriteableBuffer) -> int:
        view = memoryview(buffer)
        data = self._some(view.nbytes)
        view[: len(data)] = data
        return len(data)

    def _some(self, most: int) -> bytes:
        data = b""
        while not data and most:
            packed = b""
            if self._decompressor.eof:
                # Another stream may follow, after zeros.
                packed = self._decompressor.unused_data.lstrip(b"\0")
                packed = packed or self._file.read(_CHUNK).lstrip(b"\0")
                if not packed:
                    break
                self._decompressor = _new_decompressor()
            elif self._decompressor.needs_input:
                packed = self._file.read(_CHUNK)
                if not packed:
                    raise EOFError("the xz file is cut short")
            data = self._decompressor.decompress(packed, most)
        self._at += len(data)
        return data

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        if whence == os.SEEK_CUR:
            offset += self._at
        elif whence != os.SEEK_SET:
            raise io.UnsupportedOperation("an xz file does not tell where it ends")
        if offset < self._at:
            self._rewind()
        while self._at < offset and self._some(min(offset - self._at, _CHUNK)):
            pass
        return self._at


def _new_decompressor() -> lzma.LZMADecompressor:
    return lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=MAX_XZ_MEMORY)
