"""The marks of splits and folds, as they are read: by a column, or by the folders of a path."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import pyarrow as pa

from tamis.dataset.columns import Column
from tamis.dataset.samples import Kind, Samples
from tamis.errors import UsageError
from tamis.sources.split_names import folder_split

if TYPE_CHECKING:
    from tamis.dataset.store import Store

__all__ = ["FOLDERS", "Fold", "folds", "split_names"]

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


@dataclass(frozen=True)
class Fold:
    """One round of cross-validation.

    Attributes:
        number: of the fold that is held out, from 0.
        train: paths of the pictures of all other folds.
        held_out: paths of the pictures of this fold.
    """

    number: int
    train: list[str]
    held_out: list[str]


def folds(store: Store) -> list[Fold]:
    """Return the folds that `split` marked, pictures in the order of their sample ids.

    Raises:
        UsageError: no picture has a fold.
    """
    marked = Samples(store).of(kind=Kind.WHOLE).having(Column.FOLD)
    rows = marked.table(Column.PATH, Column.FOLD).to_pylist()
    if not rows:
        raise UsageError("no picture has a fold: divide the pictures into folds first")
    of = [(str(row["path"]), row["fold"]) for row in rows]
    return [
        Fold(
            number,
            train=[path for path, fold in of if fold != number],
            held_out=[path for path, fold in of if fold == number],
        )
        for number in sorted({int(str(fold)) for _, fold in of})
    ]
