"""Time and bytes of the dataset's main operations.

Run with:  python benchmarks/storage.py [ROWS]

Inserts ROWS samples (100,000 unless said) with random 4 KB thumbnails, sets marks, fills
384-dimensional vectors, reads, and undoes; everything lies in a temporary folder.
"""

from __future__ import annotations

import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from tamis.dataset.store import Store

if TYPE_CHECKING:
    from collections.abc import Iterator

STEP, DIM, THUMBNAIL = 4096, 384, 4096


def bytes_in(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())


@contextmanager
def measured(what: str, folder: Path) -> Iterator[None]:
    before, start = bytes_in(folder), time.perf_counter()
    yield
    seconds = time.perf_counter() - start
    print(f"{what:48} {seconds:8.3f} s {(bytes_in(folder) - before) / 1e6:10.3f} MB written")


def new_rows(rng: np.random.Generator, count: int) -> pa.Table:
    pixels = rng.bytes(count * THUMBNAIL)
    thumbnails = [pixels[i * THUMBNAIL : (i + 1) * THUMBNAIL] for i in range(count)]
    return pa.table(
        {
            "sample_id": [rng.bytes(16).hex() for _ in range(count)],
            "path": [f"pictures/of/some/folder/{i:08d}.jpg" for i in range(count)],
            "thumbnail": pa.array(thumbnails, pa.large_binary()),
        }
    )


def main(rows: int, folder: Path) -> None:
    rng = np.random.default_rng(0)
    store = Store.create(folder / "benchmark.tamis")
    steps = [new_rows(rng, min(STEP, rows - start)) for start in range(0, rows, STEP)]
    what = f"insert {rows:,} rows, a checkpoint each {STEP}"
    with measured(what, folder), store.operation("add") as op:
        for step in steps:
            op.insert(step)
            op.checkpoint()
    ids = store.read(["sample_id"])["sample_id"]

    for what, values in (
        ("set one mark to one value on every row", pa.array(["cat"] * rows)),
        ("set one mark to one of three on every row", pa.array(rng.choice(list("abc"), rows))),
    ):
        with measured(what, folder), store.operation("label") as op:
            op.set_marks(ids, {"label": values})
    some = ids.combine_chunks().take(pa.array(rng.permutation(rows)[: rows // 20]))
    with measured("point 5 % of the rows to another row", folder), store.operation("mark") as op:
        op.set_marks(some, {"duplicate_of": some})

    vectors = rng.standard_normal((rows, DIM), dtype=np.float32)
    what = f"fill {DIM}-d vectors, a checkpoint each {STEP}"
    with measured(what, folder), store.operation("embed") as op:
        column = op.add_vector_column("benchmark", "0123456789", DIM)
        for start in range(0, rows, STEP):
            part = slice(start, start + STEP)
            op.set_vectors(column, ids[part], vectors[part])
            op.checkpoint()

    with measured("read all vectors", folder):
        assert np.array_equal(store.vectors(column)[1], vectors)
    with measured("count by a condition", folder):
        store.count("label = 'a' AND width IS NULL")
    with measured("read three narrow columns", folder):
        store.read(["sample_id", "path", "label"])
    with measured("read 200 thumbnails by id", folder):
        store.read(["thumbnail"], ids=some[:200])
    with measured("open", folder):
        Store.open(store.path)
    with measured("undo the vectors", folder):
        store.undo()
    with measured("gc", folder):
        store.gc()


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as place:
        main(int(sys.argv[1]) if len(sys.argv) > 1 else 100_000, Path(place))
