"""Rows and folder measures that the tests of the dataset share."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

if TYPE_CHECKING:
    from pathlib import Path

    from tamis.dataset.store import Store

DIM = 8


def sample_id(number: int) -> str:
    return f"{number:032x}"


def sample_ids(start: int, stop: int) -> list[str]:
    return [sample_id(number) for number in range(start, stop)]


def sample_rows(start: int, stop: int, thumbnail_bytes: int = 64) -> pa.Table:
    """Rows that depend on nothing but their numbers."""
    numbers = range(start, stop)
    return pa.table(
        {
            "sample_id": sample_ids(start, stop),
            "path": [f"pictures/{number}.jpg" for number in numbers],
            "width": pa.array(numbers, pa.int32()),
            "thumbnail": pa.array(
                [random.Random(number).randbytes(thumbnail_bytes) for number in numbers],
                pa.large_binary(),
            ),
        }
    )


def sample_vectors(start: int, stop: int, dim: int = DIM) -> np.ndarray:
    """Vectors that depend on nothing but their numbers, `[stop - start, dim]` float32."""
    phases = np.outer(np.arange(start, stop) + 1.0, np.arange(dim) + 1.0)
    return np.sin(phases).astype(np.float32)


def insert(store: Store, start: int, stop: int) -> None:
    with store.operation("add") as op:
        op.insert(sample_rows(start, stop))


def add_vectors(store: Store, start: int, stop: int) -> str:
    with store.operation("embed") as op:
        column = op.add_vector_column("hf:small", "feedc0de99", DIM)
        op.set_vectors(column, sample_ids(start, stop), sample_vectors(start, stop))
    return column


def content(store: Store) -> dict[str, pa.Table]:
    """All that reading can see."""
    return {
        "samples": store.read(store.columns()).combine_chunks(),
        "failed": store.failures().combine_chunks(),
    }


def file_sizes(folder: Path) -> dict[Path, int]:
    return {file: file.stat().st_size for file in folder.rglob("*") if file.is_file()}
