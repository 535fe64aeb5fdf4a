"""Import and export a million boxes: CPU seconds and peak memory of each step, beside other tools.

    python benchmarks/million_boxes.py FOLDER [--boxes N] [--tools PYTHON]

Each step runs in a process of its own, which first loads what it needs; CPU seconds are those of
the step, the peak is that of the process. No picture is opened, except that some of the other tools
insist on files: they get empty ones where that is enough. `--tools` names a Python with
`datumaro`, `supervision` and `labelformat`, which do the same in the same run.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import time
from pathlib import Path

EACH, CLASSES = 10, 80
SMALL = "HAS(label = 'class3' AND width < 32 AND height < 32)"
OURS = (
    "import coco",
    "count by class",
    "where",
    "export coco",
    "export yolo",
    "import yolo",
)
THEIRS = ("labelformat", "supervision", "datumaro")
LIMIT = 1800


def names(boxes: int) -> list[str]:
    return [f"{n // 1000:03d}/{n:06d}.jpg" for n in range(boxes // EACH)]


def make(root: Path, boxes: int) -> None:
    """Write a dataset of rows without pictures, and a COCO file of their boxes."""
    import numpy as np
    import pyarrow as pa

    from tamis.dataset.store import Store

    root.mkdir(parents=True)
    files = names(boxes)
    uris = [f"/data/pictures/{name}" for name in files]
    rows = {
        "sample_id": [f"{n:032x}" for n in range(len(files))],
        "path": uris,
        "uri": uris,
        "width": pa.array([640] * len(files), pa.int32()),
        "height": pa.array([480] * len(files), pa.int32()),
    }
    with Store.create(root / "d.tamis").operation("add") as operation:
        operation.insert(pa.table(rows))
    rng = np.random.default_rng(0)
    corners = np.round(rng.uniform(0, 470, (boxes, 2)), 2).tolist()
    sides = np.round(rng.uniform(4, 120, (boxes, 2)), 2).tolist()
    classes = rng.integers(0, CLASSES, boxes).tolist()
    document = {
        "images": [
            {"id": n, "file_name": name, "width": 640, "height": 480}
            for n, name in enumerate(files)
        ],
        "annotations": [
            {"id": n, "image_id": n // EACH, "category_id": classes[n],
             "bbox": [*corners[n], *sides[n]], "area": sides[n][0] * sides[n][1], "iscrowd": 0}
            for n in range(boxes)
        ],
        "categories": [{"id": n, "name": f"class{n}"} for n in range(CLASSES)],
    }  # fmt: skip
    (root / "truth.json").write_text(json.dumps(document))


def our_step(name: str, root: Path) -> float:
    import tamis

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
    return time.process_time() - start


def their_step(name: str, root: Path) -> float:
    tool, verb, form = name.split()
    out = root / name
    start = 0.0
    if tool == "labelformat":
        from labelformat.formats import (
            COCOObjectDetectionInput,
            COCOObjectDetectionOutput,
            YOLOv8ObjectDetectionInput,
            YOLOv8ObjectDetectionOutput,
        )

        start = time.process_time()
        source = COCOObjectDetectionInput(input_file=root / "truth.json")
        if verb == "import":
            if form == "yolo":
                start = time.process_time()
                source = YOLOv8ObjectDetectionInput(
                    input_file=root / "labelformat export yolo" / "data.yaml", input_split="train"
                )
            assert sum(len(one.objects) for one in source.get_labels())
        elif form == "coco":
            COCOObjectDetectionOutput(output_file=out / "out.json").save(label_input=source)
        else:
            YOLOv8ObjectDetectionOutput(output_file=out / "data.yaml", output_split="train").save(
                label_input=source
            )
    elif tool == "supervision":
        from supervision import DetectionDataset

        start = time.process_time()
        data = DetectionDataset.from_coco(str(root / "pictures"), str(root / "truth.json"))
        if verb == "export":
            data.as_yolo(annotations_directory_path=str(out), data_yaml_path=str(out / "d.yaml"))
    else:
        from datumaro import Dataset

        start = time.process_time()
        data = Dataset.import_from(str(root / "datumaro"), "coco_instances")
        assert len(data)
        if verb == "export":
            data.export(str(out), "coco_instances" if form == "coco" else "yolo")
    return time.process_time() - start


def report(name: str, root: Path) -> None:
    """Do one step and print what it cost."""
    spent = their_step(name, root) if name.split(maxsplit=1)[0] in THEIRS else our_step(name, root)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{name:<24} {spent:7.1f} CPU s {peak:7.0f} MiB", flush=True)


def prepare_for_others(root: Path) -> None:
    """Lay the COCO file out as datumaro wants it."""
    folder = root / "datumaro" / "annotations"
    folder.mkdir(parents=True)
    (folder / "instances_train.json").hardlink_to(root / "truth.json")
    (root / "datumaro" / "images" / "train").mkdir(parents=True)


STEPS_OF_OTHERS = (
    "labelformat import coco",
    "labelformat export coco",
    "labelformat export yolo",
    "datumaro import coco",
    "datumaro export coco",
    "datumaro export yolo",
    "supervision import coco",
)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--boxes", type=int, default=1_000_000)
    parser.add_argument("--tools")
    parser.add_argument("--step")
    asked = parser.parse_args()
    if asked.step == "make":
        make(asked.folder, asked.boxes)
        return
    if asked.step:
        report(asked.step, asked.folder)
        return
    # in a process of its own too: what follows would inherit its peak
    making = [sys.executable, __file__, str(asked.folder), "--boxes", str(asked.boxes)]
    subprocess.run([*making, "--step", "make"], check=True)
    steps = [(sys.executable, step) for step in OURS]
    if asked.tools:
        prepare_for_others(asked.folder)
        steps += [(asked.tools, step) for step in STEPS_OF_OTHERS]
    for python, step in steps:
        command = [python, __file__, str(asked.folder), "--step", step]
        try:
            done = subprocess.run(command, stderr=subprocess.PIPE, timeout=LIMIT, check=False)
            if done.returncode:
                last = done.stderr.decode().strip().splitlines()[-1:]
                print(f"{step:<24} failed: {' '.join(last)[:200]}", flush=True)
        except subprocess.TimeoutExpired:
            print(f"{step:<24} not done after {LIMIT} s", flush=True)


if __name__ == "__main__":
    main()
