"""What a watched reference has seen, on disk: a snapshot, and what has come since."""

from __future__ import annotations

import os
import struct
import zlib
from threading import Lock
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from tamis.dataset.array_file import packed, unpacked
from tamis.dataset.durability import replace_file
from tamis.errors import InputError, StorageError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from numpy.typing import NDArray

__all__ = ["Journal"]

_HEAD: Final = struct.Struct("<QQI")
_LARGEST: Final = 4 << 20
_LONGEST_RECORD: Final = 1 << 30


class Journal:
    """A snapshot of arrays, and records that were appended after it.

    What is appended survives the death of the process at once, and a loss of power after `sync`;
    several threads that wait for that share one. A record
    that a killed process left unfinished is dropped. The records carry on the numbers of the
    snapshot, so that a crash between a new snapshot and the end of the old journal counts nothing
    twice.

    Args:
        path: of the snapshot; the journal lies beside it.

    Attributes:
        number: of the last record.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._beside = path.with_suffix(".journal")
        self.number = 0
        self._size = 0
        self._synced = 0
        self._syncing = Lock()

    @property
    def is_full(self) -> bool:
        """Whether it is time for a snapshot."""
        return self._size > _LARGEST

    def read(self) -> tuple[Mapping[str, NDArray[Any]] | None, list[bytes]]:
        """Return the snapshot, None if there is none, and the records after it.

        Raises:
            InputError: the snapshot is damaged.
            StorageError: the disk refuses.
        """
        arrays: dict[str, NDArray[Any]] | None
        try:
            arrays = unpacked(self._path)
            self.number = int(arrays.pop("number"))
        except FileNotFoundError:
            arrays = None
        except (ValueError, KeyError) as error:
            raise InputError(
                f"{self._path}, what was seen until now, is damaged: remove it to begin anew"
            ) from error
        records, end = [], 0
        data = self._beside.read_bytes() if self._beside.exists() else b""
        while end + _HEAD.size <= len(data):
            number, length, checksum = _HEAD.unpack_from(data, end)
            payload = data[end + _HEAD.size : end + _HEAD.size + length]
            if length > _LONGEST_RECORD or zlib.crc32(payload) != checksum:
                break
            end += _HEAD.size + length
            if number > self.number:
                records.append(payload)
                self.number = number
        self._size = end
        if end < len(data):
            with self._beside.open("r+b") as file:
                file.truncate(end)
        return arrays, records

    def append(self, *records: bytes) -> None:
        """Add records, all or none of which are read again.

        Raises:
            StorageError: the disk refuses; nothing was added.
        """
        numbers = range(self.number + 1, self.number + 1 + len(records))
        written = b"".join(
            _HEAD.pack(number, len(one), zlib.crc32(one)) + one
            for number, one in zip(numbers, records, strict=True)
        )
        try:
            with self._beside.open("ab") as file:
                try:
                    file.write(written)
                    file.flush()
                except OSError:
                    file.truncate(self._size)
                    raise
        except OSError as error:
            raise self._refused(error) from error
        self.number += len(records)
        self._size += len(written)

    def sync(self, number: int) -> None:
        """Wait until a record would survive a loss of power; other threads may append meanwhile.

        Raises:
            StorageError: the disk refuses.
        """
        with self._syncing:
            if self._synced >= number:
                return
            last = self.number
            try:
                with self._beside.open("ab") as file:
                    os.fsync(file.fileno())
            except OSError as error:
                raise self._refused(error) from error
            self._synced = last

    def snapshot(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Replace all there is by arrays that hold what the records made.

        Raises:
            StorageError: the disk refuses; what was there stays.
        """
        with self._syncing:
            replace_file(self._path, packed({**arrays, "number": np.array(self.number)}))
            self._beside.unlink(missing_ok=True)
            self._size, self._synced = 0, self.number

    def _refused(self, error: OSError) -> StorageError:
        reason = (error.strerror or type(error).__name__).lower()
        return StorageError(f"cannot write {self._beside}: {reason}")
