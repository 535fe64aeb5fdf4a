"""Splits of parts of pictures: always those of their picture, so that nothing leaks through one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tamis.dataset.columns import Column
from tamis.dataset.samples import Kind, Samples

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tamis.dataset.store import Store

__all__ = ["TornPart", "inherited_splits", "torn_parts"]


@dataclass(frozen=True)
class TornPart:
    """A part that lies in another split than its picture, or than another part of it.

    Attributes:
        path: of the part.
        other: path of the picture, or of the other part where the picture has no split.
        splits: the split of each.
    """

    path: str
    other: str
    splits: tuple[str, str]


def inherited_splits(store: Store, splits: Mapping[str, str]) -> dict[str, str]:
    """Return, by sample id, the splits of the parts of some pictures.

    Args:
        store: the dataset.
        splits: the splits of pictures, by their sample id.
    """
    samples = Samples(store)
    if not samples.has(Column.PARENT_ID):
        return {}
    parts = samples.of(kind=Kind.ALL).having(Column.PARENT_ID).condition
    return {
        part: splits[parent]
        for batch in store.batches([Column.SAMPLE_ID, Column.PARENT_ID], parts)
        for part, parent in zip(*(column.to_pylist() for column in batch.columns), strict=True)
        if parent in splits
    }


def torn_parts(store: Store, column: str = "split") -> list[TornPart]:
    """Return the parts whose split is another than that of what they belong to.

    Only marks that were set by hand, or by an earlier version, can make one.

    Args:
        store: the dataset.
        column: the mark that names the split, a text or number.
    """
    samples = Samples(store)
    if not samples.has(Column.PARENT_ID):
        return []
    marked = samples.of(kind=Kind.ALL).having(column)
    rows = marked.having(Column.PARENT_ID).table(Column.PATH, Column.PARENT_ID, column)
    parts = [row | {"split": str(row[column])} for row in rows.to_pylist()]
    parents = {part["parent_id"] for part in parts}
    first: dict[str, tuple[str, str]] = {}
    whole = marked.lacking(Column.PARENT_ID).condition
    for batch in store.batches([Column.SAMPLE_ID, Column.PATH, column], whole):
        for row in batch.to_pylist():
            if row["sample_id"] in parents:
                first[row["sample_id"]] = (row["path"], str(row[column]))
    torn = []
    for part in parts:
        path, of = first.setdefault(part["parent_id"], (part["path"], part["split"]))
        if part["split"] != of:
            torn.append(TornPart(part["path"], path, (part["split"], of)))
    return torn
