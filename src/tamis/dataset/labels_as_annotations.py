"""Labels of pictures as annotations of the layer `truth`, where no row says them."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING, Final

import pyarrow as pa
import pyarrow.compute as pc

from tamis.dataset.annotation_columns import ANNOTATIONS
from tamis.dataset.annotation_ids import class_ids
from tamis.dataset.annotation_layers import TRUTH
from tamis.dataset.conditions import columns_named
from tamis.dataset.fragments import TableVersion

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["LabelsAsAnnotations"]

_STORED: Final = f"`layer` = '{TRUTH}' AND `kind` = 'classification' AND `label` IS NOT NULL"
_UNKNOWN: Final = datetime.fromtimestamp(0, UTC)
_ID: Final = "annotation_id"


class LabelsAsAnnotations:
    """The classes that pictures have as their `label` and in no row of `truth`.

    Labels come with pictures (`add --labels`) as well as with annotations. Readers see both alike:
    a row for each such label, with the id that setting the same class would give it, and with the
    time when its picture was added. Nothing of it is stored.

    Args:
        samples: the table of samples.
        annotations: the table of annotations; None if there is none.
    """

    def __init__(self, samples: TableVersion, annotations: TableVersion | None) -> None:
        self._samples = samples
        self._annotations = annotations

    def read(self, columns: Sequence[str], condition: str | None) -> pa.Table:
        """Return the rows that meet a condition, as `TableVersion.read` does.

        The first call reads the labels, and those that rows have: O(N). Ids are only made if asked
        for.
        """
        if not self._pairs.num_rows:
            return pa.schema([ANNOTATIONS.field(name) for name in columns]).empty_table()
        named = _ID in columns or _ID in columns_named(condition)
        return (self._with_ids if named else self._without_ids).read(columns, condition)

    @cached_property
    def _pairs(self) -> pa.Table:
        whole = "`kind` IS NULL AND " if "kind" in self._samples.schema.names else ""
        columns = ["sample_id", "label", "added_at"]
        labeled = self._samples.read(columns, f"{whole}`label` IS NOT NULL")
        if self._annotations is None or not labeled.num_rows:
            return labeled
        said = self._annotations.read(columns[:2], _STORED)
        return labeled.filter(pc.invert(pc.is_in(_key(labeled), value_set=_key(said))))

    @cached_property
    def _without_ids(self) -> TableVersion:
        return self._table([""] * self._pairs.num_rows)

    @cached_property
    def _with_ids(self) -> TableVersion:
        pairs = (self._pairs.column(name).to_pylist() for name in ("sample_id", "label"))
        return self._table(class_ids(*pairs))

    def _table(self, ids: Sequence[str]) -> TableVersion:
        rows = self._pairs
        values = {
            _ID: pa.array(ids, pa.string()),
            "sample_id": rows.column("sample_id"),
            "layer": pa.repeat(TRUTH, len(rows)),
            "kind": pa.repeat("classification", len(rows)),
            "label": rows.column("label"),
            "time": pc.fill_null(rows.column("added_at"), _UNKNOWN),
        }
        nothing = {
            one.name: pa.nulls(len(rows), one.type) for one in ANNOTATIONS if one.name not in values
        }
        every = values | nothing
        table = pa.table([every[name] for name in ANNOTATIONS.names], schema=ANNOTATIONS)
        return TableVersion.in_memory(table)


def _key(rows: pa.Table) -> pa.Array:
    joined = pc.binary_join_element_wise(rows.column("sample_id"), rows.column("label"), "\n")
    return joined.combine_chunks() if isinstance(joined, pa.ChunkedArray) else joined
