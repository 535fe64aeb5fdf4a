"""Peak memory of embedding as the number of pictures grows; it should not.

    python benchmarks/embed_memory.py PICTURES [--sizes 4000 40000] [--threads 2]

PICTURES is a folder of pictures, which are linked under new names until there are enough. The
dataset and the links lie in a temporary folder. Every size is added in one process (its rows
only, without thumbnails) and embedded in another, whose peak of resident memory is reported, with
what it had reached when the encoder was loaded. So that the largest size takes minutes and not an
hour, the encoder is a small one that averages pixels over a grid, with as many dimensions as the
default one; --encoder default takes the real one.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from tamis.types import Preprocessing


class GridEncoder:
    """Mean colours over a grid, repeated to 1280 numbers."""

    spec = "benchmark:grid"
    fingerprint = "feedfacefeedface" * 2
    dim = 1280
    preprocessing = Preprocessing(224, 224)

    def embed(self, pixels):  # noqa: D102 - as the protocol says
        grid = pixels.reshape(len(pixels), 4, 56, 4, 56, 3).mean(axis=(2, 4), dtype=np.float32)
        features = np.pad(
            np.tile(grid.reshape(len(pixels), -1), 26), ((0, 0), (0, 32)), mode="wrap"
        )
        return features / np.linalg.norm(features, axis=1, keepdims=True)


def link(pictures, folder, size):
    """Fill a folder with links to pictures; copies where the disk cannot link."""
    originals = sorted(p.resolve() for p in Path(pictures).rglob("*") if p.is_file())
    originals = [p for p in originals if p.suffix.lower() in {".jpg", ".jpeg", ".png", ".webp"}]
    for number in range(size):
        original = originals[number % len(originals)]
        place = folder / f"{number // 1000:04}"
        place.mkdir(exist_ok=True)
        target = place / f"{number:07}{original.suffix}"
        try:
            os.link(original, target)
        except OSError:
            target.symlink_to(original)


def add(dataset, folder):
    import pyarrow as pa

    from tamis.dataset.store import Store
    from tamis.images.picture_record import content_hash, sample_id

    paths = sorted(str(path) for path in Path(folder).rglob("*") if path.is_file())
    with Store.open(dataset, create=True).operation("add") as operation:
        for start in range(0, len(paths), 4096):
            part = paths[start : start + 4096]
            hashes = [content_hash(Path(path).read_bytes()) for path in part]
            ids = [sample_id(*pair) for pair in zip(hashes, part, strict=True)]
            rows = {"sample_id": ids, "path": part, "uri": part, "content_hash": hashes}
            operation.insert(pa.table(rows | {"source": [folder] * len(part)}))
            operation.checkpoint()


def embed(dataset, spec, threads):
    from tamis.dataset.store import Store
    from tamis.encoders.registry import load_encoder
    from tamis.interfaces.dataset import Dataset

    encoder = GridEncoder() if spec == "grid" else load_encoder(spec, threads=1)
    store = Store.open(dataset)
    before = peak()
    begin = time.perf_counter()
    report = Dataset(store).embed(encoder, threads=int(threads))
    seconds = time.perf_counter() - begin
    print(
        json.dumps(
            {"embedded": report.embedded, "seconds": seconds, "before": before, "peak": peak()}
        )
    )


def peak():
    """Peak resident memory of this process in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def process(*arguments):
    command = [sys.executable, __file__, "--step", *map(str, arguments)]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


def main():
    if sys.argv[1:2] == ["--step"]:
        {"add": add, "embed": embed}[sys.argv[2]](*sys.argv[3:])
        return
    parser = argparse.ArgumentParser()
    parser.add_argument("pictures")
    parser.add_argument("--sizes", type=int, nargs="+", default=[4000, 40000])
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--encoder", default="grid")
    options = parser.parse_args()
    print(f"{'pictures':>9} {'loaded':>9} {'peak':>9} {'growth':>9} {'pictures/s':>11}")
    for size in options.sizes:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name) / "pictures"
            folder.mkdir()
            link(options.pictures, folder, size)
            process("add", Path(name) / "d.tamis", folder)
            found = json.loads(
                process("embed", Path(name) / "d.tamis", options.encoder, options.threads)
            )
            assert found["embedded"] == size, found
        growth = found["peak"] - found["before"]
        speed = size / found["seconds"]
        print(
            f"{size:9} {found['before']:6.0f} MB {found['peak']:6.0f} MB {growth:6.0f} MB "
            f"{speed:11.0f}",
            flush=True,
        )


if __name__ == "__main__":
    main()
