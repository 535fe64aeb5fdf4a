"""Average precision beside pycocotools and faster-coco-eval: the same figures, and their time.

    python benchmarks/evaluation.py --peer PYTHON [--pictures 5000] [--masks]

PYTHON is one that has both packages. Random truths and predictions of 80 classes are written as
COCO files; each side loads them before its clock starts, and the peers run in a process of their
own. Printed are the mean average precision and the CPU seconds of the evaluation alone.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import tempfile
from pathlib import Path

import numpy as np

from tamis.algo.detection.average_precision import evaluate_objects
from tamis.algo.detection.mask_pairs import boxes_of_masks
from tamis.algo.detection.objects import Objects
from tamis.algo.detection.run_masks import RunMask

CLASSES, EACH, WIDTH, HEIGHT = 80, 8, 640, 480

PEERS = """
import contextlib, io, json, resource, sys
truth, results, kind, width, height = sys.argv[1:]
results = json.load(open(results))
if kind == "segm":
    from pycocotools import mask
    for one in results:
        code = mask.merge(mask.frPyObjects(one["segmentation"], int(height), int(width)))
        one["segmentation"] = {"size": code["size"], "counts": code["counts"].decode()}
for name in ("pycocotools", "faster-coco-eval"):
    if name == "pycocotools":
        from pycocotools.coco import COCO
        from pycocotools.cocoeval import COCOeval as Judge
    else:
        from faster_coco_eval import COCO
        from faster_coco_eval import COCOeval_faster as Judge
    with contextlib.redirect_stdout(io.StringIO()):
        coco = COCO(truth)
        judge = Judge(coco, coco.loadRes(json.loads(json.dumps(results))), kind)
        begin = resource.getrusage(resource.RUSAGE_SELF)
        judge.evaluate(); judge.accumulate()
        end = resource.getrusage(resource.RUSAGE_SELF)
        judge.summarize()
    spent = end.ru_utime + end.ru_stime - begin.ru_utime - begin.ru_stime
    print(json.dumps([name, float(judge.stats[0]), spent]))
"""


def made(pictures, masks):
    """Truths and predictions as COCO has them."""
    rng = np.random.default_rng(0)
    true, found = [], []
    for picture in range(1, pictures + 1):
        for _ in range(EACH):
            label = int(rng.zipf(1.6)) % CLASSES + 1
            size = rng.uniform(10, 150, 2)
            corner = rng.uniform(0, (WIDTH - 150, HEIGHT - 150))
            about = {"id": len(true) + 1, "image_id": picture, "category_id": label}
            true.append(shaped(rng, about, corner, size, masks))
            for _ in range(rng.integers(0, 4)):
                near = corner + rng.normal(0, 0.08, 2) * size
                one = shaped(rng, about, near, size, masks)
                found.append({**one, "score": round(float(rng.random()), 3)})
    return true, found


def shaped(rng, about, corner, size, masks):
    """One object as COCO has it."""
    box = [round(float(value), 2) for value in (*corner, *size)]
    one = {**about, "bbox": box, "iscrowd": 0}
    one["area"] = box[2] * box[3]
    if masks:
        angles = np.linspace(0, 2 * np.pi, 24, endpoint=False)
        middle = np.array(box[:2]) + np.array(box[2:]) / 2
        reach = np.array(box[2:]) / 2 * rng.uniform(0.9, 1, (24, 1))
        ring = middle + np.stack([np.cos(angles), np.sin(angles)], axis=1) * reach
        one["segmentation"] = [np.round(ring, 2).ravel().tolist()]
    return one


def objects(rows, masks):
    box = np.array([row["bbox"] for row in rows], float)
    area = np.array([row["area"] for row in rows], float)
    shapes = None
    if masks:
        shapes = np.empty(len(rows), object)
        outlines = [row["segmentation"] for row in rows]
        shapes[:] = RunMask.of_outlines(outlines, np.full((len(rows), 2), (WIDTH, HEIGHT)))
        box = boxes_of_masks(shapes, np.full(len(rows), HEIGHT))
    return Objects(
        np.array([row["image_id"] for row in rows]),
        np.array([row["category_id"] - 1 for row in rows]),
        box,
        np.array([row.get("score", 1.0) for row in rows]),
        area,
        np.zeros(len(rows), bool),
        shapes,
    )


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--peer", required=True)
    parser.add_argument("--pictures", type=int, default=5000)
    parser.add_argument("--masks", action="store_true")
    options = parser.parse_args()
    true, found = made(options.pictures, options.masks)
    print(f"{options.pictures} pictures, {len(true)} truths, {len(found)} predictions")
    begin = resource.getrusage(resource.RUSAGE_SELF)
    sides = objects(true, options.masks), objects(found, options.masks)
    ready = resource.getrusage(resource.RUSAGE_SELF)
    result = evaluate_objects(*sides, CLASSES)
    end = resource.getrusage(resource.RUSAGE_SELF)
    spent = [
        later.ru_utime + later.ru_stime - earlier.ru_utime - earlier.ru_stime
        for earlier, later in ((begin, ready), (ready, end))
    ]
    # the peers rasterize outlines as they evaluate, so ours counts too
    seconds = sum(spent) if options.masks else spent[1]
    print(f"{'tamis':18}{result.mean():.9f}  {seconds:7.2f} CPU s")
    with tempfile.TemporaryDirectory() as folder:
        names = [Path(folder) / name for name in ("truth.json", "results.json")]
        images = [
            {"id": number, "width": WIDTH, "height": HEIGHT}
            for number in range(1, options.pictures + 1)
        ]
        categories = [{"id": number, "name": str(number)} for number in range(1, CLASSES + 1)]
        document = {"info": {}, "images": images, "categories": categories, "annotations": true}
        names[0].write_text(json.dumps(document))
        names[1].write_text(json.dumps(results(found, options.masks)))
        kind = "segm" if options.masks else "bbox"
        command = [options.peer, "-c", PEERS, *map(str, names), kind, str(WIDTH), str(HEIGHT)]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
    for line in done.stdout.splitlines():
        name, precision, seconds = json.loads(line)
        print(f"{name:18}{precision:.9f}  {seconds:7.2f} CPU s")


def results(found, masks):
    """Predictions as the peers load them."""
    kept = ("image_id", "category_id", "score", "segmentation" if masks else "bbox")
    return [{name: row[name] for name in kept} for row in found]


if __name__ == "__main__":
    main()
