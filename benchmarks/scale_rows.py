"""Every verb on stored rows and vectors at a size: processor time and peak memory of each.

python benchmarks/scale_rows.py ROWS [--dim 64] [--verbs info,index,...] [--limit SECONDS]
    [--keep FOLDER]

Rows are written straight into the dataset, without pictures: 400 kinds of vectors, one row in four
labeled with its kind's class, all rows with thumbnails of 96 x 64 pixels. What reads pictures is
measured by `scale.py`, searches by `search.py`. Each verb runs as a command of its own; the figures
are the kernel's (`wait4`), and one that takes more processor seconds than the limit is stopped.
"""

from __future__ import annotations

import argparse
import io
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa
from PIL import Image
from scale import run_steps

from tamis.dataset.store import Store

AT_ONCE: Final = 20_000
KINDS: Final = 400
CLASSES: Final = 40

STEPS: Final[tuple[tuple[str, str], ...]] = (
    ("info", "info"),
    ("index", "index"),
    ("coverage", "coverage"),
    ("cluster", "cluster --k 40"),
    ("label set", 'label set checked --where "cluster = 3" --layer looked'),
    ("probe train", "probe train --name kinds"),
    ("probe predict", "probe predict --name kinds"),
    ("drift fit", "drift fit"),
    ("drift check", 'drift check --where "cluster < 3" --no-monitor'),
    ("export csv", "export csv out-csv"),
    ("label propagate", "label propagate"),
    ("label mislabels", "label mislabels"),
    ("select", "select 500"),
    ("split", "split --train .8 --val .1 --test .1"),
    ("undo", "undo"),
    ("log", "log"),
    ("prune", "prune --days 0"),
)


def make(path: Path, rows: int, dim: int) -> None:
    """Write a dataset of rows that all have the same file."""
    store = Store.create(path)
    file = path.with_suffix(".jpg").resolve()
    Image.new("RGB", (96, 64)).save(file)
    now = datetime.now(UTC) + timedelta(minutes=1)
    rng = np.random.default_rng(0)
    buffer = io.BytesIO()
    Image.fromarray(rng.integers(0, 256, (4, 6, 3), dtype=np.uint8)).resize((96, 64)).save(
        buffer, "JPEG", quality=80
    )
    centers = rng.normal(size=(KINDS, dim))
    with store.operation("add") as op:
        column = op.add_vector_column("bundled:made", "f" * 16, dim)
        for begin in range(0, rows, AT_ONCE):
            numbers = np.arange(begin, min(begin + AT_ONCE, rows))
            kinds = rng.integers(KINDS, size=len(numbers))
            vectors = centers[kinds] + rng.normal(size=(len(numbers), dim)) * 0.7
            vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
            ids = [f"{n:032x}" for n in numbers]
            op.insert(
                pa.table(
                    {
                        "sample_id": ids,
                        "path": [f"photos/{n // 1000:04}/{n:07}.jpg" for n in numbers],
                        "uri": [str(file)] * len(ids),
                        "bytes": pa.array([file.stat().st_size] * len(ids), pa.int64()),
                        "added_at": pa.array([now] * len(ids), pa.timestamp("us", "UTC")),
                        "width": pa.array([640] * len(ids), pa.int32()),
                        "height": pa.array([480] * len(ids), pa.int32()),
                        "thumbnail": pa.array([buffer.getvalue()] * len(ids), pa.large_binary()),
                        "label": [
                            f"class {kind % CLASSES:02}" if n % 4 == 0 else None
                            for n, kind in zip(numbers.tolist(), kinds.tolist(), strict=True)
                        ],
                    }
                )
            )
            op.set_vectors(column, ids, vectors.astype(np.float32))
            op.checkpoint()


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("rows", type=int)
    parser.add_argument("--dim", type=int, default=64)
    parser.add_argument("--verbs", default="")
    parser.add_argument("--limit", type=int, default=1200)
    parser.add_argument("--keep", type=Path, default=None)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = given.keep or Path(name)
        folder.mkdir(exist_ok=True)
        if not (folder / "dataset.tamis").exists():
            make(folder / "dataset.tamis", given.rows, given.dim)
        run_steps(STEPS, given.verbs, folder, given.limit)


if __name__ == "__main__":
    main()
