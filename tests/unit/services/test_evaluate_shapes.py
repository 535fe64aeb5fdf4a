"""Evaluation of masks, keypoints and several classes; slices, disagreement and single mistakes."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

import tamis
from tamis.errors import UsageError
from tamis.services.evaluate.mistakes import disagreement
from tamis.services.evaluate.pairs import Pairs

WIDTH, HEIGHT = 200, 160


@pytest.fixture
def dataset(tmp_path):
    folder = tmp_path / "images"
    folder.mkdir()
    for number in range(4):
        Image.effect_noise((WIDTH, HEIGHT), 40 + number).save(folder / f"{number}.png")
    ds = tamis.open(tmp_path / "d.tamis")
    ds.add(str(folder))
    return ds


def boxes(ds, layer, *rows):
    """Add boxes: picture, class, x, y, width, height, and of predictions a confidence."""
    ds.add_annotations(
        [row[0] for row in rows], [row[1] for row in rows], layer=layer,
        boxes=[row[2:6] for row in rows],
        scores=None if layer == "truth" else [row[6] for row in rows],
    )  # fmt: skip


def half(upper: bool) -> np.ndarray:
    mask = np.zeros((HEIGHT, WIDTH), bool)
    mask[20 : 60 if upper else 100, 20:80] = True
    if not upper:
        mask[20:60] = False
    return mask


def test_masks_are_compared_by_their_pixels_and_boxes_by_their_boxes(dataset):
    ring = [(20, 20), (80, 20), (80, 60), (20, 60)]
    dataset.add_annotations(["0.png", "1.png"], "cat", polygons=[ring, ring], layer="truth")
    # the same box, and half of the pixels
    stripe = half(upper=True)
    stripe[:, 50:] = False
    stripe[59, 79] = True
    dataset.add_annotations(
        ["0.png", "1.png"], "cat", masks=[half(upper=True), stripe], scores=[0.9, 0.8], layer="m"
    )
    by_boxes, by_masks = (dataset.evaluate("m", task=task) for task in ("boxes", "masks"))
    assert by_boxes.ap == pytest.approx(1)
    assert (by_masks.ap50, by_masks.ap75) == (pytest.approx(1), pytest.approx(0.505, abs=1e-3))
    assert by_masks.recall.value == 1 == by_boxes.recall.value  # the stripe has half of the pixels
    assert dataset.evaluate("m", task="masks", overlap=0.6).recall.value == 0.5


def test_keypoints_are_compared_by_how_far_they_lie(dataset):
    points = np.array([[30, 30, 2], [90, 40, 2], [60, 110, 0]], float)
    other = np.array([[10, 10, 2], [40, 40, 2]], float)
    moved = points + np.array([60, 0, 0])
    dataset.add_annotations(["0.png"], "dog", keypoints=[points], layer="truth")
    dataset.add_annotations(
        ["0.png", "0.png", "0.png"], "dog", keypoints=[points, moved, other],
        scores=[0.9, 0.8, 0.7], layer="m",
    )  # fmt: skip
    report = dataset.evaluate("m", task="keypoints")
    assert (report.ap, report.precision.value) == (pytest.approx(1), 0.5)
    assert "1 object with another number of keypoints left out" in report.notes[0]


def test_an_invented_pose_counts_among_the_poses_of_its_size(dataset):
    points = np.array([[30, 30, 2], [90, 40, 2], [60, 110, 2]], float)  # 60 x 80 pixels
    dataset.add_annotations(["0.png"], "dog", keypoints=[points], layer="truth")
    dataset.add_annotations(
        ["0.png", "0.png"], "dog", keypoints=[points, points + np.array([60, 0, 0])],
        scores=[0.8, 0.9], layer="m",
    )  # fmt: skip
    sizes = {one.size: one.ap for one in dataset.evaluate("m", task="keypoints").sizes}
    assert sizes["medium"] == pytest.approx(0.5)


def test_the_largest_of_what_was_missed_comes_first(dataset):
    boxes(dataset, "truth", ("0.png", "cat", 0, 0, 30, 30), ("1.png", "dog", 8, 8, 90, 90),
          ("2.png", "cat", 0, 0, 60, 40))  # fmt: skip
    boxes(dataset, "m", ("3.png", "cat", 5, 5, 40, 30, 0.7))
    found = [one.path[-5:] for one in dataset.evaluate("m").mistakes]
    assert found == ["3.png", "1.png", "2.png", "0.png"]


def test_pictures_may_have_several_classes(dataset):
    names = [f"{number}.png" for number in range(3)]
    dataset.add_annotations(names, [["sky", "sea"], ["sky"], ["sea"]], layer="truth")
    dataset.add_annotations(
        names, [["sky", "sea"], ["sky", "sea"], ["sky"]], scores=[[0.9, 0.8], [0.7, 0.6], [0.95]],
        layer="m",
    )  # fmt: skip
    report = dataset.evaluate("m")
    counts = {(one.truth, one.predicted): one.count for one in report.confusion}
    assert counts == {
        ("sky", "sky"): 2, ("sea", "sea"): 1, (None, "sea"): 1, (None, "sky"): 1, ("sea", None): 1,
    }  # fmt: skip
    # sky: wrong at .95, then right at .9 and .7; sea: right at .8, wrong at .6, one never named
    precisions = {one.label: one.ap for one in report.classes}
    assert precisions == {
        "sky": pytest.approx((1 / 2 + 2 / 3) / 2), "sea": pytest.approx(1 / 2),
    }  # fmt: skip


def test_slices_are_of_each_tag_and_of_quarters_of_numbers(dataset):
    boxes(dataset, "truth", *((f"{n}.png", "cat", 10, 10, 40, 40) for n in range(4)))
    boxes(dataset, "m", *((f"{n}.png", "cat", 10, 10, 40, 40, 0.9) for n in (0, 1)))
    ids = dataset.table(["path", "sample_id"]).sort_by("path")["sample_id"].to_pylist()
    with dataset.store.operation("mark") as op:
        op.set_marks(ids[:3], {"tags": [["a"], ["a", "b"], ["b"]]})
        op.set_marks(ids, {"exposure": [0.5, 1.5, 2.5, 3.5]})
    found = dataset.evaluate("m", by=["tags", "exposure"]).slices
    of = {(one.column, one.value): (one.pictures, one.recall.value, one.ap) for one in found}
    assert of["tags", "b"] == (2, 0.5, pytest.approx(0.505, abs=0.001))
    assert of["tags", "a"][:2] == (2, 1)
    assert of["tags", None] == (1, 0, 0)
    assert of["exposure", "0.5"][0] == 1  # few values are not cut
    recalls = [one.recall.value for one in found]
    assert recalls == sorted(recalls)
    with pytest.raises(UsageError, match="makes no slices"):
        dataset.evaluate("m", by=["thumbnail"])


def test_numbers_of_many_values_are_cut_into_quarters(tmp_path):
    for number in range(24):
        Image.new("L", (30, 30), 10 * number).save(tmp_path / f"{number:02}.png")
    ds = tamis.open(tmp_path / "d.tamis")
    ds.add(str(tmp_path))
    names = [f"{number:02}.png" for number in range(24)]
    ds.add_annotations(names, "a", layer="truth")
    ds.add_annotations(names, ["a"] * 18 + ["b"] * 6, layer="m")
    found = ds.evaluate("m", by=["brightness"]).slices
    assert [one.pictures for one in found] == [6, 6, 6, 6]
    assert [one.recall.value for one in found] == [0, 1, 1, 1]
    assert found[0].value.startswith("0.7059 to ")  # 18 steps of 10 in 255
    ids = ds.table(["path", "sample_id"]).sort_by("path")["sample_id"].to_pylist()
    with ds.store.operation("cluster") as op:
        op.set_marks(ids, {"cluster": list(range(24))})
    assert len(ds.evaluate("m", by=["cluster"]).slices) == 24  # which are names, not numbers


def test_equal_numbers_are_in_one_quarter(tmp_path):
    for number in range(24):
        Image.new("L", (30, 30), 10 * number).save(tmp_path / f"{number:02}.png")
    ds = tamis.open(tmp_path / "d.tamis")
    ds.add(str(tmp_path))
    ids = ds.table(["path", "sample_id"]).sort_by("path")["sample_id"].to_pylist()
    doses = [float(number) for number in range(24)]
    doses[6] = doses[7] = 5.0
    with ds.store.operation("mark") as op:
        op.set_marks(ids, {"dose": doses})
    ds.add_annotations(ids, "a", layer="truth")
    ds.add_annotations(ids, "a", layer="m")
    found = {one.value: one.pictures for one in ds.evaluate("m", by=["dose"]).slices}
    assert found == {"0 to 5": 8, "8 to 11": 4, "12 to 17": 6, "18 to 23": 6}


def test_predictions_of_pictures_without_a_truth_do_not_count_for_classes(dataset):
    dataset.add_annotations(["0.png", "1.png"], ["a", "b"], layer="truth")
    names, labels = ["0.png", "1.png", "2.png"], ["a", "b", "a"]
    dataset.add_annotations(names, labels, scores=[0.8, 0.7, 0.9], layer="m")
    report = dataset.evaluate("m")
    assert (report.ap, report.precision.value, report.recall.value) == (1, 1, 1)
    assert {one.label: (one.ap, one.predictions) for one in report.classes} == {
        "a": (1, 1), "b": (1, 1),
    }  # fmt: skip


def test_pictures_with_as_many_mistakes_come_by_how_little_agrees():
    rows = [  # picture, truth, prediction, overlap
        (0, 0, 0, 0.8), (0, 1, -1, 0), (1, -1, 0, 0), (2, 0, 1, 0.9), (2, 1, 1, 1), (3, 0, 0, 0.5),
    ]  # fmt: skip
    picture, truth, predicted, overlap = (np.array(one) for one in zip(*rows, strict=True))
    at = np.arange(len(rows))
    pairs = Pairs(picture, truth, predicted, at, at, overlap)
    found = disagreement(pairs, 4)
    assert found.order.tolist() == [1, 2, 0]
    assert found.share.tolist() == pytest.approx([1 - 1.6 / 3, 1, 0.5, 0.5])
    each = found.missed, found.invented, found.confused
    assert [one.tolist() for one in each] == [[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0]]


def test_the_pictures_that_differ_most_are_tagged_and_drawn(dataset, tmp_path):
    boxes(dataset, "truth", ("0.png", "cat", 0, 0, 30, 30), ("1.png", "cat", 0, 0, 30, 30),
          ("1.png", "dog", 60, 60, 30, 30), ("2.png", "cat", 0, 0, 30, 30))  # fmt: skip
    boxes(dataset, "m", ("0.png", "cat", 0, 0, 30, 30, 0.9), ("2.png", "cat", 2, 0, 30, 30, 0.9),
          ("2.png", "dog", 100, 100, 30, 30, 0.8))  # fmt: skip
    page = tmp_path / "wrong.html"
    report = dataset.evaluate("m", tag="hard", most=1, gallery=page)
    assert [(one.path[-5:], round(one.disagreement, 3)) for one in report.worst] == [
        ("1.png", 1.0), ("2.png", round(1 - 2 * (28 / 32) / 3, 3)),
    ]  # fmt: skip
    assert report.tagged == 1
    table = dataset.table(["path", "tags"]).sort_by("path")
    assert table["tags"].to_pylist() == [None, ["hard"], None, None]
    html = page.read_text(encoding="utf-8")
    assert "2 missed" in html
    assert "1 of 2 pictures shown" in html
    assert html.count('box faint"') == 0  # both of its objects are missed
    faint = [f'"layer-{number} box faint"' for number in range(2)]
    for confidence, agreeing in ((0.5, [1, 1]), (0.95, [0, 3])):  # those too unsure are no mistake
        dataset.evaluate("m", gallery=page, confidence=confidence)
        html = page.read_text(encoding="utf-8")
        assert [html.count(one) for one in faint] == agreeing
    with pytest.raises(UsageError, match="give a tag or a gallery"):
        dataset.evaluate("m", most=3)
    with pytest.raises(UsageError, match="html"):
        dataset.evaluate("m", gallery=tmp_path / "wrong.txt")


def test_two_layers_can_be_compared_without_a_truth(dataset):
    boxes(dataset, "one", ("0.png", "cat", 0, 0, 30, 30, 0.9))
    boxes(dataset, "two", ("0.png", "dog", 0, 0, 30, 30, 0.9))
    [worst] = dataset.evaluate("one", truth="two").worst
    assert (worst.confused, worst.disagreement) == (1, 1)


def test_a_mistake_is_an_example_to_search_by(dataset):
    boxes(dataset, "truth", ("0.png", "cat", 0, 0, 30, 30), ("1.png", "dog", 8, 8, 90, 90))
    boxes(dataset, "m", ("0.png", "cat", 0, 0, 30, 30, 0.9), ("2.png", "cat", 5, 5, 40, 30, 0.7),
          ("3.png", "cat", 5, 5, 40, 30, 0.8))  # fmt: skip
    found = dataset.evaluate("m").mistakes
    assert [(one.path[-5:], one.truth, one.predicted, one.confidence) for one in found] == [
        ("3.png", None, "cat", 0.8), ("2.png", None, "cat", 0.7), ("1.png", "dog", None, None),
    ]  # fmt: skip
    assert found[0].box == (5, 5, 40, 30)
    dataset.embed()
    hits = dataset.search(like=found[0].annotation_id, k=3).hits
    assert {hit.path[-5:] for hit in hits} == {"0.png", "1.png", "2.png"}
    place = f"{dataset.table(['uri', 'path']).sort_by('path')['uri'][3].as_py()}#xywh=5,5,40,30"
    same = dataset.search(like=place, k=3).hits
    assert [hit.score for hit in hits] == pytest.approx([hit.score for hit in same])
    dataset.crop_objects(layer="m")
    dataset.embed()
    of_crop = dataset.search(like=found[0].annotation_id, k=3).hits
    assert [hit.score for hit in of_crop] == pytest.approx([hit.score for hit in hits], abs=1e-3)
    crops = dataset.search(like=found[0].annotation_id, where="kind = 'crop'").hits
    assert {hit.path[-20:] for hit in crops} == {"0.png#xywh=0,0,30,30", "2.png#xywh=5,5,40,30"}
