"""Predictions beside the truth: boxes and classes, right ones, missed ones, and by slice."""

from __future__ import annotations

import json

import numpy as np
import pytest
from PIL import Image
from sklearn.metrics import average_precision_score

import tamis
from tamis.algo.ranked_precision import ranked_precision
from tamis.errors import UsageError

SIZE = (200, 160)


@pytest.fixture
def dataset(tmp_path):
    folder = tmp_path / "images"
    folder.mkdir()
    for number in range(3):
        Image.effect_noise(SIZE, 40 + number).save(folder / f"{number}.png")
    ds = tamis.open(tmp_path / "d.tamis")
    ds.add(str(folder))
    return ds


def bring(ds, tmp_path, layer, *boxes):
    """Import boxes: picture, class, x, y, width, height, and of predictions a confidence."""
    names = ["file", "label", "x", "y", "width", "height", "confidence"]
    lines = [",".join(names), *(",".join(map(str, box)) for box in boxes)]
    (tmp_path / "t.csv").write_text("\n".join(lines) + "\n")
    ds.import_annotations("csv", tmp_path / "t.csv", layer=layer)


TRUTH = [
    ("0.png", "cat", 10, 10, 40, 40, ""),
    ("0.png", "dog", 100, 10, 40, 40, ""),
    ("1.png", "cat", 10, 10, 40, 40, ""),
]
MODEL = [
    ("0.png", "cat", 10, 10, 40, 40, 0.9),
    ("0.png", "cat", 100, 10, 40, 40, 0.8),  # a dog
    ("1.png", "cat", 150, 100, 20, 20, 0.7),  # nothing
    ("1.png", "cat", 10, 10, 40, 40, 0.2),  # too unsure
]


def confusion(report):
    return {(one.truth, one.predicted): one.count for one in report.confusion}


def test_boxes_are_right_confused_missed_or_invented(dataset, tmp_path):
    bring(dataset, tmp_path, "truth", *TRUTH)
    bring(dataset, tmp_path, "model", *MODEL)
    report = dataset.evaluate("model")
    assert report.pictures == 2  # of three; nothing is said of the last
    assert confusion(report) == {
        ("cat", "cat"): 1, ("dog", "cat"): 1, (None, "cat"): 1, ("cat", None): 1,
    }  # fmt: skip
    assert report.precision.value == pytest.approx(1 / 3)
    assert report.recall.value == pytest.approx(1 / 3)
    assert report.recall.low < 1 / 3 < report.recall.high
    assert [(one.label, one.recall.value) for one in report.classes] == [("dog", 0), ("cat", 0.5)]
    [worst, other] = report.worst
    assert (worst.path[-5:], worst.missed, worst.invented, worst.confused) == ("1.png", 1, 1, 0)
    assert (other.path[-5:], other.confused) == ("0.png", 1)
    surer = dataset.evaluate("model", confidence=0.1)
    assert surer.recall.value == pytest.approx(2 / 3)
    assert surer.ap == report.ap  # which looks at all confidences


def test_pictures_with_a_mistake_get_a_tag_which_undo_takes_off(dataset, tmp_path):
    bring(dataset, tmp_path, "truth", *TRUTH)
    bring(dataset, tmp_path, "model", *MODEL, ("2.png", "cat", 0, 0, 9, 9, 0.1))
    assert dataset.evaluate("model").tagged is None
    assert dataset.evaluate("model", tag="hard").tagged == 2
    assert dataset.evaluate("model", tag="hard").tagged == 0
    table = dataset.table(["path", "tags"]).sort_by("path")
    assert table["tags"].to_pylist() == [["hard"], ["hard"], None]
    assert dataset.undo().undone.verb == "evaluate"
    assert set(dataset.table(["tags"])["tags"].to_pylist()) == {None}


def test_average_precision_of_perfect_predictions_is_one(dataset, tmp_path):
    bring(dataset, tmp_path, "truth", *TRUTH)
    bring(dataset, tmp_path, "model", *[(*box[:6], 0.5) for box in TRUTH])
    report = dataset.evaluate("model")
    assert report.ap == report.ap50 == report.ap75 == pytest.approx(1)
    assert {one.size: one.recall for one in report.sizes} == {
        "small": None, "medium": pytest.approx(1), "large": None,
    }  # fmt: skip


def test_a_prediction_with_just_the_confidence_that_is_asked_for_counts(dataset, tmp_path):
    bring(dataset, tmp_path, "truth", *TRUTH[:1])
    bring(dataset, tmp_path, "model", MODEL[0])
    dataset.add_annotations(["0.png"], "cat", layer="truth")
    dataset.add_annotations(["0.png"], "cat", scores=[0.9], layer="whole")
    for layer in ("model", "whole"):
        assert dataset.evaluate(layer, confidence=0.9).recall.value == 1
        assert dataset.evaluate(layer, confidence=0.91).recall.value == 0


def test_each_average_precision_is_at_its_own_overlap(dataset, tmp_path):
    truth = [("0.png", "cat", 0, 0, 100, 100, ""), ("1.png", "dog", 0, 0, 100, 100, "")]
    model = [
        ("0.png", "cat", 0, 0, 100, 72, 0.9),
        ("1.png", "dog", 0, 0, 100, 52, 0.8),
        ("0.png", "dog", 100, 0, 100, 100, 0.9),  # nothing
    ]
    bring(dataset, tmp_path, "truth", *truth)
    bring(dataset, tmp_path, "model", *model)
    report = dataset.evaluate("model")
    # of ten overlaps from 0.5 the cat has five and the dog one, at half the precision
    assert (report.ap, report.ap50, report.ap75) == pytest.approx((0.275, 0.75, 0))
    each = {one.label: (one.ap, one.ap50) for one in report.classes}
    assert each == {"cat": pytest.approx((0.5, 1)), "dog": pytest.approx((0.05, 0.5))}
    sizes = {one.size: (one.ap, one.recall) for one in report.sizes}
    assert sizes["large"] == pytest.approx((0.275, 0.3))
    assert sizes["small"] == (None, None)


def test_predictions_of_equal_confidence_count_together():
    rng = np.random.default_rng(1)
    for classes in (3, 10, 60):
        right, score = rng.random(60) < 0.4, rng.integers(0, classes, 60) / classes
        expected = average_precision_score(right, score)
        assert ranked_precision(right, score, int(right.sum())) == pytest.approx(expected)


def test_slices_come_worst_first(dataset, tmp_path):
    bring(dataset, tmp_path, "truth", *TRUTH)
    bring(dataset, tmp_path, "model", *MODEL)
    ids = dataset.table(["sample_id", "path"]).sort_by("path")["sample_id"].to_pylist()
    with dataset.store.operation("split") as op:
        op.set_marks(ids, {"split": ["train", "val", "val"]})
    found = dataset.evaluate("model", by=["split"]).slices
    assert [(one.value, one.pictures, one.truths, one.recall.value) for one in found] == [
        ("val", 2, 1, 0), ("train", 1, 2, 0.5),
    ]  # fmt: skip
    assert dataset.evaluate("model", where="split = 'train'").pictures == 1


def test_sizes_follow_the_area_that_a_coco_file_gives(dataset, tmp_path):
    entry = {"id": 1, "image_id": 1, "category_id": 1, "bbox": [0, 0, 40, 40], "area": 300}
    document = {
        "images": [{"id": 1, "file_name": "0.png"}],
        "categories": [{"id": 1, "name": "cat"}],
        "annotations": [entry],
    }
    (tmp_path / "c.json").write_text(json.dumps(document))
    dataset.import_annotations("coco", tmp_path / "c.json")
    bring(dataset, tmp_path, "model", ("0.png", "cat", 0, 0, 40, 40, 0.9))
    sizes = {one.size: one.recall for one in dataset.evaluate("model").sizes}
    assert sizes["small"] == pytest.approx(1)


def test_classes_are_compared_with_labels_and_the_likeliest_counts(dataset, tmp_path):
    dataset.label("cat", all=True)
    lines = [
        "file,label,confidence",
        "0.png,cat,.9",
        "1.png,cat,.2",
        "1.png,dog,.7",
        "2.png,cat,.1",
    ]
    (tmp_path / "p.csv").write_text("\n".join(lines) + "\n")
    dataset.import_annotations("csv", tmp_path / "p.csv", layer="model")
    report = dataset.evaluate("model")
    assert (report.task, report.ap50) == ("classes", None)
    assert report.ap == pytest.approx(1)  # every cat that was named is one
    assert confusion(report) == {("cat", "cat"): 1, ("cat", "dog"): 1, ("cat", None): 1}
    assert report.recall.value == pytest.approx(1 / 3)


def test_layers_of_different_pictures_are_not_compared_in_silence(dataset, tmp_path):
    bring(dataset, tmp_path, "truth", TRUTH[0])
    bring(dataset, tmp_path, "model", ("1.png", "cat", 10, 10, 40, 40, 0.9))
    [note] = dataset.evaluate("model").notes
    assert note.startswith("no picture is in both model and truth")
    bring(dataset, tmp_path, "model", ("0.png", "cat", 10, 10, 40, 40, 0.9))
    assert not dataset.evaluate("model").notes


def test_what_cannot_be_compared_is_refused(dataset, tmp_path):
    with pytest.raises(UsageError, match="both the predictions and the truth"):
        dataset.evaluate("truth")
    bring(dataset, tmp_path, "truth", *TRUTH)
    with pytest.raises(UsageError, match="'model' has no"):
        dataset.evaluate("model")


def test_info_counts_layers_classes_and_sizes(dataset, tmp_path):
    assert dataset.info().layers == dataset.info().objects == {}
    bring(dataset, tmp_path, "truth", *TRUTH, ("2.png", "cat", 0, 0, 100, 100, ""))
    bring(dataset, tmp_path, "model", *MODEL)
    dataset.label("pet", all=True)
    facts = dataset.info()
    assert facts.layers == {"model": 4, "truth": 7}
    assert facts.classes == {"cat": 3, "dog": 1}
    assert facts.objects == {"small": 0, "medium": 3, "large": 1}
    assert facts.annotated == 3
