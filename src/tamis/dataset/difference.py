"""The difference between two versions of the samples."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from tamis.dataset.fragments import TableVersion

__all__ = ["Diff", "compare"]


@dataclass(frozen=True)
class Diff:
    """What changed from one snapshot to another.

    Attributes:
        added: ids of samples that only the later one has, in its order.
        removed: ids of samples that only the earlier one has, in its order.
        changed: for each column with a change, in how many samples that both have its value
            differs. A column that one of them lacks counts as null there.
    """

    added: list[str]
    removed: list[str]
    changed: Mapping[str, int]


def compare(earlier: TableVersion, later: TableVersion) -> Diff:
    """Compare two versions of `samples`.

    A column is read only in fragments whose files the versions do not share, so the cost is that
    of what changed.
    """
    old, new = _Side(earlier), _Side(later)
    gone = old.ids.filter(pc.invert(pc.is_in(old.ids, value_set=new.ids)))
    fresh = new.ids.filter(pc.invert(pc.is_in(new.ids, value_set=old.ids)))
    names = dict.fromkeys([*earlier.schema.names, *later.schema.names])
    counts = {name: _changes(old, new, name) for name in names if name != "sample_id"}
    return Diff(
        added=fresh.to_pylist(),
        removed=gone.to_pylist(),
        changed={name: count for name, count in counts.items() if count},
    )


class _Side:
    """One of the two versions; its fragments are known by their files of sample ids."""

    def __init__(self, table: TableVersion) -> None:
        self._table = table
        self.schema: pa.Schema = table.schema
        self.ids: pa.Array = table.read(["sample_id"]).column("sample_id").combine_chunks()
        self.fragments = {part.samples: part for part in table.fragments()}

    def values(self, name: str, keys: Iterable[str]) -> tuple[pa.Array, pa.Array]:
        """The ids and the values of a column in some fragments; nulls if there is no column."""
        present = [name] if name in self.schema.names else []
        schema = pa.schema([self.schema.field(column) for column in ("sample_id", *present)])
        tables = [
            self._table.read_fragment(self.fragments[key].number, schema.names) for key in keys
        ]
        rows = pa.concat_tables(tables or [schema.empty_table()]).combine_chunks()
        ids = rows.column("sample_id").combine_chunks()
        return ids, rows.column(name).combine_chunks() if present else pa.nulls(len(ids))


def _changes(old: _Side, new: _Side, name: str) -> int:
    """In how many samples that both sides have a column's value differs."""
    shared = old.fragments.keys() & new.fragments.keys()
    edited = [
        key
        for key in shared
        if old.fragments[key].files.get(name) != new.fragments[key].files.get(name)
    ]
    count = _differing(old.values(name, edited)[1], new.values(name, edited)[1])
    moved_from = [key for key in old.fragments if key not in shared]
    moved_to = [key for key in new.fragments if key not in shared]
    if moved_from and moved_to:
        old_ids, old_values = old.values(name, moved_from)
        new_ids, new_values = new.values(name, moved_to)
        places = pc.index_in(new_ids, value_set=old_ids)
        count += _differing(
            old_values.take(places.drop_null()), new_values.filter(places.is_valid())
        )
    return count


def _differing(old: pa.Array, new: pa.Array) -> int:
    """In how many places two arrays of one length differ; null equals null, NaN equals NaN."""
    if old.type != new.type:
        return int(pc.sum(pc.or_(old.is_valid(), new.is_valid())).as_py() or 0)
    both = pc.and_(old.is_valid(), new.is_valid())
    one = pc.sum(pc.xor(old.is_valid(), new.is_valid())).as_py() or 0
    return int(one) + _unequal(old.filter(both), new.filter(both))


def _unequal(old: pa.Array, new: pa.Array) -> int:
    """In how many places two arrays without nulls differ."""
    kind = old.type
    if pa.types.is_fixed_size_list(kind) and pa.types.is_floating(kind.value_type):
        bits = f"u{kind.value_type.bit_width // 8}"
        a, b = (
            side.flatten().to_numpy().view(bits).reshape(-1, kind.list_size) for side in (old, new)
        )
        return int(np.count_nonzero((a != b).any(axis=1)))
    if pa.types.is_nested(kind):
        return sum(a != b for a, b in zip(old.to_pylist(), new.to_pylist(), strict=True))
    unequal = pc.not_equal(old, new)
    if pa.types.is_floating(kind):
        unequal = pc.and_not(unequal, pc.and_(pc.is_nan(old), pc.is_nan(new)))
    return int(pc.sum(unequal).as_py() or 0)
