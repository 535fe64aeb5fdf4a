"""All that can be seen of a dataset, as plain values that JSON can hold."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tamis import Dataset

WIDE = "digests"


def contents(dataset: Dataset) -> dict[str, Any]:
    """Return the rows, the failures, and digests of thumbnails and vectors, in their order."""
    store = dataset.store
    rows = dataset.table().to_pylist()
    thumbnails = store.read(["thumbnail"])["thumbnail"].to_pylist()
    for row, thumbnail in zip(rows, thumbnails, strict=True):
        row[WIDE] = {"thumbnail": _digest(thumbnail)}
    by_id = {row["sample_id"]: row for row in rows}
    for column in store.vector_columns():
        for sample, vector in zip(*store.vectors(column.name), strict=True):
            by_id[sample][WIDE][column.name] = _digest(vector.astype("<f4").tobytes())
    columns = [dataclasses.asdict(column) for column in store.vector_columns()]
    return _plain({"rows": rows, "failures": store.failures().to_pylist(), "vectors": columns})


def history(dataset: Dataset) -> list[dict[str, Any]]:
    """Return the entries of the log."""
    return _plain([dataclasses.asdict(entry) for entry in dataset.log()])


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:16]


def _plain(value: Any) -> Any:
    return json.loads(json.dumps(value, default=str))


def annotations(dataset: Dataset) -> list[dict[str, Any]]:
    """Return all annotations, in an order that does not depend on how they are stored."""
    rows = dataset.annotations().to_pylist()
    for row in rows:
        for name, value in row.items():
            if isinstance(value, bytes):
                row[name] = _digest(value)
    return sorted(_plain(rows), key=lambda row: json.dumps(row, sort_keys=True))
