"""Arrays from outside: NumPy's own files, read from memory, with nothing executable in them."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["read_array", "read_arrays"]


def read_arrays(content: bytes) -> dict[str, NDArray[Any]]:
    r"""Return the arrays of an `.npz` file by name.

    Raises:
        ValueError: it holds none, or is damaged.

    >>> read_arrays(b"PK\x03\x04 and no more")
    Traceback (most recent call last):
    ValueError: no arrays, or damaged: File is not a zip file
    """
    stored: Any
    try:
        # what is no archive has no `files`; NumPy leaves a damaged file open
        with np.load(io.BytesIO(content), allow_pickle=False) as stored:
            return {name: np.asarray(stored[name]) for name in stored.files}
    except Exception as error:
        raise _damaged(error) from error


def read_array(content: bytes) -> NDArray[Any]:
    """Return the array of an `.npy` file.

    Raises:
        ValueError: it holds none, or is damaged.
    """
    try:
        found = np.load(io.BytesIO(content), allow_pickle=False)
    except Exception as error:
        raise _damaged(error) from error
    if not isinstance(found, np.ndarray):
        found.close()
        raise ValueError("no array, but an archive of arrays")  # noqa: TRY004 - the content's fault
    return found


def _damaged(error: Exception) -> ValueError:
    # from memory nothing fails but by the content, and that in a dozen ways: of zipfile, zlib,
    # tokenize, and of arrays that are said to be larger than any memory
    return ValueError(f"no arrays, or damaged: {error}")
