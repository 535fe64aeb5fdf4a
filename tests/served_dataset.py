"""A small dataset with everything that the page shows, for tests of its server and of itself."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
from PIL import Image

from tamis.dataset.store import Store

if TYPE_CHECKING:
    from pathlib import Path

HOSTILE = "photos/<img src=x onerror=alert(1)>'\"&.jpg"
CLASSES = ("cat", "dog", "horse")
DIM = 8


def sample_id(number: int) -> str:
    return f"{number:032x}"


def picture(number: int, size: tuple[int, int]) -> bytes:
    """A JPEG of a color and a few shapes that its number tells."""
    rng = np.random.default_rng(number)
    coarse = rng.integers(0, 256, (3, 4, 3), dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(coarse).resize(size, Image.Resampling.BICUBIC).save(buffer, "JPEG", quality=70)
    return buffer.getvalue()


def served_dataset(folder: Path, count: int = 60, *, files: int = 12) -> Path:
    """Make a dataset of `count` pictures, of which the first `files` have their file on disk.

    A third has no label, the second has a hostile name, every fourth has a box, and vectors are
    there.
    """
    path = folder / "line3.tamis"
    store = Store.create(path)
    rng = np.random.default_rng(0)
    numbers = range(count)
    ids = [sample_id(number) for number in numbers]
    sizes = [(96, 64) if number % 3 else (64, 96) for number in numbers]
    distinct = [picture(number, sizes[number]) for number in range(min(count, 24))]
    originals = folder / "originals"
    originals.mkdir()
    for number in range(min(files, count)):
        (originals / f"{number}.jpg").write_bytes(distinct[number % 24])
    with store.operation("add", {"sources": ["photos"]}) as op:
        op.insert(
            pa.table(
                {
                    "sample_id": ids,
                    "path": [HOSTILE if n == 1 else f"photos/{n:05}.jpg" for n in numbers],
                    "uri": [str(originals / f"{number}.jpg") for number in numbers],
                    "width": pa.array([size[0] for size in sizes], pa.int32()),
                    "height": pa.array([size[1] for size in sizes], pa.int32()),
                    "bytes": pa.array([1000 + 7 * n for n in numbers], pa.int64()),
                    "content_hash": ids,
                    "sharpness": pa.array(rng.random(count), pa.float32()),
                    "added_at": pa.array(
                        [1_700_000_000_000_000 + n * 1_000_000 for n in numbers],
                        pa.timestamp("us", "UTC"),
                    ),
                    "thumbnail": pa.array(
                        [distinct[n % 24 if n % 3 == (n % 24) % 3 else n % 3] for n in numbers],
                        pa.large_binary(),
                    ),
                    "label": [None if n % 3 == 2 else CLASSES[n % 4 % 3] for n in numbers],
                    "tags": [
                        ["rusty"] if n % 5 == 0 else ([] if n % 5 == 1 else None) for n in numbers
                    ],
                    "split": ["val" if n % 7 == 0 else "train" for n in numbers],
                }
            )
        )
    vectors = rng.normal(size=(count, DIM)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    with store.operation("embed", {"encoder": "hf:small"}) as op:
        op.set_vectors(op.add_vector_column("bundled:small", "feedc0de99", DIM), ids, vectors)
    boxed = [number for number in numbers if number % 4 == 0]
    with store.operation("import") as op:
        op.add_annotations(
            pa.table(
                {
                    "annotation_id": [f"box{number}" for number in boxed],
                    "sample_id": [ids[number] for number in boxed],
                    "layer": ["truth"] * len(boxed),
                    "kind": ["box"] * len(boxed),
                    "label": ["wheel" if number % 8 else "door" for number in boxed],
                    "x": [10.0] * len(boxed),
                    "y": [12.0] * len(boxed),
                    "width": [30.0] * len(boxed),
                    "height": [20.0] * len(boxed),
                    "time": pa.array([0] * len(boxed), pa.timestamp("us", "UTC")),
                }
            )
        )
    return path
