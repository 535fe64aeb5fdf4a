"""The samples behind the pictures of an export, which has names of its own for them."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import pyarrow as pa
from pyarrow import parquet

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

__all__ = ["exported_pictures"]

_MANIFEST = "manifest.parquet"
_LEVELS = 3


def exported_pictures(place: Path, samples: Sequence[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Return samples by where an export put their pictures, if annotations lie in an export.

    Pictures of one name got others there, and these come back with the annotations.

    Args:
        place: the file or folder of annotations.
        samples: rows with a `sample_id`.
    """
    start = place.absolute()
    for folder in [start, *start.parents][: _LEVELS + 1]:
        manifest = folder / _MANIFEST
        if manifest.is_file():
            try:
                with manifest.open("rb") as stream:
                    table = parquet.read_table(stream, columns=["file", "sample_id"])
            except (OSError, pa.ArrowInvalid, KeyError):
                return {}  # it is of another tool
            known = {row["sample_id"]: row for row in samples}
            return {
                os.path.abspath(folder / file): known[name]  # noqa: PTH100 - links stay
                for file, name in zip(*(one.to_pylist() for one in table.columns), strict=True)
                if name in known
            }
    return {}
