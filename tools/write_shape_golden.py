"""Write tests/data/detection/masks.json and keypoints.json: what pycocotools says of random ones.

Run it with a Python that has pycocotools:  python tools/write_shape_golden.py
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from pycocotools import mask as masks
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

FOLDER = Path(__file__).parents[1] / "tests" / "data" / "detection"
WIDTH, HEIGHT, POINTS = 150, 110, 17
CROWDS, CROSSING, RIGHT, BLANK = 0.1, 0.2, 0.85, 0.15


def ring(rng: np.random.Generator, corners: int) -> list[float]:
    """Return an outline that may cross itself and leave the picture."""
    middle = rng.uniform((0, 0), (WIDTH, HEIGHT))
    size = rng.choice([8, 30, 60])
    if rng.random() < CROSSING:
        points = middle + rng.uniform(-size, size, (corners, 2))  # crosses itself
    else:
        angles = np.sort(rng.uniform(0, 2 * np.pi, corners))
        points = middle + size * np.stack([np.cos(angles), np.sin(angles)], axis=1)
    decimals = int(rng.choice([0, 1, 2]))
    return [round(float(value), decimals) for value in points.ravel()]


def merged(rings: list[list[float]]) -> dict[str, Any]:
    """Return the run-length code of an outline."""
    return masks.merge(masks.frPyObjects(rings, HEIGHT, WIDTH))


def masked(seed: int, pictures: int, classes: int) -> tuple[list[dict], list[dict]]:
    """Return true outlines or run lengths, and predicted run-length codes."""
    rng = np.random.default_rng(seed)
    true, predicted = [], []
    for picture in range(pictures):
        for _ in range(rng.integers(0, 6)):
            rings = [ring(rng, int(rng.integers(3, 9))) for _ in range(rng.choice([1, 1, 2, 3]))]
            code = merged(rings)
            if not masks.area(code):
                continue
            crowd = bool(rng.random() < CROWDS)
            label = int(rng.integers(classes))
            one = {"picture": picture, "label": label, "crowd": crowd}
            one |= {"counts": code["counts"].decode()} if crowd else {"rings": rings}
            true.append({**one, "area": int(masks.area(code))})
            for _ in range(rng.integers(0, 3)):
                pixels = masks.decode(code)
                shift = int(rng.integers(-3, 4))
                moved = masks.encode(np.asfortranarray(np.roll(pixels, shift, axis=1)))
                predicted.append(
                    {
                        "picture": picture, "label": label if rng.random() < RIGHT else 0,
                        "counts": moved["counts"].decode(), "score": round(rng.random(), 1),
                    }
                )  # fmt: skip
    return true, predicted


def posed(seed: int, pictures: int, classes: int) -> tuple[list[dict], list[dict]]:
    """Return true keypoints, some without a visible one, and predicted ones."""
    rng = np.random.default_rng(seed)
    true, predicted = [], []
    for picture in range(pictures):
        for _ in range(rng.integers(0, 6)):
            size = rng.choice([40, 80, 200]) * rng.uniform(0.7, 1.3, 2)
            corner = rng.uniform(0, 200, 2)
            points = corner + rng.uniform(0, 1, (POINTS, 2)) * size
            seen = rng.choice([0, 1, 2], POINTS) * (rng.random() > BLANK)
            label = int(rng.integers(classes))
            kept = np.where(seen[:, None] > 0, points, 0)
            true.append(
                {
                    "picture": picture, "label": label, "crowd": bool(rng.random() < CROWDS / 2),
                    "box": [round(float(v), 2) for v in (*corner, *size)],
                    "area": round(float(size.prod() * 0.6), 2),
                    "points": numbers(kept, seen),
                }
            )  # fmt: skip
            for _ in range(rng.integers(0, 3)):
                moved = points + rng.normal(0, 0.03, (POINTS, 2)) * size
                predicted.append(
                    {
                        "picture": picture, "label": label if rng.random() < RIGHT else 0,
                        "points": numbers(moved, np.ones(POINTS)), "score": round(rng.random(), 1),
                    }
                )  # fmt: skip
    return true, predicted


def numbers(points: Any, seen: Any) -> list[float]:
    """Return x, y and visibility of each point."""
    return [
        value
        for (x, y), mark in zip(points, seen, strict=True)
        for value in (round(float(x), 1), round(float(y), 1), int(mark))
    ]


def judged(kind: str, true: list[dict], predicted: list[dict], pictures: int, classes: int) -> dict:
    """Return what pycocotools says."""

    def shape(one: dict) -> dict:
        if "points" in one:
            seen = sum(mark > 0 for mark in one["points"][2::3])
            return {"keypoints": one["points"], "num_keypoints": seen}
        if "counts" in one:
            return {"segmentation": {"counts": one["counts"], "size": [HEIGHT, WIDTH]}}
        return {"segmentation": one["rings"]}

    coco = COCO()
    coco.dataset = {
        "info": {},
        "images": [{"id": n + 1, "width": WIDTH, "height": HEIGHT} for n in range(pictures)],
        "categories": [{"id": n + 1, "name": str(n)} for n in range(classes)],
        "annotations": [
            {
                "id": n + 1, "image_id": one["picture"] + 1, "category_id": one["label"] + 1,
                "area": one["area"], "iscrowd": int(one["crowd"]), "bbox": one.get("box", [0] * 4),
                **shape(one),
            }
            for n, one in enumerate(true)
        ],
    }  # fmt: skip
    coco.createIndex()
    results = coco.loadRes(
        [
            {
                "image_id": one["picture"] + 1, "category_id": one["label"] + 1,
                "score": one["score"], **shape(one),
            }
            for one in predicted
        ]
    )  # fmt: skip
    judge = COCOeval(coco, results, kind)
    judge.evaluate()
    judge.accumulate()
    judge.summarize()
    precision = judge.eval["precision"][:, :, :, :, -1].mean(axis=1)  # thresholds, classes, sizes
    recall = judge.eval["recall"][:, :, :, -1]
    return {"precision": precision.tolist(), "recall": recall.tolist()}


if __name__ == "__main__":
    for name, kind, made in (("masks", "segm", masked), ("keypoints", "keypoints", posed)):
        cases = []
        for seed, pictures, classes in ((0, 8, 2), (1, 12, 3)):
            true, predicted = made(seed, pictures, classes)
            said = judged(kind, true, predicted, pictures, classes)
            cases.append({"classes": classes, "true": true, "predicted": predicted, **said})
        text = json.dumps(cases, separators=(",", ":"))
        (FOLDER / f"{name}.json").write_text(text + "\n", encoding="utf-8")
