"""Every column of the `samples` table by name, and the conditions that code builds over them."""

from __future__ import annotations

import math
from datetime import date, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Final

import pyarrow as pa

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = [
    "MARK_TYPES",
    "NAMING_COLUMNS",
    "NOTHING",
    "Column",
    "between",
    "equal",
    "known",
    "list_has",
    "mentions",
    "one_of",
    "unknown",
]


class Column(StrEnum):
    """A column of `samples`; vector columns and marks that users make have names of their own.

    Those from `KIND` on come with the verb that needs them, so a dataset may lack them.
    """

    SAMPLE_ID = "sample_id"
    PATH = "path"
    URI = "uri"
    SOURCE = "source"
    WIDTH = "width"
    HEIGHT = "height"
    FORMAT = "format"
    BYTES = "bytes"
    CONTENT_HASH = "content_hash"
    PHASH = "phash"
    THUMBNAIL = "thumbnail"
    SHARPNESS = "sharpness"
    BRIGHTNESS = "brightness"
    CONTRAST = "contrast"
    ENTROPY = "entropy"
    CAPTURED_AT = "captured_at"
    LATITUDE = "latitude"
    LONGITUDE = "longitude"
    ORIENTATION = "orientation"
    CAMERA = "camera"
    ADDED_AT = "added_at"
    LABEL = "label"
    TAGS = "tags"
    SPLIT = "split"
    # parts of pictures
    KIND = "kind"
    PARENT_ID = "parent_id"
    BOX_X = "box_x"
    BOX_Y = "box_y"
    BOX_WIDTH = "box_width"
    BOX_HEIGHT = "box_height"
    # frames of videos
    VIDEO = "video"
    FRAME = "frame"
    SECONDS = "seconds"
    # objects at stores
    OBJECT_STATE = "object_state"
    # duplicates
    DUPLICATE_OF = "duplicate_of"
    DUPLICATE_SCORE = "duplicate_score"
    DUPLICATE_KIND = "duplicate_kind"
    DUPLICATE_GROUP = "duplicate_group"
    CHANGED_GROUP = "changed_group"
    # selection and splits
    SELECTED = "selected"
    SELECTED_RANK = "selected_rank"
    SELECTED_REASON = "selected_reason"
    REPRESENTATIVENESS = "representativeness"
    UNIQUENESS = "uniqueness"
    NEIGHBOR_DISTANCE = "neighbor_distance"
    MAHALANOBIS = "mahalanobis"
    FOLD = "fold"
    # clusters
    CLUSTER = "cluster"


MARK_TYPES: Final[dict[Column, pa.DataType]] = {
    Column.DUPLICATE_OF: pa.string(),
    Column.DUPLICATE_SCORE: pa.float32(),
    Column.DUPLICATE_KIND: pa.string(),
    Column.DUPLICATE_GROUP: pa.string(),
    Column.CHANGED_GROUP: pa.string(),
    Column.SELECTED: pa.bool_(),
    Column.SELECTED_RANK: pa.int32(),
    Column.SELECTED_REASON: pa.string(),
    Column.REPRESENTATIVENESS: pa.float32(),
    Column.UNIQUENESS: pa.float32(),
    Column.NEIGHBOR_DISTANCE: pa.float32(),
    Column.MAHALANOBIS: pa.float32(),
    Column.FOLD: pa.int32(),
    Column.CLUSTER: pa.int32(),
}
"""Types of the marks that verbs add, for code that reads one before it exists."""

NAMING_COLUMNS: Final = frozenset(
    {
        Column.SAMPLE_ID,
        Column.URI,
        Column.PATH,
        Column.CONTENT_HASH,
        Column.PHASH,
        Column.PARENT_ID,
        Column.DUPLICATE_OF,
        Column.DUPLICATE_GROUP,
        Column.CHANGED_GROUP,
        Column.SELECTED_REASON,
    }
)
"""Columns that name a row or its group, so that they say nothing of pictures in general."""

NOTHING: Final = "`sample_id` IS NULL"
"""The condition that no sample meets: `sample_id` is never null."""


def known(column: str) -> str:
    """Return the condition that a column holds a value.

    >>> known(Column.LABEL)
    '`label` IS NOT NULL'
    """
    return f"{_name(column)} IS NOT NULL"


def unknown(column: str) -> str:
    """Return the condition that a column holds no value.

    >>> unknown(Column.DUPLICATE_OF)
    '`duplicate_of` IS NULL'
    """
    return f"{_name(column)} IS NULL"


def equal(column: str, value: str | float | bool | date) -> str:
    """Return the condition that a column holds a value; texts may hold anything, quotes too.

    >>> equal(Column.LABEL, "cat's eye"), equal(Column.SELECTED, True)
    ("`label` = 'cat''s eye'", '`selected` = TRUE')
    """
    return f"{_name(column)} = {_literal(value)}"


def one_of(column: str, values: Iterable[str | float | bool | date]) -> str:
    """Return the condition that a column holds one of some values; with none, it is never met.

    >>> one_of(Column.SPLIT, ["train", "val"]), one_of(Column.SPLIT, [])
    ("`split` IN ('train', 'val')", '`sample_id` IS NULL')
    """
    literals = [_literal(value) for value in values]
    return f"{_name(column)} IN ({', '.join(literals)})" if literals else NOTHING


def between(
    column: str,
    low: float | date | None = None,
    high: float | date | None = None,
    *,
    below: bool = False,
) -> str:
    """Return the condition that a column's value lies between two, both included.

    Args:
        column: of numbers or times.
        low: the least; None for no bound.
        high: the greatest; None for no bound.
        below: leave `high` itself out.

    >>> between(Column.WIDTH, 64, 512, below=True), between(Column.SECONDS, low=2.5)
    ('(`width` >= 64 AND `width` < 512)', '(`seconds` >= 2.5)')
    >>> between(Column.WIDTH)
    '`width` IS NOT NULL'
    """
    parts = [] if low is None else [f"{_name(column)} >= {_literal(low)}"]
    if high is not None:
        parts.append(f"{_name(column)} {'<' if below else '<='} {_literal(high)}")
    return f"({' AND '.join(parts)})" if parts else known(column)


def list_has(column: str, value: str) -> str:
    """Return the condition that a column's list contains a value.

    >>> list_has(Column.TAGS, "rusty")
    "array_has(`tags`, 'rusty')"
    """
    return f"array_has({_name(column)}, {_literal(value)})"


def mentions(column: str, text: str) -> str:
    """Return the condition that a column's text contains another, ignoring case.

    >>> mentions(Column.PATH, "IMG_")
    "contains(lower(`path`), 'img_')"
    """
    return f"contains(lower({_name(column)}), {_literal(text.lower())})"


def _name(column: str) -> str:
    if "`" in column:
        raise ValueError(f"{column!r} names no column")
    return f"`{column}`"


def _literal(value: str | float | bool | date) -> str:
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, str):
        quoted = value.replace("'", "''")
        return f"'{quoted}'"
    if isinstance(value, datetime):
        return f"TIMESTAMP '{value.isoformat(sep=' ')}'"
    if isinstance(value, date):
        return f"DATE '{value.isoformat()}'"
    if not math.isfinite(value):
        raise ValueError(f"{value} cannot be compared with in a condition")
    return repr(value)
