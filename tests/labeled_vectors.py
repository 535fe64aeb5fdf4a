"""A dataset of made vectors in three classes, labels known, with nothing to decode or embed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

import tamis
from sample_rows import sample_ids

if TYPE_CHECKING:
    from pathlib import Path

CLASSES = ("cat", "dog", "owl")
EACH = 30


def truth() -> list[str]:
    return [CLASSES[row % 3] for row in range(3 * EACH)]


def made_vectors(spread: float = 0.25) -> np.ndarray:
    """Three groups of unit vectors, in turn."""
    rng = np.random.default_rng(5)
    rows = np.repeat(np.eye(3, 8)[None], EACH, axis=0).reshape(-1, 8)
    rows = rows + spread * rng.standard_normal(rows.shape)
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def made_dataset(
    path: Path, labels: list[str | None], **columns: list[str | None]
) -> tamis.Dataset:
    """Return the dataset, with these labels and other marks."""
    ds = tamis.open(path)
    ids = sample_ids(0, 3 * EACH)
    paths = [f"{number:02}.jpg" for number in range(3 * EACH)]
    with ds.store.operation("add") as op:
        op.insert(pa.table({"sample_id": ids, "path": paths, "label": pa.array(labels, "string")}))
    with ds.store.operation("embed") as op:
        column = op.add_vector_column("py:made", "0123456789abcdef", 8)
        op.checkpoint()
        op.set_vectors(column, ids, made_vectors())
        if columns:
            op.set_marks(ids, {n: pa.array(v, pa.string()) for n, v in columns.items()})
    return ds
