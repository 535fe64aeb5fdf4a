"""Merging the small fragments that many small additions leave."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tamis.dataset.fragments import TableVersion

__all__ = ["merge_tail", "tail_to_merge"]

_MERGE_AT = 16
_CLASSES = ((1, 16), (16, 256), (256, 1024))


def merge_tail(table: TableVersion) -> TableVersion:
    """Merge small fragments at the table's end where enough of them have gathered.

    Only the end is touched: Lance puts merged fragments last, so that merging any others would
    change the order of rows.
    """
    fragments = table.fragments()
    count = tail_to_merge([fragment.rows for fragment in fragments])
    if not count:
        return table
    return table.merged(keep=[fragment.number for fragment in fragments[:-count]])


def tail_to_merge(rows: Sequence[int]) -> int:
    """How many of the last fragments to merge, given the rows of each; 0 for none.

    Fragments gather until 16 of one size class are there, and merging lifts them into the next
    class, so each row is rewritten about three times however small the additions are, and some 45
    small fragments exist at most. Those of 1,024 rows and more are left alone.

    Example:
        >>> tail_to_merge([4096] + [10] * 15), tail_to_merge([4096] + [10] * 16)
        (0, 16)
    """
    for low, high in _CLASSES:
        last_larger = max((i for i, n in enumerate(rows) if n >= high), default=-1)
        of_class = [i for i in range(last_larger + 1, len(rows)) if rows[i] >= low]
        if len(of_class) >= _MERGE_AT:
            return len(rows) - of_class[0]
    return 0
