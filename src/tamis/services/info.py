"""What is in a dataset, in counts."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from tamis.dataset.columns import Column
from tamis.dataset.samples import Kind, Samples

if TYPE_CHECKING:
    from tamis.dataset.store import Store

__all__ = ["describe"]


def describe(store: Store) -> dict[str, Any]:
    """Return counts of samples, failures, labels, splits and vectors.

    Labels, splits and formats are those of whole pictures. Reads three narrow columns: O(N) time,
    no thumbnail and no vector is touched.
    """
    samples = Samples(store)
    whole, everything = samples.of(kind=Kind.WHOLE), samples.of(kind=Kind.ALL)
    marks = whole.table(Column.LABEL, Column.SPLIT, Column.FORMAT)
    return {
        "dataset": str(store.path),
        "samples": everything.count(),
        "kinds": {
            "picture": whole.count(),
            **_counts(everything.column(Column.KIND).to_pylist()),
        },
        "failed": store.failures().num_rows,
        "formats": _counts(marks["format"].to_pylist()),
        "labels": _counts(marks["label"].to_pylist()),
        "unlabelled": marks["label"].null_count,
        "splits": _counts(marks["split"].to_pylist()),
        "duplicates": everything.having(Column.DUPLICATE_OF).count(),
        "selected": everything.equal(Column.SELECTED, value=True).count(),
        "scored": everything.having(Column.UNIQUENESS).count(),
        "encoders": [
            {
                "encoder": column.spec,
                "column": column.name,
                "fingerprint": column.fingerprint,
                "dim": column.dim,
                "dtype": column.dtype,
                "vectors": everything.embedded(column),
            }
            for column in samples.vector_columns
        ],
        "version": store.snapshot,
    }


def _counts(values: list[str | None]) -> dict[str, int]:
    return dict(sorted(Counter(value for value in values if value is not None).items()))
