"""The table `annotations`: what pictures show, one row for each object, class, caption or number.

A dataset has the table from its first annotation on. Positions are decimals in pixels of the
upright picture, from its upper left corner; the first pixel covers 0 to 1.
"""

from __future__ import annotations

from typing import Final

import pyarrow as pa

__all__ = ["ANNOTATIONS"]

ANNOTATIONS: Final = pa.schema(
    [
        pa.field("annotation_id", pa.string(), nullable=False),
        pa.field("sample_id", pa.string(), nullable=False),
        pa.field("layer", pa.string(), nullable=False),
        pa.field("kind", pa.string(), nullable=False),
        pa.field("label", pa.string()),
        pa.field("x", pa.float64()),
        pa.field("y", pa.float64()),
        pa.field("width", pa.float64()),
        pa.field("height", pa.float64()),
        pa.field("polygon", pa.list_(pa.list_(pa.float64()))),
        pa.field("mask", pa.string()),
        pa.field("keypoints", pa.list_(pa.float64())),
        pa.field("text", pa.string()),
        pa.field("value", pa.float64()),
        pa.field("confidence", pa.float64()),
        pa.field("crowd", pa.bool_()),
        pa.field("author", pa.string()),
        pa.field("time", pa.timestamp("us", tz="UTC"), nullable=False),
        pa.field("attributes", pa.string()),
        pa.field("source", pa.string()),
    ]
)
"""`x`, `y`, `width` and `height` are the box around an object, of every kind that has a place.
`polygon` is its outline as rings of x, y, x, y, …, of a rotated box one ring of four corners;
`mask` is a run-length code as COCO writes it, of the whole upright picture; `keypoints` are x, y
and visibility (0 absent, 1 hidden, 2 visible) of each point. `text` is a caption, `value` a number.
`attributes` and `source` are JSON objects: what tools say of an object beyond these columns, and
what the source called it, such as its id."""
