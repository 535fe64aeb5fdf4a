"""The folds of cross-validation, as lists that training code can use."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tamis.dataset.columns import Column
from tamis.dataset.samples import Kind, Samples
from tamis.errors import UsageError

if TYPE_CHECKING:
    from tamis.dataset.store import Store

__all__ = ["Fold", "folds"]


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
        raise UsageError("no picture has a fold: run  tamis split --folds K  first")
    of = [(str(row["path"]), row["fold"]) for row in rows]
    return [
        Fold(
            number,
            train=[path for path, fold in of if fold != number],
            held_out=[path for path, fold in of if fold == number],
        )
        for number in sorted({int(str(fold)) for _, fold in of})
    ]
