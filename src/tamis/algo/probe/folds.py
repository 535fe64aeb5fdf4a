"""Folds of labeled rows for cross-validation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from tamis.algo.splits import assign_splits

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tamis.types import Indices

__all__ = ["Fold", "deal_folds", "fold_numbers", "given_folds", "make_folds"]

_FOLDS: Final = 5


@dataclass(frozen=True)
class Fold:
    """Rows to fit on and rows to measure on.

    Attributes:
        fitted: rows to fit on.
        known: `[K']` the classes that they show, ascending; at least two.
        held_out: rows to measure on, of those classes.
    """

    fitted: Indices
    known: Indices
    held_out: Indices


def make_folds(
    classes: Indices, groups: Indices | None, rng: np.random.Generator
) -> Iterator[Fold]:
    """Yield five folds, each with its share of every class; fewer where there are fewer groups.

    A row is measured only where a row of another group shows its class.

    Args:
        classes: `[N]` class of each row.
        groups: `[N]` rows of one group, such as near-duplicates, are never in two folds; each row
            is its own if None.
        rng: breaks ties.
    """
    yield from given_folds(classes, fold_numbers(classes, groups, rng))


def fold_numbers(classes: Indices, groups: Indices | None, rng: np.random.Generator) -> Indices:
    """Return the number of the fold of each row, `[N]`, as `make_folds` draws them.

    All are -1 where there are fewer than two groups: nothing could be fitted and measured.
    """
    names = np.arange(len(classes)) if groups is None else groups
    folds = min(_FOLDS, np.unique(names).size)
    if folds < 2:  # noqa: PLR2004 - one part to fit on, one to measure on
        return np.full(len(classes), -1)
    return assign_splits(names, [classes], [1 / folds] * folds, rng=rng)


def deal_folds(classes: Indices, rng: np.random.Generator) -> Indices:
    """Return the number of the fold of each row, `[N]`, where no two rows belong together.

    The rows of each class are dealt out in turn, which balances as `fold_numbers` does in a
    fraction of the time. O(N log N).
    """
    shuffled = rng.permutation(classes.size)
    numbers = np.empty(classes.size, np.int64)
    numbers[shuffled[np.argsort(classes[shuffled], kind="stable")]] = (
        np.arange(classes.size) % _FOLDS
    )
    return numbers


def given_folds(classes: Indices, numbers: Indices) -> Iterator[Fold]:
    """Yield a fold for each number; rows of a negative one are fitted on in all of them.

    A row is measured only where a row that is fitted on shows its class.

    Args:
        classes: `[N]` class of each row.
        numbers: `[N]` number of the fold in which each row is measured.
    """
    for number in np.unique(numbers[numbers >= 0]):
        fitted, held_out = np.flatnonzero(numbers != number), np.flatnonzero(numbers == number)
        known = np.unique(classes[fitted])
        held_out = held_out[np.isin(classes[held_out], known)]
        if held_out.size and known.size > 1:
            yield Fold(fitted, known, held_out)
