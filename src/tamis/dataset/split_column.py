"""Which split each sample is in: by a column, or by the folders of its path."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pyarrow as pa

from tamis.errors import UsageError
from tamis.sources.split_names import folder_split

if TYPE_CHECKING:
    from tamis.dataset.store import Store

__all__ = ["FOLDERS", "split_names"]

FOLDERS: Final = "path"
"""The column that stands for the names of folders."""


def split_names(store: Store, column: str, ids: list[str]) -> list[str | None]:
    """Return the split of each sample; None where it has none.

    Args:
        store: the dataset.
        column: a column of text or whole numbers, or `path` for the folders that pictures lie in.
        ids: the samples.

    Raises:
        UsageError: the column is unknown, or holds what cannot name a split.
    """
    values = store.read([column], ids=ids).column(column)
    if column == FOLDERS:
        return [None if path is None else folder_split(path) for path in values.to_pylist()]
    kind = values.type
    if not (pa.types.is_string(kind) or pa.types.is_integer(kind) or pa.types.is_boolean(kind)):
        raise UsageError(
            f"{column!r} holds {kind}, which cannot name splits: name a column of text or whole "
            "numbers, or  path  for folders called train, val, test"
        )
    return [None if value is None else str(value) for value in values.to_pylist()]
