"""Import COCO files of outlines, each larger than the last: CPU seconds and peak memory.

    python benchmarks/large_coco.py FOLDER [--megabytes 100 400 1000]

All speak of the same 100,000 pictures, which are rows alone, so that memory that grows is that of
the file. Each import runs in a process of its own.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import time
from pathlib import Path

PICTURES, CLASSES, POINTS = 100_000, 80, 100


def make_dataset(root: Path) -> None:
    """Write a dataset of rows without pictures."""
    import pyarrow as pa

    from tamis.dataset.store import Store

    root.mkdir(parents=True)
    uris = [f"/data/pictures/{n // 1000:03d}/{n:06d}.jpg" for n in range(PICTURES)]
    rows = {
        "sample_id": [f"{n:032x}" for n in range(PICTURES)],
        "path": uris,
        "uri": uris,
        "width": pa.array([640] * PICTURES, pa.int32()),
        "height": pa.array([480] * PICTURES, pa.int32()),
    }
    with Store.create(root / "d.tamis").operation("add") as operation:
        operation.insert(pa.table(rows))


def make_file(file: Path, megabytes: int) -> int:
    """Write a file of outlines, its annotations in no order of pictures; return how many."""
    import json

    import numpy as np

    rng = np.random.default_rng(0)
    images = [
        {"id": n, "file_name": f"{n // 1000:03d}/{n:06d}.jpg", "width": 640, "height": 480}
        for n in range(PICTURES)
    ]
    classes = [{"id": n, "name": f"class{n}"} for n in range(CLASSES)]
    angles = np.arange(POINTS) / POINTS * 2 * np.pi
    round_one = np.stack([np.cos(angles), np.sin(angles)], axis=1).ravel()
    shapes = []
    for _ in range(500):
        radius, (x, y) = float(rng.uniform(4, 60)), rng.uniform(70, 400, 2).tolist()
        ring = np.round(np.tile([x, y], POINTS) + radius * round_one, 2).tolist()
        box = [round(x - radius, 2), round(y - radius, 2), *[round(2 * radius, 2)] * 2]
        shapes.append(json.dumps({"bbox": box, "segmentation": [ring]})[1:])
    count = written = 0
    with file.open("w") as stream:
        stream.write('{"images": ' + json.dumps(images) + ', "annotations": [')
        while written < megabytes * 1_000_000:
            about = f'"id": {count}, "image_id": {count * 7919 % PICTURES}'
            about += f', "category_id": {count % CLASSES}, "iscrowd": 0, '
            written += stream.write(f"{', ' * (count > 0)}{{{about}{shapes[count % 500]}")
            count += 1
        stream.write('], "categories": ' + json.dumps(classes) + "}")
    return count


def do(call: str) -> None:
    """Call a function of this module in a process of its own, whose memory does not count."""
    code = f"import sys; sys.path.insert(0, {str(Path(__file__).parent)!r})\n"
    code += f"from large_coco import *; {call}"
    subprocess.run([sys.executable, "-c", code], check=True)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--megabytes", type=int, nargs="*", default=[100, 400, 1000])
    parser.add_argument("--step", type=int)
    asked = parser.parse_args()
    if asked.step is None:
        do(f"make_dataset(Path({str(asked.folder)!r}))")
        for size in asked.megabytes:
            step = [sys.executable, __file__, asked.folder, "--step", str(size)]
            subprocess.run(step, check=True)
        return
    file = asked.folder / "annotations.json"
    do(f"make_file(Path({str(file)!r}), {asked.step})")
    import tamis

    ds = tamis.open(asked.folder / "d.tamis")
    start = time.process_time()
    report = ds.import_annotations("coco", file, layer=f"layer{asked.step}")
    spent = time.process_time() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    size = file.stat().st_size / 1e6
    print(f"{size:6.0f} MB, {report.imported:9,} outlines: {spent:6.1f} CPU s, {peak:6.0f} MiB",
          flush=True)  # fmt: skip
    file.unlink()


if __name__ == "__main__":
    main()
