"""Checksums of a dataset's files, by which a bit that flips later is found; Lance keeps none."""

from __future__ import annotations

import hashlib
import json
import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from tamis.dataset.storage import Storage

__all__ = ["Checksums", "checksum", "file_checksum", "sums_of"]

_BLOCK: Final = 1 << 20
_NAME: Final = re.compile(r"([0-9]{8,18})\.json")


def checksum(data: bytes) -> str:
    """Return the SHA-256 of some bytes, in hexadecimal."""
    return hashlib.sha256(data).hexdigest()


def file_checksum(file: Path) -> str:
    """Return the SHA-256 of a file, in hexadecimal; about a second a gigabyte, in 1 MB of memory.

    Raises:
        OSError: it cannot be read.
    """
    digest = hashlib.sha256()
    with file.open("rb") as stream:
        while block := stream.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()


class Checksums:
    """What each file was like when a snapshot was made; one small file a snapshot.

    It is written before the snapshot, so that all that a snapshot names has its checksum. One that
    a killed writer left is written anew by the next.

    Args:
        storage: where they are kept.
    """

    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    def record(self, snapshot: int, sums: Mapping[str, str]) -> None:
        """Keep the checksums of the files that come with a snapshot.

        Args:
            snapshot: its number.
            sums: by path within the dataset.

        Raises:
            OSError: the disk refuses.
        """
        data = json.dumps(dict(sorted(sums.items())), indent=0).encode()
        self._storage.put(f"{snapshot:08d}.json", data)

    def of(self, snapshot: int) -> dict[str, str] | None:
        """Return what was kept with a snapshot; None if nothing was, or it is damaged.

        Raises:
            OSError: the disk refuses.
        """
        try:
            told = json.loads(self._storage.read(f"{snapshot:08d}.json"))
        except (FileNotFoundError, ValueError, RecursionError):
            return None
        return dict(told) if _is_record(told) else None

    def unused(self, newest: int) -> list[str]:
        """Return the keys of what killed writers left: records of snapshots after the newest."""
        names = self._storage.names()
        return [name for name in names if (told := _NAME.fullmatch(name)) and int(told[1]) > newest]

    def known(self) -> tuple[dict[str, str], list[str]]:
        """Return all checksums by path, and the records that are damaged.

        Raises:
            OSError: the disk refuses.
        """
        sums: dict[str, str] = {}
        damaged = []
        for name in self._storage.names():
            try:
                told = json.loads(self._storage.read(name))
                if not _is_record(told):
                    raise ValueError(name)  # noqa: TRY301 - one way to say that it is no record
            except (ValueError, RecursionError):
                damaged.append(f"{self._storage.place}/{name}")
                continue
            sums |= told
        return sums, damaged


def _is_record(told: object) -> bool:
    return isinstance(told, dict) and all(isinstance(value, str) for value in told.values())


def sums_of(root: Path, files: Iterable[Path]) -> dict[str, str]:
    """Return the checksums of files by their path within a dataset."""
    return {file.relative_to(root).as_posix(): file_checksum(file) for file in files}
