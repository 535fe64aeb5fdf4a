"""Slices of an evaluation: the pictures with each value of a column."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tamis.dataset.columns import Column
from tamis.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from tamis.dataset.samples import SampleSet

__all__ = ["slices_of"]

_MOST_VALUES: Final = 20
_PARTS: Final = 4
_NAMES: Final = (Column.CLUSTER, Column.FOLD)
"""Columns whose numbers are names."""


def slices_of(samples: SampleSet, column: str) -> Iterator[tuple[str | None, NDArray[np.bool_]]]:
    """Yield each value of a column as text, None where it is empty, and which pictures have it.

    Pictures with a list, such as tags, are in the slice of each of its values. Numbers and times
    of more than 20 different values are cut into quarters of about equal size.

    Args:
        samples: the pictures.
        column: its name.

    Raises:
        UsageError: there is no such column, or it holds nothing that could be a slice.
    """
    values = samples.column(column).combine_chunks()
    if pa.types.is_list(values.type):
        yield from _listed(values)
        return
    if pa.types.is_nested(values.type) or pa.types.is_large_binary(values.type):
        raise UsageError(f"{column!r} holds {values.type}, which makes no slices")
    kind = values.type
    ordered = (
        pa.types.is_temporal(kind) or pa.types.is_floating(kind) or pa.types.is_integer(kind)
    ) and column not in _NAMES
    if ordered and pc.count_distinct(values).as_py() > _MOST_VALUES:
        yield from _quarters(values)
        return
    texts = values.cast(pa.string())
    for value in sorted(set(texts.to_pylist()), key=lambda text: (text is None, text)):
        inside = texts.is_null() if value is None else pc.equal(texts, value).fill_null(False)  # noqa: FBT003
        yield value, inside.to_numpy(zero_copy_only=False)


def _listed(values: pa.ListArray) -> Iterator[tuple[str | None, NDArray[np.bool_]]]:
    parents = pc.list_parent_indices(values).to_numpy()
    texts = np.asarray(pc.list_flatten(values).cast(pa.string()).to_pylist(), object)
    for value in sorted({text for text in texts if text is not None}):
        inside = np.zeros(len(values), bool)
        inside[parents[texts == value]] = True
        yield value, inside
    empty = np.ones(len(values), bool)
    empty[parents] = False
    if empty.any():
        yield None, empty


def _quarters(values: pa.Array) -> Iterator[tuple[str | None, NDArray[np.bool_]]]:
    there = values.is_valid().to_numpy(zero_copy_only=False)
    order = np.asarray(pc.sort_indices(values))[: int(there.sum())]
    ranked = values.take(pa.array(order))
    # equal values stay together: the first of each fixes the part
    first = pc.index_in(ranked, value_set=ranked.unique())
    start = np.searchsorted(np.asarray(first), np.asarray(first))
    part = start * _PARTS // len(order)
    for number in np.unique(part):
        rows = np.flatnonzero(part == number)
        inside = np.zeros(len(values), bool)
        inside[order[rows]] = True
        low, high = (_short(ranked[int(row)].as_py()) for row in (rows[0], rows[-1]))
        yield f"{low} to {high}", inside
    if not there.all():
        yield None, ~there


def _short(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
