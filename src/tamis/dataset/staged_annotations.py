"""Changes of annotations that wait for a checkpoint, and how they are written."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Protocol

import pyarrow as pa
import pyarrow.compute as pc

from tamis.dataset.annotation_columns import ANNOTATIONS
from tamis.dataset.compaction import merge_tail
from tamis.dataset.conditions import checked_condition
from tamis.dataset.fresh_annotations import fresh_rows
from tamis.dataset.layout import create_table
from tamis.dataset.schema import conform_rows
from tamis.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import numpy as np
    from numpy.typing import NDArray

    from tamis.dataset.fragments import TableVersion
    from tamis.dataset.layout import Layout
    from tamis.dataset.sample_keys import SampleKeys

__all__ = ["Batches", "StagedAnnotations", "WrittenAnnotations", "write_annotations"]

_ID: Final = "annotation_id"
_ROWS_PER_FRAGMENT = 1 << 17
_IDS_AT_ONCE = 5000


class Batches(Protocol):
    """Rows that can be read as often as needed, without being held."""

    def batches(self) -> Iterable[pa.RecordBatch]:
        """Yield the rows in their order."""


@dataclass(frozen=True)
class _Table:
    rows: pa.Table

    def batches(self) -> Iterable[pa.RecordBatch]:
        yield from self.rows.to_batches()


@dataclass
class StagedAnnotations:
    """What an operation wants written to `annotations` at its next checkpoint.

    Attributes:
        removed: conditions of rows to remove, which happens first.
        rows: new annotations; those whose id the table has are left out.
    """

    removed: list[str] = field(default_factory=list)
    rows: list[Batches] = field(default_factory=list)

    def add(self, rows: pa.Table | Batches) -> None:
        """Stage new annotations, as a table or as batches that have the table's own columns.

        Raises:
            UsageError: a column is unknown, has another type, or a required one is missing.
        """
        if isinstance(rows, pa.Table):
            rows = _Table(conform_rows(rows, ANNOTATIONS))
        self.rows.append(rows)

    def batches(self) -> Iterator[pa.RecordBatch]:
        """Yield the new annotations, in the order in which they were staged."""
        for rows in self.rows:
            yield from rows.batches()

    def remove(self, layer: str, sample_ids: pa.Array | None, kind: str | None) -> None:
        """Stage the removal of a layer's annotations, of some samples or of all, of one kind."""
        condition = f"layer = '{layer}'" + ("" if kind is None else f" AND kind = '{kind}'")
        if sample_ids is None:
            self.removed.append(condition)
            return
        for start in range(0, len(sample_ids), _IDS_AT_ONCE):
            quoted = ", ".join(
                "'" + name.replace("'", "''") + "'"
                for name in sample_ids.slice(start, _IDS_AT_ONCE).to_pylist()
            )
            self.removed.append(f"{condition} AND sample_id IN ({quoted})")

    def remove_meeting(self, condition: str) -> None:
        """Stage the removal of annotations that meet a condition.

        Raises:
            UsageError: it is none.
        """
        self.removed.append(str(checked_condition(condition, ANNOTATIONS.names)))


@dataclass(frozen=True)
class WrittenAnnotations:
    """A new version of `annotations`, None where there is no table, and what changed in rows."""

    table: TableVersion | None
    added: int = 0
    known: int = 0
    removed: int = 0

    def count(self, counts: dict[str, Any]) -> None:
        """Add the rows to an operation's counts, those that are not 0 or stand there already."""
        for name, rows in (
            ("annotations", self.added),
            ("annotations_known", self.known),
            ("annotations_removed", self.removed),
        ):
            if rows or name in counts:
                counts[name] = counts.get(name, 0) + rows


def write_annotations(
    layout: Layout, table: TableVersion | None, keys: SampleKeys, staged: StagedAnnotations
) -> WrittenAnnotations:
    """Write staged changes; the caller holds the writer lock.

    Args:
        layout: the dataset.
        table: the present version; None if there is none, and one is made for the first row.
        keys: the samples, those of this checkpoint included.
        staged: the changes.

    Raises:
        UsageError: an annotation is of a sample that is not in the dataset.
    """
    before = 0 if table is None else table.count()
    if table is not None:
        for condition in staged.removed:
            table = table.without(condition)
    left = 0 if table is None else table.count()
    named = [pc.unique(batch.column("sample_id")) for batch in staged.batches()]
    if not named:
        return WrittenAnnotations(table, removed=before - left)
    _require_samples(keys, pc.unique(pa.chunked_array(named)))
    new = (batch.column(_ID) for batch in staged.batches())
    stored = () if table is None else (batch.column(_ID) for batch in table.batches([_ID]))
    fresh = fresh_rows(new, stored)
    count = int(fresh.sum())
    if count:
        base = create_table(layout, "annotations") if table is None else merge_tail(table)
        columns = {name for batch in staged.batches() for name in batch.schema.names}
        schema = pa.schema([one for one in ANNOTATIONS if one.name in columns])
        rows = pa.RecordBatchReader.from_batches(schema, _rows(staged, fresh, schema))
        table = base.append(rows, rows_per_fragment=_ROWS_PER_FRAGMENT)
    return WrittenAnnotations(table, count, len(fresh) - count, before - left)


def _rows(
    staged: StagedAnnotations, fresh: NDArray[np.bool_], schema: pa.Schema
) -> Iterator[pa.RecordBatch]:
    """Yield the fresh rows, with all columns of the schema."""
    start = 0
    for batch in staged.batches():
        kept = fresh[start : start + len(batch)]
        start += len(batch)
        rows = batch if kept.all() else batch.filter(pa.array(kept))
        there = set(rows.schema.names)
        arrays = [
            rows.column(one.name) if one.name in there else pa.nulls(len(rows), one.type)
            for one in schema
        ]
        if len(rows):
            yield pa.RecordBatch.from_arrays(arrays, schema=schema)


def _require_samples(keys: SampleKeys, named: pa.Array) -> None:
    absent = named.filter(keys.missing(named))
    if len(absent):
        raise UsageError(
            f"{len(absent)} of {len(named)} annotated samples are not in the dataset, e.g. "
            f"{absent[0].as_py()!r}"
        )
