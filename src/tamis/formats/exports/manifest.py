"""Manifests: the rows of a dataset as a CSV or Parquet file."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Protocol

import pyarrow as pa
from pyarrow import csv, parquet

from tamis.errors import UsageError
from tamis.sources.label_rows import quoted_cell

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path


__all__ = ["write_csv", "write_parquet"]


def write_parquet(batches: Iterable[pa.RecordBatch], path: Path) -> int:
    """Write the batches as one Parquet file and return the number of rows.

    Types are kept as they are in the dataset; the batches must share one schema.
    """
    with path.open("wb") as file:  # of a path with a colon Arrow would make a web address
        return _write(
            batches, lambda schema: parquet.ParquetWriter(file, schema), lambda batch: batch
        )


def write_csv(batches: Iterable[pa.RecordBatch], path: Path) -> int:
    """Write the batches as one CSV file (RFC 4180, UTF-8) and return the number of rows.

    A missing value is an empty field and an empty text is `""`. Times are ISO 8601, lists
    are JSON, truth is `true` or `false`. A text that a spreadsheet would take for a formula gets
    a `'` in front (see `quoted_cell`), which `tamis add --labels` takes off again.

    Raises:
        UsageError: a column holds bytes or vectors, which no CSV field can carry.
    """
    return _write(batches, lambda schema: csv.CSVWriter(path, schema), _as_text)


class _Writer(Protocol):
    def write_batch(self, batch: pa.RecordBatch) -> None: ...
    def close(self) -> None: ...


def _write(
    batches: Iterable[pa.RecordBatch],
    open_writer: Callable[[pa.Schema], _Writer],
    prepare: Callable[[pa.RecordBatch], pa.RecordBatch],
) -> int:
    writer: _Writer | None = None
    rows = 0
    try:
        for batch in batches:
            ready = prepare(batch)
            if writer is None:
                writer = open_writer(ready.schema)
            writer.write_batch(ready)
            rows += batch.num_rows
    finally:
        if writer is not None:
            writer.close()
    return rows


def _as_text(batch: pa.RecordBatch) -> pa.RecordBatch:
    names: Sequence[str] = batch.schema.names
    return pa.RecordBatch.from_arrays(
        [_csv_array(name, batch.column(name)) for name in names], names=names
    )


def _csv_array(name: str, array: pa.Array) -> pa.Array:
    kind = array.type
    if pa.types.is_timestamp(kind):
        return _each(array, lambda value: value.isoformat())
    if pa.types.is_fixed_size_list(kind) or _is_bytes(kind):
        raise UsageError(
            f"the column {name!r} holds {kind}, which CSV cannot carry; leave it out or use parquet"
        )
    if pa.types.is_nested(kind):
        return _each(array, lambda value: json.dumps(value, ensure_ascii=False, default=str))
    if pa.types.is_dictionary(kind):
        array = array.dictionary_decode()
    if pa.types.is_string(array.type) or pa.types.is_large_string(array.type):
        return _each(array, quoted_cell)
    return array


def _is_bytes(kind: pa.DataType) -> bool:
    return bool(
        pa.types.is_binary(kind)
        or pa.types.is_large_binary(kind)
        or pa.types.is_fixed_size_binary(kind)
    )


def _each(array: pa.Array, text: Callable[[Any], str]) -> pa.Array:
    values = (None if value is None else text(value) for value in array.to_pylist())
    return pa.array(list(values), pa.string())
