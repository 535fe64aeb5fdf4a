"""The labels of samples, one or several each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from tamis.dataset.columns import Column, equal, known
from tamis.dataset.conditions import all_of
from tamis.dataset.samples import Kind, Samples
from tamis.errors import UsageError

if TYPE_CHECKING:
    from scipy.sparse import csr_array

    from tamis.dataset.store import Store

__all__ = ["LabelSets", "classes_in", "label_sets"]


@dataclass(frozen=True)
class LabelSets:
    """Which sample has which labels.

    Attributes:
        names: `[L]` the labels, sorted.
        of: sparse `[N, L]`, 1 where a sample has a label.
        from_parts: samples have the labels of their parts, since none has one of its own.
    """

    names: list[str]
    of: csr_array
    from_parts: bool = False


def label_sets(
    store: Store, column: str, ids: list[str], delimiter: str | None = None
) -> LabelSets:
    """Read the labels of samples from a column of texts, numbers or lists of them.

    Where the column is `label` and no sample has one but parts of them have (boxes of a detection
    dataset), a sample has all labels of its parts. O(N log N).

    Args:
        store: the dataset.
        column: of labels.
        ids: the samples.
        delimiter: what separates several labels in one text; None if each text is one label.

    Raises:
        UsageError: the column is unknown or holds no labels, or the delimiter is empty.
    """
    if delimiter == "":
        raise UsageError("the delimiter between labels is empty: give one such as ;")
    values = store.read([column], ids=ids).column(column)
    listed = pa.types.is_list(values.type) or pa.types.is_large_list(values.type)
    one = values.type.value_type if listed else values.type
    if pa.types.is_nested(one) or pa.types.is_floating(one) or pa.types.is_large_binary(one):
        raise UsageError(
            f"{column!r} holds {values.type}, which are no labels: name a column of texts, whole "
            "numbers, or lists of them"
        )
    each: list[list[str]] = [
        _labels(value if listed else [value], delimiter) for value in values.to_pylist()
    ]
    from_parts = False
    if column == "label" and not any(each):
        of_parts = _labels_of_parts(store)
        from_parts = any(name in of_parts for name in ids)
        each = [sorted(of_parts.get(name, ())) for name in ids]
    names = sorted({label for labels in each for label in labels})
    number = {name: place for place, name in enumerate(names)}
    rows = np.repeat(np.arange(len(each)), [len(labels) for labels in each])
    columns = np.array([number[label] for labels in each for label in labels], np.int64)
    ones = np.ones(rows.size, np.int64)
    from scipy.sparse import csr_array  # the page reads conditions here, and no labels

    return LabelSets(names, csr_array((ones, (rows, columns)), (len(ids), len(names))), from_parts)


def _labels(values: list[object] | None, delimiter: str | None) -> list[str]:
    texts = [str(value) for value in values or [] if value is not None]
    if delimiter is not None:
        texts = [part for text in texts for part in text.split(delimiter)]
    return sorted({text.strip() for text in texts} - {""})


def _labels_of_parts(store: Store) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    samples = Samples(store)
    if samples.has(Column.PARENT_ID):
        parts = samples.of(kind=Kind.ALL).having(Column.PARENT_ID).having(Column.LABEL)
        for batch in store.batches([Column.PARENT_ID, Column.LABEL], parts.condition):
            for parent, label in zip(*(c.to_pylist() for c in batch.columns), strict=True):
                found.setdefault(parent, set()).add(label)
    return found


def classes_in(layer: str) -> str:
    """Return the condition on annotations that they are classes of pictures in a layer.

    >>> classes_in("truth")
    "(`layer` = 'truth') AND (`kind` = 'classification') AND (`label` IS NOT NULL)"
    """
    conditions = equal("layer", layer), equal("kind", "classification"), known("label")
    return str(all_of(*conditions))
