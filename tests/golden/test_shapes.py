"""Average precision of masks and keypoints is what pycocotools says."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from tamis.algo.detection.average_precision import evaluate_objects
from tamis.algo.detection.objects import Objects
from tamis.algo.detection.overlap import overlaps
from tamis.algo.detection.run_masks import RunMask
from tamis.algo.run_lengths import box_of_counts, read_counts

FOLDER = Path(__file__).parents[1] / "data" / "detection"
MASKS = json.loads((FOLDER / "masks.json").read_text(encoding="utf-8"))
KEYPOINTS = json.loads((FOLDER / "keypoints.json").read_text(encoding="utf-8"))
WIDTH, HEIGHT = 150, 110
KEYPOINT_SIZES = [0, 2, 3]  # all, medium and large: keypoints are not evaluated on small objects


def mask(row: dict) -> RunMask:
    if "rings" in row:
        [found] = RunMask.of_outlines([row["rings"]], np.array([[WIDTH, HEIGHT]]))
        return found
    return RunMask.of_counts(read_counts(row["counts"]))


def box(row: dict) -> list[float]:
    if "rings" in row:
        every = np.concatenate([np.reshape(ring, (-1, 2)) for ring in row["rings"]])
        return [*every.min(axis=0), *np.ptp(every, axis=0)]
    return list(box_of_counts(read_counts(row["counts"]), HEIGHT) or (0, 0, 0, 0))


def masked(rows: list[dict]) -> Objects:
    each = np.empty(len(rows), object)
    each[:] = [mask(row) for row in rows]
    return objects(rows, [box(row) for row in rows], [one.area for one in each], masks=each)


def posed(rows: list[dict]) -> Objects:
    points = np.array([row["points"] for row in rows], float).reshape(len(rows), -1, 3)
    low, high = points[..., :2].min(axis=1), points[..., :2].max(axis=1)
    boxes = [row.get("box", [*a, *b]) for row, a, b in zip(rows, low, high - low, strict=True)]
    areas = [row.get("area", b[2] * b[3]) for row, b in zip(rows, boxes, strict=True)]
    return objects(rows, boxes, areas, keypoints=points)


def objects(rows: list[dict], boxes, areas, **shapes) -> Objects:
    return Objects(
        picture=np.array([row["picture"] for row in rows]),
        label=np.array([row["label"] for row in rows]),
        box=np.array(boxes, float),
        score=np.array([row.get("score", 1.0) for row in rows]),
        area=np.array(areas, float),
        crowd=np.array([row.get("crowd", False) for row in rows]),
        **shapes,
    )


@pytest.mark.parametrize("case", MASKS, ids=lambda case: f"{case['classes']} classes")
def test_masks_equal_pycocotools(case):
    found = evaluate_objects(masked(case["true"]), masked(case["predicted"]), case["classes"])
    for side in ("precision", "recall"):
        ours = np.nan_to_num(getattr(found, side), nan=-1)
        np.testing.assert_allclose(ours, case[side], atol=1e-6, rtol=0)


@pytest.mark.parametrize("case", MASKS, ids=lambda case: f"{case['classes']} classes")
def test_an_outline_covers_the_pixels_that_it_does_in_pycocotools(case):
    areas = [mask(row).area for row in case["true"]]
    assert areas == [row["area"] for row in case["true"]]


def test_many_outlines_at_once_are_the_same_as_each_alone():
    outlines = [row["rings"] for case in MASKS for row in case["true"] if "rings" in row]
    sizes = np.array([[WIDTH, HEIGHT], [WIDTH + 9, HEIGHT - 7]])[np.arange(len(outlines)) % 2]
    together = RunMask.of_outlines([*outlines, []], np.vstack([sizes, sizes[:1]]))
    for outline, size, found in zip(outlines, sizes, together[:-1], strict=True):
        [alone] = RunMask.of_outlines([outline], size[None])
        np.testing.assert_array_equal(found.bounds, alone.bounds)
    assert together[-1].area == 0


@pytest.mark.parametrize("case", KEYPOINTS, ids=lambda case: f"{case['classes']} classes")
def test_keypoints_equal_pycocotools(case):
    found = evaluate_objects(posed(case["true"]), posed(case["predicted"]), case["classes"])
    for side in ("precision", "recall"):
        ours = np.nan_to_num(getattr(found, side)[..., KEYPOINT_SIZES], nan=-1)
        np.testing.assert_allclose(ours, case[side], atol=1e-6, rtol=0)


def test_of_a_crowd_only_the_area_of_what_was_found_counts():
    mask_of = [RunMask.of_counts(counts) for counts in ([5, 10, 85], [0, 10, 90], [0, 50, 50])]
    each = np.empty(3, object)
    each[:] = mask_of
    rows = [{"picture": 0, "label": 0, "crowd": number == 2} for number in range(3)]
    boxes = [mask.box(10) for mask in mask_of]
    side = objects(rows, boxes, [mask.area for mask in mask_of], masks=each)
    found = overlaps(side, side, np.array([0, 0, 0]), np.array([0, 1, 2]))
    assert found.tolist() == pytest.approx([1, 5 / 15, 1])


def test_where_no_keypoint_is_marked_the_distance_is_to_a_box_of_three_times_the_size():
    points = np.array([[[0, 0, 2], [30, 30, 2]], [[30.5, 15, 2], [15, 15, 2]]], float)
    found = objects(
        [{"picture": 0, "label": 0}] * 2, [[0, 0, 9, 9]] * 2, [81, 81], keypoints=points
    )
    true = objects(
        [{"picture": 0, "label": 0}], [[10, 10, 10, 10]], [100], keypoints=np.zeros((1, 2, 3))
    )
    alike = overlaps(found, true, np.array([0, 1]), np.array([0, 0]))
    half = np.exp(-(0.5**2) / (2 * 0.05) ** 2 / 100 / 2)
    assert alike.tolist() == pytest.approx([1, (half + 1) / 2])
