"""Which split each sample is in: by a column, or by the folders of its path."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import pyarrow as pa

from tamis.errors import UsageError

if TYPE_CHECKING:
    from tamis.data.store import Store

__all__ = ["FOLDERS", "folder_split", "split_names", "split_order"]

FOLDERS: Final = "path"
"""The column that stands for the names of folders."""

_USUAL = ("train", "val", "test")
_FOLDER_NAMES: Final = {
    "train": "train",
    "training": "train",
    "val": "val",
    "valid": "val",
    "validation": "val",
    "dev": "val",
    "test": "test",
    "testing": "test",
}
_BETWEEN = re.compile(r"[/\\]")


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


def folder_split(path: str) -> str | None:
    """Return the split that a folder of a path names, the innermost that does.

    >>> folder_split("shop/Validation/hats/7.jpg"), folder_split("train.jpg")
    ('val', None)
    """
    folders = _BETWEEN.split(path)[:-1]
    named = [_FOLDER_NAMES[name.lower()] for name in folders if name.lower() in _FOLDER_NAMES]
    return named[-1] if named else None


def split_order(names: set[str]) -> list[str]:
    """Return names of splits in their usual order: train, val, test, numbers, others.

    >>> split_order({"test", "10", "2", "train", "extra"})
    ['train', 'test', '2', '10', 'extra']
    """

    def place(name: str) -> tuple[int, int, str]:
        if name in _USUAL:
            return (0, _USUAL.index(name), name)
        return (1, int(name), name) if name.isdecimal() else (2, 0, name)

    return sorted(names, key=place)
