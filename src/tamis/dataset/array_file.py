"""Arrays as the bytes of one file that NumPy reads, with nothing executable in it."""

from __future__ import annotations

import io
import zipfile
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from numpy.typing import NDArray

__all__ = ["packed", "unpacked"]


def packed(arrays: Mapping[str, NDArray[Any]]) -> bytes:
    """Return the content of a file; the same arrays always give the same bytes."""
    content = io.BytesIO()
    named: Any = arrays
    np.savez_compressed(content, **named)
    return content.getvalue()


def unpacked(path: Path) -> dict[str, NDArray[Any]]:
    """Return the arrays of a file.

    Raises:
        OSError: the file cannot be read, or there is none.
        ValueError: it holds no arrays, or is damaged.
    """
    content = path.read_bytes()
    try:
        # NumPy leaves a damaged file open
        with np.load(io.BytesIO(content), allow_pickle=False) as stored:
            return {name: stored[name] for name in stored.files}
    except (OSError, EOFError, AttributeError, zipfile.BadZipFile) as error:
        raise ValueError(f"{path} holds no arrays") from error
