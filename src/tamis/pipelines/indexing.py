"""When vectors get an index for search."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tamis.data.vector_index import INDEX_FROM

if TYPE_CHECKING:
    from tamis.data.store import Store

__all__ = ["index_vectors", "is_index_worthwhile"]

_EXTEND_FROM_SHARE: Final = 0.05


def index_vectors(store: Store, column: str) -> tuple[int, int]:
    """Build a column's index, or let it take in the rows that it lacks.

    Returns:
        How many rows it covers, and how many there are. The first is 0 where there are too few
        vectors to learn an index from.

    Raises:
        UsageError: no such vector column.
        ConflictError: another writer was in the way.
    """
    with store.operation("index", params={"column": column}) as operation:
        operation.index_vectors(column)
    cover = store.index_cover(column)
    return (0, store.count()) if cover is None else (cover.rows, cover.total)


def is_index_worthwhile(store: Store, column: str, *, new: int) -> bool:
    """Tell whether a column's index should be built, or take in `new` rows beside older ones.

    Rows that the index lacks are found all the same, one by one: that costs time, not answers.
    """
    total = store.count()
    if total < INDEX_FROM or not new:
        return False
    cover = store.index_cover(column) if column in store.columns() else None
    lacking = total if cover is None else cover.total - cover.rows + new
    return lacking > _EXTEND_FROM_SHARE * total
