"""Selection that takes detections into account: unsure objects and rare classes."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

import tamis
from tamis.algo.detection.labeling_value import expected_mistakes
from tamis.errors import UsageError

COUNT = 12


@pytest.fixture
def dataset(tmp_path):
    for number in range(COUNT):
        pixels = np.random.default_rng(number).integers(0, 256, (6, 6, 3), dtype=np.uint8)
        Image.fromarray(pixels).resize((60, 60)).save(tmp_path / f"{number:02}.png")
    ds = tamis.open(tmp_path / "d.tamis")
    ds.add(str(tmp_path))
    ids = ds.table(["path", "sample_id"]).sort_by("path")["sample_id"].to_pylist()
    vectors = np.random.default_rng(0).normal(size=(COUNT, 8)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    with ds.store.operation("embed") as op:
        column = op.add_vector_column("toy", "f" * 16, 8)
        op.set_vectors(column, ids, vectors)
    scores = [0.99] * COUNT
    for unsure in (2, 5, 7):
        scores[unsure] = 0.55
    labels = ["cat"] * COUNT
    labels[9] = labels[2] = "lynx"
    names = [f"{number:02}.png" for number in range(COUNT)]
    boxes = [[5, 5, 20, 20]] * COUNT
    ds.add_annotations(names, labels, boxes=boxes, scores=scores, layer="model")
    return ds


def picked(report):
    return {int(pick.path[-6:-4]): pick.reason for pick in report.picks}


def test_unsure_objects_come_first_and_are_named(dataset):
    found = picked(dataset.select(1, unsure="model"))
    [(number, reason)] = found.items()
    assert number in (2, 5, 7)
    assert f"model unsure of {'lynx' if number == 2 else 'cat'} at 0.55" in reason
    table = dataset.table(["selected_reason"], where="selected")
    assert table["selected_reason"].to_pylist() == [reason]


def test_an_object_that_is_surely_none_is_as_little_to_learn_as_one_that_surely_is():
    score = np.array([0.9, 0.2, 0.5, 0.0, 1.0])
    assert expected_mistakes(score) == pytest.approx([0.1, 0.2, 0.5, 0, 0])


def test_rare_classes_are_rare_in_the_truth_or_else_in_the_layer(dataset):
    found = picked(dataset.select(2, rare_classes="model"))
    assert set(found) == {2, 9}
    assert all("lynx is in 2 pictures so far" in reason for reason in found.values())
    names = [f"{number:02}.png" for number in (0, 1, 2, 3)]
    dataset.add_annotations(names, "lynx", boxes=[[1, 1, 9, 9]] * 4, layer="truth")
    again = picked(dataset.select(3, rare_classes="model", labeled="HAS(layer = 'truth')"))
    assert not {0, 1, 2, 3, 9} & set(again)  # no cat is in the truth
    assert all("cat is in 0 pictures so far" in reason for reason in again.values())


def test_both_weigh_each_other(dataset):
    [(number, reason)] = picked(dataset.select(1, unsure="model", rare_classes="model")).items()
    assert number == 2  # the unsure lynx
    assert reason.endswith("; model unsure of lynx at 0.55; lynx is in 2 pictures so far")


def test_what_was_said_in_another_order_selects_the_same(dataset):
    before = dataset.select(4, unsure="model").picks
    rows = dataset.annotations(layer="model").to_pylist()[::-1]
    dataset.add_annotations(
        [row["sample_id"] for row in rows], [row["label"] for row in rows], layer="model",
        boxes=[[5, 5, 20, 20]] * COUNT, scores=[row["confidence"] for row in rows], replace=True,
    )  # fmt: skip
    after = dataset.select(4, unsure="model").picks
    assert [pick.sample_id for pick in after] == [pick.sample_id for pick in before]


def test_more_than_the_layer_has_is_filled_up(dataset):
    dataset.remove_annotations(layer="model", where="confidence > 0.9")
    found = picked(dataset.select(6, unsure="model"))
    assert {2, 5, 7} <= set(found)
    assert len(found) == 6


def test_what_has_no_confidence_or_says_nothing_is_refused(dataset):
    with pytest.raises(UsageError, match="says nothing"):
        dataset.select(2, unsure="nobody")
    dataset.add_annotations(["00.png"], "cat", boxes=[[1, 1, 9, 9]], layer="truth")
    with pytest.raises(UsageError, match="no confidences"):
        dataset.select(2, unsure="truth")
    with pytest.raises(UsageError, match="means nothing"):
        dataset.select_round(2, unsure="model")
