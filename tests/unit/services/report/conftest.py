"""A small curated dataset, made without decoding or embedding anything."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pytest

from tamis.dataset.store import Store
from tamis.types import Failure

if TYPE_CHECKING:
    from pathlib import Path

HOSTILE = "photos/<script>alert(1)</script>.jpg"


@pytest.fixture
def curated(tmp_path: Path) -> Store:
    """Twelve pictures: 0 to 9 alike, 10 their opposite, 11 without a vector.

    1 and 2 are duplicates of 0, and 4 of 3; a chain joins 0 and 5; 5, 6 and 10 are selected;
    0 to 7 are split.
    """
    names = [f"photos/{number}.jpg" for number in range(11)] + [HOSTILE]
    ids = [f"{number:032x}" for number in range(12)]
    store = Store.create(tmp_path / "curated.tamis")
    with store.operation("add", {"sources": ["photos"], "labels": None}) as op:
        op.insert(
            pa.table(
                {
                    "sample_id": ids,
                    "path": names,
                    "thumbnail": pa.array([b"\xff\xd8" + bytes([n] * 100) for n in range(12)]),
                    "width": [640] * 12,
                    "height": [480] * 12,
                    "brightness": np.linspace(0.9, 0.1, 12, dtype=np.float32),
                    "sharpness": np.arange(12, dtype=np.float32) * 10,
                    "label": ["cat"] * 6 + ["dog"] * 4 + [None] * 2,
                    "split": ["train"] * 5 + ["val", "test", "test"] + [None] * 4,
                }
            )
        )
        op.record_failures(
            [Failure("photos/bad.jpg", "truncated: <b>12</b> bytes are missing", "photos")]
        )
    vectors = np.random.default_rng(0).normal([5, 0, 0, 0], 0.5, (11, 4)).astype(np.float32)
    vectors[10] = [-5, 0, 0, 0]
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    with store.operation("embed", {"encoder": "toy"}) as op:
        column = op.add_vector_column("toy", "f" * 16, 4)
        op.set_vectors(column, ids[:11], vectors)
    with store.operation("duplicates", {"threshold": "auto"}, seed=7) as op:
        marks = {
            "duplicate_of": [ids[0], ids[0], ids[3]],
            "duplicate_score": pa.array([0.75, 1.0, 0.9], pa.float32()),
            "duplicate_kind": ["near", "exact", "flip"],
        }
        op.set_marks([ids[1], ids[2], ids[4]], marks)
        op.set_marks([ids[0], ids[5]], {"duplicate_group": [ids[0], ids[0]]})
        op.counts |= {"threshold": 0.7, "changed_threshold": 0.6, "pairs": 9, "candidates": 1234}
        op.counts |= {"copy_pairs": 3, "changed_pairs": 5, "undecided_pairs": 1}
        op.counts |= {"false_pair_rate": 2e-6}
    with store.operation("select", {"n": 3}, seed=7) as op:
        marks = {
            "selected": [True] * 3,
            "selected_rank": pa.array([2, 1, 3], pa.int32()),
            "selected_reason": ["stands for many", "stands for most", "unlike the others"],
        }
        op.set_marks([ids[5], ids[6], ids[10]], marks)
    return store


@pytest.fixture
def empty(tmp_path: Path) -> Store:
    return Store.create(tmp_path / "empty.tamis")
