"""Changes of annotations that wait for a checkpoint, and how they are written."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tamis.dataset.annotation_columns import ANNOTATIONS
from tamis.dataset.compaction import merge_tail
from tamis.dataset.conditions import checked_condition
from tamis.dataset.layout import create_table
from tamis.dataset.schema import conform_rows
from tamis.errors import UsageError

if TYPE_CHECKING:
    from tamis.dataset.fragments import TableVersion
    from tamis.dataset.layout import Layout
    from tamis.dataset.sample_keys import SampleKeys

__all__ = ["StagedAnnotations", "WrittenAnnotations", "write_annotations"]

_ROWS_PER_FRAGMENT = 1 << 17
_IDS_AT_ONCE = 5000


@dataclass
class StagedAnnotations:
    """What an operation wants written to `annotations` at its next checkpoint.

    Attributes:
        removed: conditions of rows to remove, which happens first.
        rows: new annotations; those whose id the table has are left out.
    """

    removed: list[str] = field(default_factory=list)
    rows: list[pa.Table] = field(default_factory=list)

    def add(self, rows: pa.Table) -> None:
        """Stage new annotations.

        Raises:
            UsageError: a column is unknown, has another type, or a required one is missing.
        """
        self.rows.append(conform_rows(rows, ANNOTATIONS))

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
    rows = pa.concat_tables(staged.rows, promote_options="default") if staged.rows else None
    if rows is None or not rows.num_rows:
        return WrittenAnnotations(table, removed=before - left)
    _require_samples(keys, rows)
    fresh = _fresh(table, rows)
    if fresh.num_rows:
        base = create_table(layout, "annotations") if table is None else merge_tail(table)
        table = base.append(fresh, rows_per_fragment=_ROWS_PER_FRAGMENT)
    known = rows.num_rows - fresh.num_rows
    return WrittenAnnotations(table, fresh.num_rows, known, before - left)


def _require_samples(keys: SampleKeys, rows: pa.Table) -> None:
    named = pc.unique(rows.column("sample_id"))
    absent = named.filter(keys.missing(named))
    if len(absent):
        raise UsageError(
            f"{len(absent)} of {len(named)} annotated samples are not in the dataset, e.g. "
            f"{absent[0].as_py()!r}"
        )


def _fresh(table: TableVersion | None, rows: pa.Table) -> pa.Table:
    """Return the rows whose annotation the table lacks, each once."""
    ids = rows.column("annotation_id").combine_chunks()
    codes = ids.dictionary_encode().indices.to_numpy()
    new = np.zeros(len(ids), bool)
    new[np.unique(codes, return_index=True)[1]] = True
    if table is not None:
        stored = table.read(["annotation_id"]).column("annotation_id")
        new &= ~pc.is_in(ids, value_set=stored.combine_chunks()).to_numpy(zero_copy_only=False)
    return rows if new.all() else rows.filter(pa.array(new))
