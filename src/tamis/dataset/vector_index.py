"""The index of a vector column on disk: when it is built, and whether it covers a dataset."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from tamis.dataset.fragments import TableVersion

__all__ = ["INDEX_FROM", "IndexCover", "index_cover", "partitions_for", "with_index"]

INDEX_FROM: Final = 100_000
"""Rows from which an index is worth its room: below, comparing all takes some 50 milliseconds."""

_REBUILD_BELOW: Final = 0.5
_FEWEST_ROWS: Final = 256  # quantisation needs some to learn from


@dataclass(frozen=True)
class IndexCover:
    """How much of a vector column its index covers.

    Attributes:
        rows: that the index covers.
        total: rows of the dataset.
    """

    rows: int
    total: int


def index_cover(table: TableVersion, column: str) -> IndexCover | None:
    """Return what a column's index covers, or None where there is none."""
    rows = table.indexed_rows(column)
    return None if rows is None else IndexCover(rows, table.count())


def partitions_for(rows: int) -> int:
    """Return how many partitions an index of so many rows gets.

    >>> partitions_for(1_000_000)
    1000
    """
    return max(1, min(round(math.sqrt(rows)), rows // 64))


def with_index(table: TableVersion, column: str) -> TableVersion:
    """Return the table with an index of a column that covers all rows.

    A table of too few vectors to learn from is returned as it is.
    """
    filled = table.count(f"{column} IS NOT NULL")
    if filled < _FEWEST_ROWS:
        return table
    covered = table.indexed_rows(column)
    if covered is None or covered < _REBUILD_BELOW * table.count():
        return table.index_vectors(column, partitions_for(filled))
    return table.extend_index(column) if covered < table.count() else table
