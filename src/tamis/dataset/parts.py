"""Parts of pictures as samples of their own: boxes of a detection dataset, and tiles.

A part is a row like a picture's, with where it lies in which picture. A dataset has the columns
for that only once a part was added; a row whose `kind` is null is a whole picture.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

import pyarrow as pa

from tamis.images.box import Box
from tamis.images.picture_record import content_hash

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "BOX_COLUMNS",
    "PART_COLUMNS",
    "Box",
    "PartKind",
    "box_of",
    "part_id",
    "tile_boxes",
]

PartKind: TypeAlias = Literal["crop", "tile"]

BOX_COLUMNS: Final = ("box_x", "box_y", "box_width", "box_height")

PART_COLUMNS: Final = pa.schema(
    [
        pa.field("kind", pa.string()),
        pa.field("parent_id", pa.string()),
        *(pa.field(name, pa.int32()) for name in BOX_COLUMNS),
    ]
)
"""What a part has besides a picture's columns: its kind, its picture's `sample_id`, and its box in
pixels of the upright picture. All are null in rows of whole pictures."""

_OVERLAP: Final = 0.2


def box_of(row: Mapping[str, Any]) -> Box | None:
    """Return the box of a row that holds `BOX_COLUMNS`; None of a whole picture."""
    values = [row[name] for name in BOX_COLUMNS]
    return None if None in values else Box(*values)


def part_id(parent_id: str, kind: PartKind, box: Box, label: str | None) -> str:
    """Name a part by its picture and place, so that adding it twice adds it once."""
    return content_hash(f"{parent_id} {kind} {box} {label or ''}".encode())


def tile_boxes(width: int, height: int, count: int) -> list[Box]:
    """Return the `count` x `count` tiles of a picture, row by row, neighbours sharing 20 %.

    Tiles cover the picture. Of a picture that is smaller than that many pixels fewer are left.

    >>> [str(box) for box in tile_boxes(26, 10, 1)]
    ['0,0,26,10']
    >>> [box.x for box in tile_boxes(260, 260, 3)[:3]]
    [0, 80, 160]
    """
    columns, rows = _cuts(width, count), _cuts(height, count)
    return [Box(x, y, w, h) for y, h in rows for x, w in columns]


def _cuts(length: int, count: int) -> list[tuple[int, int]]:
    count = min(count, length)
    side = min(length, -(-length // (count - _OVERLAP * (count - 1)))) if count > 1 else length
    side = int(side)
    steps = max(count - 1, 1)
    starts = [round(number * (length - side) / steps) for number in range(count)]
    return [(start, side) for start in dict.fromkeys(starts)]
