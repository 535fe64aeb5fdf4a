"""What is in a dataset, in counts."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from tamis.dataset.parts import whole_pictures

if TYPE_CHECKING:
    from tamis.dataset.store import Store

__all__ = ["describe"]


def describe(store: Store) -> dict[str, Any]:
    """Return counts of samples, failures, labels, splits and vectors.

    Labels, splits and formats are those of whole pictures. Reads three narrow columns: O(N) time,
    no thumbnail and no vector is touched.
    """
    present = set(store.columns())
    marks = store.read(["label", "split", "format"], whole_pictures(present, None))
    return {
        "dataset": str(store.path),
        "samples": store.count(),
        "kinds": {
            "picture": store.count(whole_pictures(present, None)),
            **_counts(store.read(["kind"])["kind"].to_pylist() if "kind" in present else []),
        },
        "failed": store.failures().num_rows,
        "formats": _counts(marks["format"].to_pylist()),
        "labels": _counts(marks["label"].to_pylist()),
        "unlabelled": marks["label"].null_count,
        "splits": _counts(marks["split"].to_pylist()),
        "duplicates": store.count("duplicate_of IS NOT NULL") if "duplicate_of" in present else 0,
        "selected": store.count("selected") if "selected" in present else 0,
        "scored": store.count("uniqueness IS NOT NULL") if "uniqueness" in present else 0,
        "encoders": [
            {
                "encoder": column.spec,
                "column": column.name,
                "fingerprint": column.fingerprint,
                "dim": column.dim,
                "dtype": column.dtype,
                "vectors": store.count(f"{column.name} IS NOT NULL"),
            }
            for column in store.vector_columns()
        ],
        "version": store.snapshot,
    }


def _counts(values: list[str | None]) -> dict[str, int]:
    return dict(sorted(Counter(value for value in values if value is not None).items()))
