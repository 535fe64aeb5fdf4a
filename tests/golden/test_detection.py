"""Average precision is what pycocotools says."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from tamis.algo.detection.average_precision import SIZES, evaluate_objects
from tamis.algo.detection.objects import Objects

FILE = Path(__file__).parents[1] / "data" / "detection" / "pycocotools.json"
CASES = json.loads(FILE.read_text(encoding="utf-8"))


def boxes(rows: list[dict]) -> Objects:
    box = np.array([row["box"] for row in rows], float)
    return Objects(
        picture=np.array([row["picture"] for row in rows]),
        label=np.array([row["label"] for row in rows]),
        box=box,
        score=np.array([row.get("score", 1.0) for row in rows]),
        area=box[:, 2] * box[:, 3],
        crowd=np.array([row.get("crowd", False) for row in rows]),
    )


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case['classes']} classes")
def test_precision_and_recall_equal_those_of_pycocotools(case):
    found = evaluate_objects(boxes(case["true"]), boxes(case["predicted"]), case["classes"])
    expected = np.array(case["precision"])
    np.testing.assert_allclose(np.nan_to_num(found.precision, nan=-1), expected, atol=1e-9, rtol=0)
    stats = [found.mean(), found.mean(threshold=0), found.mean(threshold=5)]
    stats += [found.mean(size) for size in list(SIZES)[1:]]
    np.testing.assert_allclose(stats, case["stats"][:6], atol=1e-9)
    recalls = [found.mean_recall(size) for size in SIZES]
    np.testing.assert_allclose(recalls, case["stats"][8:], atol=1e-9)


def test_the_order_of_pictures_and_true_boxes_does_not_matter():
    case = CASES[0]
    once = evaluate_objects(boxes(case["true"]), boxes(case["predicted"]), case["classes"])
    again = evaluate_objects(boxes(case["true"][::-1]), boxes(case["predicted"]), case["classes"])
    np.testing.assert_array_equal(once.precision, again.precision)
