"""The columns that hold where pictures lie on the map of an encoder's vectors."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from tamis.dataset.schema import VectorColumn

__all__ = ["is_map_column", "map_columns"]

_NAME: Final = re.compile(r"map_[a-z0-9_]+_[xy]")


def map_columns(column: VectorColumn) -> tuple[str, str]:
    """Return the marks that hold how far across and how far up, float32 in [-1, 1].

    They are named by the vectors, so that a map never speaks of those of another encoder.
    """
    stem = "map_" + column.name.removeprefix("vector_")
    return f"{stem}_x", f"{stem}_y"


def is_map_column(name: str) -> bool:
    """Tell whether a column holds places on a map.

    >>> is_map_column("map_bundled_efficientnet_lite0_1a2b3c4d_x"), is_map_column("map_version")
    (True, False)
    """
    return _NAME.fullmatch(name) is not None
