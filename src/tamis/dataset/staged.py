"""Changes that wait for a checkpoint, and how they are written to the tables."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tamis.dataset.columns import Column, one_of
from tamis.dataset.compaction import merge_tail
from tamis.dataset.sample_keys import SampleKeys
from tamis.dataset.schema import FAILED
from tamis.dataset.vector_index import with_index
from tamis.errors import ConflictError

if TYPE_CHECKING:
    from tamis.dataset.fragments import TableVersion
    from tamis.types import Failure

__all__ = ["Edit", "Staged", "write_failures", "write_samples"]

_IDS_AT_ONCE = 5000


@dataclass(frozen=True)
class Edit:
    """New values of one column for some samples; a null clears."""

    ids: pa.Array
    values: pa.Array


@dataclass
class Staged:
    """What an operation wants written at its next checkpoint.

    Attributes:
        removed: samples to remove, which happens first.
        rows: new samples; which of them are new is decided when they are written.
        failures: pictures that could not be read.
        columns: columns to add, as nulls.
        edits: for each column its edits; a later one wins.
        indexes: vector columns whose index is to be built, or to take in new rows.
    """

    removed: list[str] = field(default_factory=list)
    rows: list[pa.Table] = field(default_factory=list)
    failures: list[Failure] = field(default_factory=list)
    columns: dict[str, pa.Field] = field(default_factory=dict)
    edits: dict[str, list[Edit]] = field(default_factory=dict)
    indexes: set[str] = field(default_factory=set)


def write_samples(
    table: TableVersion, keys: SampleKeys, staged: Staged
) -> tuple[TableVersion, int]:
    """Write staged rows, columns and edits; the caller holds the writer lock.

    Returns:
        The new version of `samples`, and how many of the staged rows were new.

    Raises:
        UsageError: an edit names a sample that is not in the dataset.
        ConflictError: another writer gave a column a type that the edits do not fit.
    """
    _require_columns(table, staged)
    added = 0
    if staged.removed:
        for start in range(0, len(staged.removed), _IDS_AT_ONCE):
            table = table.without(
                one_of(Column.SAMPLE_ID, staged.removed[start : start + _IDS_AT_ONCE])
            )
        keys = SampleKeys(table, keys.by_file)
    for rows in _new_rows(keys, staged.rows):
        table = merge_tail(table).append(rows)
        added += rows.num_rows
    absent = [column for name, column in staged.columns.items() if name not in table.schema.names]
    if absent:
        table = table.add_null_columns(absent)
    edits = {name: _latest(edits) for name, edits in staged.edits.items()}
    edits = {name: edit for name, edit in edits.items() if len(edit.ids)}
    if edits:
        table = table.update_columns(_by_fragment(table, SampleKeys(table, keys.by_file), edits))
    for column in sorted(staged.indexes):
        table = with_index(table, column)
    return table, added


def _require_columns(table: TableVersion, staged: Staged) -> None:
    """Another writer may have taken back an operation whose columns this one builds on."""
    known = {*table.schema.names, *staged.columns}
    used = {*staged.edits, *(name for rows in staged.rows for name in rows.column_names)}
    if not used <= known:
        raise ConflictError(
            f"the column {min(used - known)!r} was taken back by another writer; nothing was "
            "changed, run the command again"
        )


def _new_rows(keys: SampleKeys, staged: list[pa.Table]) -> list[pa.Table]:
    """At most one table to append: the staged rows whose key no row has yet, each key once."""
    if not staged:
        return []
    rows = pa.concat_tables(staged, promote_options="default")
    ids = rows.column("sample_id").combine_chunks()
    first = np.zeros(len(ids), bool)
    first[np.unique(_codes(ids), return_index=True)[1]] = True
    fresh = rows.filter(pc.and_(keys.missing(ids), pa.array(first)))
    return [fresh] if fresh.num_rows else []


def _codes(ids: pa.Array) -> np.ndarray[tuple[int], np.dtype[np.int32]]:
    codes: np.ndarray[tuple[int], np.dtype[np.int32]] = ids.dictionary_encode().indices.to_numpy()
    return codes


def _latest(edits: list[Edit]) -> Edit:
    """One edit of distinct samples: of several values for a sample the last counts."""
    ids = pa.concat_arrays([edit.ids for edit in edits])
    values = pa.concat_arrays([edit.values for edit in edits])
    codes = _codes(ids)[::-1]
    last = len(ids) - 1 - np.unique(codes, return_index=True)[1]
    if len(last) == len(ids):
        return Edit(ids, values)
    keep = pa.array(np.sort(last))
    return Edit(ids.take(keep), values.take(keep))


def _by_fragment(
    table: TableVersion, keys: SampleKeys, edits: dict[str, Edit]
) -> dict[int, pa.Table]:
    """For each touched fragment a table of `_rowid` and the new values."""
    columns: dict[int, dict[str, pa.Table]] = {}
    for name, edit in edits.items():
        values = _cast(edit.values, table.schema.field(name))
        for rows in keys.locate(edit.ids):
            part = pa.table([rows.row_ids, values.take(pa.array(rows.order))], ["_rowid", name])
            columns.setdefault(rows.fragment, {})[name] = part
    return {fragment: _joined(table, fragment, parts) for fragment, parts in columns.items()}


def _cast(values: pa.Array, column: pa.Field) -> pa.Array:
    try:
        return values.cast(column.type)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        raise ConflictError(
            f"another writer made the column {column.name!r} one of {column.type}, and the new "
            f"values of type {values.type} do not fit: {error}. Nothing was changed"
        ) from error


def _joined(table: TableVersion, fragment: int, parts: dict[str, pa.Table]) -> pa.Table:
    """One table for all columns of a fragment, filled up from the stored values where needed."""
    row_ids = [part.column("_rowid").combine_chunks() for part in parts.values()]
    if all(ids.equals(row_ids[0]) for ids in row_ids):
        return pa.table({"_rowid": row_ids[0], **{n: p.column(n) for n, p in parts.items()}})
    stored = table.read_fragment(fragment, list(parts), row_ids=True)
    all_ids = stored.column("_rowid").combine_chunks()
    merged = {"_rowid": all_ids}
    for name, part in parts.items():
        new = pc.index_in(all_ids, value_set=part.column("_rowid").combine_chunks())
        both = pa.concat_arrays(
            [part.column(name).combine_chunks(), stored.column(name).combine_chunks()]
        )
        places = np.arange(len(all_ids)) + part.num_rows
        hit = new.is_valid().to_numpy(zero_copy_only=False)
        places[hit] = new.drop_null().to_numpy()
        merged[name] = both.take(pa.array(places))
    return pa.table(merged)


def write_failures(table: TableVersion, failures: list[Failure]) -> TableVersion:
    """Write failures that are not stored yet; the caller holds the writer lock.

    A path that is only spelt otherwise (`./a` and `a`) is the same.
    """
    if not failures:
        return table
    stored = table.read(["path", "reason"])
    paths = map(os.path.normpath, stored["path"].to_pylist())
    seen = set(zip(paths, stored["reason"].to_pylist(), strict=True))
    fresh: dict[tuple[str, str], Failure] = {}
    for failure in failures:
        key = (os.path.normpath(failure.path), failure.reason)
        if key not in seen:
            fresh.setdefault(key, failure)
    if not fresh:
        return table
    now = datetime.now(UTC)
    rows = [
        {"path": f.path, "reason": f.reason, "source": f.source, "time": now}
        for f in fresh.values()
    ]
    return merge_tail(table).append(pa.Table.from_pylist(rows, schema=FAILED))
