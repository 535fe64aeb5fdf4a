"""Places to write to: a file or folder appears whole, or not at all."""

from __future__ import annotations

import os
import secrets
import shutil
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from tamis.dataset.storage import held_folder
from tamis.errors import ConflictError, StorageError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["new_file", "new_folder"]


@contextmanager
def new_folder(folder: Path, *, overwrite: bool = False, plan: str | None = None) -> Iterator[Path]:
    """Yield a folder beside `folder` that takes its place when the block ends well.

    An error in the block leaves nothing behind and what was there untouched. What a killed process
    wrote stays, hidden, and a later one with the same plan finds it in the folder it gets.

    Args:
        folder: absent or empty, unless `overwrite`.
        overwrite: whether a folder with content may be replaced, content and all.
        plan: letters and digits that only the same content has; None for an empty folder each time.

    Raises:
        UsageError: `folder` is a file, or has content and `overwrite` is not set.
        ConflictError: another process is at work on the same.
        StorageError: the disk is full or refuses.
    """
    folder = Path(os.path.realpath(folder))
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"{folder} is a file; name a folder that is empty or does not exist yet")
    occupied = folder.is_dir() and any(folder.iterdir())
    if occupied and not overwrite:
        raise UsageError(
            f"{folder} is not empty; name a folder that is empty or does not exist yet"
        )
    with _storage_errors(folder):
        folder.parent.mkdir(parents=True, exist_ok=True)
        draft = _beside(folder, "partial", plan)
        draft.mkdir(exist_ok=plan is not None)
        with _held(draft, folder):
            try:
                yield draft
                if occupied:
                    _swap(draft, folder)
                else:
                    draft.rename(folder)
            finally:
                shutil.rmtree(draft, ignore_errors=True)


@contextmanager
def new_file(path: Path, *, overwrite: bool = False) -> Iterator[Path]:
    """Yield a path beside `path`; what is written there takes its place when the block ends well.

    Raises:
        UsageError: `path` is a folder, or exists and `overwrite` is not set.
        StorageError: the disk is full or refuses.
    """
    path = Path(os.path.realpath(path))
    if path.is_dir():
        raise UsageError(f"{path} is a folder; name a file")
    if path.exists() and not overwrite:
        raise UsageError(f"{path} exists already; name another file, or ask for it to be replaced")
    with _storage_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = _beside(path, "partial")
        try:
            yield draft
            draft.replace(path)
        finally:
            draft.unlink(missing_ok=True)


def _swap(draft: Path, folder: Path) -> None:
    """Put `draft` in the place of `folder`, which goes only once its successor is there."""
    aside = _beside(folder, "replaced")
    folder.rename(aside)
    try:
        draft.rename(folder)
    except OSError:
        aside.rename(folder)
        raise
    shutil.rmtree(aside)


@contextmanager
def _held(draft: Path, folder: Path) -> Iterator[None]:
    """Keep other processes from writing to a draft; the death of this one frees it."""
    with held_folder(draft) as is_ours:
        if not is_ours:
            raise ConflictError(
                f"another process is writing the same export to {folder}; wait until it is done"
            )
        yield


def _beside(place: Path, role: str, plan: str | None = None) -> Path:
    """Return a hidden name in the same folder, hence on the same file system."""
    return place.parent / f".{place.name[:100]}.{role}-{plan or secrets.token_hex(4)}"


@contextmanager
def _storage_errors(place: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno is None:  # not the operating system's: no sentence of ours fits
            raise
        raise StorageError(
            f"{place} cannot be written: {error.strerror}; nothing half-written was left, "
            "make room or choose another place and run again"
        ) from error
