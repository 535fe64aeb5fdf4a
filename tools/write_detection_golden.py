"""Write tests/golden/detection.json: random detections and what pycocotools says of them.

Run it with a Python that has pycocotools:  python tools/write_detection_golden.py
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

OUT = Path(__file__).parents[1] / "tests" / "data" / "detection" / "pycocotools.json"


CROWDS = 0.08
RIGHT = 0.85


def detections(seed: int, pictures: int, classes: int) -> tuple[list[dict], list[dict]]:
    """Return true boxes and predictions, some of them shifted, of another class or invented."""
    rng = np.random.default_rng(seed)
    true, predicted = [], []
    for picture in range(pictures):
        for _ in range(rng.integers(0, 7)):
            size = rng.choice([12, 50, 130]) * rng.uniform(0.6, 1.5, 2)
            box = [*rng.uniform(0, 300, 2), *size]
            label = int(rng.integers(classes))
            true.append((picture, label, box, bool(rng.random() < CROWDS)))
            for _ in range(rng.integers(0, 3)):
                moved = np.array(box) + rng.normal(0, 0.07, 4) * [*size, *size]
                other = label if rng.random() < RIGHT else int(rng.integers(classes))
                # few different scores, so that many are equal
                predicted.append((picture, other, moved, round(float(rng.random()), 1)))
        for _ in range(rng.integers(0, 3)):
            box = [*rng.uniform(0, 300, 2), *rng.uniform(10, 150, 2)]
            predicted.append(
                (picture, int(rng.integers(classes)), box, round(float(rng.random()), 2))
            )
    return (
        [
            {"picture": p, "label": c, "box": [round(float(v), 3) for v in b], "crowd": crowd}
            for p, c, b, crowd in true
        ],
        [
            {"picture": p, "label": c, "box": [round(float(v), 3) for v in b], "score": s}
            for p, c, b, s in predicted
        ],
    )


def judged(true: list[dict], predicted: list[dict], pictures: int, classes: int) -> dict:
    """Return what pycocotools says."""
    coco = COCO()
    coco.dataset = {
        "info": {},
        "images": [{"id": n + 1, "width": 500, "height": 500} for n in range(pictures)],
        "categories": [{"id": n + 1, "name": str(n)} for n in range(classes)],
        "annotations": [
            {
                "id": n + 1, "image_id": one["picture"] + 1, "category_id": one["label"] + 1,
                "bbox": one["box"], "area": one["box"][2] * one["box"][3],
                "iscrowd": int(one["crowd"]),
            }
            for n, one in enumerate(true)
        ],
    }  # fmt: skip
    coco.createIndex()
    results = coco.loadRes(
        [
            {
                "image_id": one["picture"] + 1, "category_id": one["label"] + 1,
                "bbox": one["box"], "score": one["score"],
            }
            for one in predicted
        ]
    )  # fmt: skip
    judge = COCOeval(coco, results, "bbox")
    judge.evaluate()
    judge.accumulate()
    judge.summarize()
    precision = judge.eval["precision"][:, :, :, :, -1].mean(axis=1)  # thresholds, classes, sizes
    return {"stats": judge.stats.tolist(), "precision": precision.tolist()}


if __name__ == "__main__":
    cases = []
    for seed, pictures, classes in ((0, 12, 3), (1, 6, 1), (2, 20, 5)):
        true, predicted = detections(seed, pictures, classes)
        said = judged(true, predicted, pictures, classes)
        cases.append({"classes": classes, "true": true, "predicted": predicted, **said})
    OUT.write_text(json.dumps(cases, separators=(",", ":")) + "\n", encoding="utf-8")
