"""Import and export a million boxes: CPU seconds and peak memory of each step.

    python benchmarks/million_boxes.py FOLDER

Each step runs in a process of its own. No picture is opened.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pyarrow as pa

import tamis
from tamis.dataset.store import Store

PICTURES, EACH, CLASSES = 100_000, 10, 80
SMALL = "HAS(label = 'class3' AND width < 32 AND height < 32)"


def make(root: Path) -> None:
    """Write a dataset of rows without pictures, and a COCO file of their boxes."""
    root.mkdir(parents=True)
    names = [f"{n // 1000:03d}/{n:06d}.jpg" for n in range(PICTURES)]
    uris = [f"/data/pictures/{name}" for name in names]
    rows = {
        "sample_id": [f"{n:032x}" for n in range(PICTURES)],
        "path": uris,
        "uri": uris,
        "width": pa.array([640] * PICTURES, pa.int32()),
        "height": pa.array([480] * PICTURES, pa.int32()),
    }
    with Store.create(root / "d.tamis").operation("add") as operation:
        operation.insert(pa.table(rows))
    rng = np.random.default_rng(0)
    count = PICTURES * EACH
    corners = np.round(rng.uniform(0, 470, (count, 2)), 2).tolist()
    sides = np.round(rng.uniform(4, 120, (count, 2)), 2).tolist()
    classes = rng.integers(0, CLASSES, count).tolist()
    document = {
        "images": [
            {"id": n, "file_name": name, "width": 640, "height": 480}
            for n, name in enumerate(names)
        ],
        "categories": [{"id": n, "name": f"class{n}"} for n in range(CLASSES)],
        "annotations": [
            {"id": n, "image_id": n // EACH, "category_id": classes[n],
             "bbox": [*corners[n], *sides[n]], "area": sides[n][0] * sides[n][1], "iscrowd": 0}
            for n in range(count)
        ],
    }  # fmt: skip
    (root / "truth.json").write_text(json.dumps(document))


def step(name: str, root: Path) -> None:
    """Do one step and print what it cost."""
    ds = tamis.open(root / "d.tamis")
    start = time.process_time()
    match name:
        case "import coco":
            ds.import_annotations("coco", root / "truth.json")
        case "count by class":
            ds.layers()
        case "where":
            ds.store.count(SMALL)
        case "export coco" | "export yolo":
            ds.export(name.split()[1], root / name, pictures=False)
        case "import yolo":
            ds.import_annotations("yolo", root / "export yolo", layer="back")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{name:<15} {time.process_time() - start:6.1f} CPU s  {peak:6.0f} MiB", flush=True)


STEPS = ("import coco", "count by class", "where", "export coco", "export yolo", "import yolo")

if __name__ == "__main__":
    folder = Path(sys.argv[1])
    if len(sys.argv) > 2:
        step(sys.argv[2], folder)
    else:
        make(folder)
        for one in STEPS:
            subprocess.run([sys.executable, __file__, str(folder), one], check=True)
