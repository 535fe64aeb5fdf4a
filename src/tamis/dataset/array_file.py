"""Arrays as one file that NumPy reads, named by its content, with nothing executable in it."""

from __future__ import annotations

import hashlib
import io
import json
from typing import TYPE_CHECKING, Any

import numpy as np

from tamis.dataset.storage import LocalStorage
from tamis.dataset.storage_errors import storage_guard
from tamis.errors import InputError
from tamis.outside_arrays import read_arrays

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from numpy.typing import NDArray

__all__ = ["described", "name_by_content", "packed", "read_described", "unpacked", "write_content"]


def packed(arrays: Mapping[str, NDArray[Any]]) -> bytes:
    """Return the content of a file; the same arrays always give the same bytes."""
    content = io.BytesIO()
    named: Any = arrays
    np.savez_compressed(content, **named)
    return content.getvalue()


def described(about: Mapping[str, Any]) -> NDArray[Any]:
    """Return what a file says of itself as the array `about`, which `read_described` reads."""
    return np.array(json.dumps(about))


def read_described(
    path: Path, what: str, version: int, *, again: str
) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
    """Return the arrays of a file and what it says of itself, but for its `format`.

    Args:
        path: the file.
        what: it is of, such as "drift reference".
        version: the `format` that is read here.
        again: how to make such a file.

    Raises:
        InputError: there is none, it cannot be read, is damaged, something else, or of another
            format.
    """
    try:
        arrays = unpacked(path)
        about: dict[str, Any] = dict(json.loads(str(arrays["about"])))
    except FileNotFoundError:
        raise InputError(f"there is no {what} {path}: {again}") from None
    except OSError as error:
        raise InputError(f"cannot read the {what} {path}: {error.strerror}") from error
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise InputError(f"{path} is no {what}, or damaged: {again}") from error
    if about.pop("format", None) != version:
        raise InputError(f"{path} was written by another version of tamis: {again}")
    return arrays, about


def name_by_content(content: bytes) -> str:
    """Return the name of a file with this content, so that another one never replaces it."""
    return f"{hashlib.blake2b(content, digest_size=8).hexdigest()}.npz"


def write_content(path: Path, content: bytes) -> int:
    """Write a file, whole or not at all, and return its bytes; folders above it are made.

    Raises:
        StorageError: the disk refuses.
    """
    with storage_guard(path, "write"):
        path.parent.mkdir(parents=True, exist_ok=True)
        LocalStorage(path.parent).put(path.name, content)
    return len(content)


def unpacked(path: Path) -> dict[str, NDArray[Any]]:
    """Return the arrays of a file.

    Raises:
        OSError: the file cannot be read, or there is none.
        ValueError: it holds no arrays, or is damaged.
    """
    content = path.read_bytes()
    try:
        return read_arrays(content)
    except ValueError as error:
        raise ValueError(f"{path} holds no arrays") from error
