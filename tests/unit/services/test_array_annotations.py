"""Annotations from arrays: by row or by picture, in every shape that a model returns."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

import tamis
from tamis.algo.run_lengths import mask_of, read_counts
from tamis.errors import UsageError


@pytest.fixture
def dataset(tmp_path):
    for number in range(3):
        Image.effect_noise((40, 30), 40 + number).save(tmp_path / f"{number}.png")
    ds = tamis.open(tmp_path / "d.tamis")
    ds.add(str(tmp_path))
    return ds


def places(ds):
    columns = ["label", "x", "y", "width", "height", "confidence"]
    return [tuple(row.values()) for row in ds.annotations(columns=columns).to_pylist()]


def test_rows_and_pictures_say_the_same(dataset):
    boxes = np.array([[2, 3, 10, 12], [5, 5, 4, 4], [1, 1, 30, 20]], np.float32)
    by_row = dataset.add_annotations(
        ["0.png", "0.png", "2.png"], ["a", "b", "a"], boxes=boxes,
        scores=np.array([0.9, 0.5, 0.25]), layer="rows",
    )  # fmt: skip
    assert (by_row.added, by_row.pictures) == (3, 2)
    expected = places(dataset)
    assert expected[0] == ("a", 2, 3, 10, 12, 0.9)
    dataset.undo()
    corners = boxes + np.concatenate([np.zeros((3, 2)), boxes[:, :2]], axis=1)
    dataset.add_annotations(
        ["0.png", "1.png", "2.png"], [["a", "b"], [], ["a"]], layer="rows", box_format="xyxy",
        boxes=[corners[:2], np.empty((0, 4)), corners[2:]], scores=[[0.9, 0.5], [], [0.25]],
    )  # fmt: skip
    assert places(dataset) == expected


def test_again_adds_nothing_and_replace_empties_the_layer(dataset):
    said = {"boxes": [[1, 2, 3, 4]], "layer": "m"}
    dataset.add_annotations(["0.png"], "a", **said)
    assert dataset.add_annotations(["0.png"], "a", **said).known == 1
    report = dataset.add_annotations(["1.png"], "b", replace=True, **said)
    assert (report.added, report.removed) == (1, 1)
    assert [place[0] for place in places(dataset)] == ["b"]


def test_masks_outlines_and_keypoints_get_the_box_around_them(dataset):
    mask = np.zeros((30, 40), bool)
    mask[4:9, 10:20] = True
    dataset.add_annotations(["0.png"], "a", masks=[mask], layer="m")
    ring = np.array([[1, 2], [11, 2], [6, 8]], float)
    dataset.add_annotations(["1.png"], "a", polygons=[ring], layer="p")
    dataset.add_annotations(["2.png"], "a", keypoints=[[[3, 4], [9, 20]]], layer="k")
    rows = dataset.annotations().to_pylist()
    assert [row["kind"] for row in rows] == ["mask", "polygon", "keypoints"]
    assert [place[1:5] for place in places(dataset)] == [
        (10, 4, 10, 5), (1, 2, 10, 6), (3, 4, 6, 16),
    ]  # fmt: skip
    np.testing.assert_array_equal(mask_of(read_counts(rows[0]["mask"]), 40, 30), mask)
    assert rows[1]["polygon"] == [[1, 2, 11, 2, 6, 8]]
    assert rows[2]["keypoints"] == [3, 4, 2, 9, 20, 2]


def test_a_picture_may_have_several_classes(dataset):
    dataset.add_annotations(
        ["0.png", "1.png"], [["sky", "sea"], ["sky"]], scores=[[0.9, 0.6], [0.7]], layer="tags"
    )
    assert dataset.layers().layers[0].classes == {"sky": 2, "sea": 1}


def test_what_lies_outside_is_listed_and_the_rest_comes_in(dataset):
    report = dataset.add_annotations(
        ["0.png", "0.png"], "a", boxes=[[100, 0, 5, 5], [0, 0, 5, 5]], layer="m"
    )
    assert report.added == 1
    assert "outside" in report.failed[0].reason


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"pictures": ["9.png"], "labels": "a"}, "no picture"),
        ({"pictures": ["0.png"], "labels": ["a", "b"]}, "2 label values"),
        ({"pictures": ["0.png"], "labels": [["a"]], "scores": [[0.1, 0.2]]}, "as many of each"),
        ({"pictures": ["0.png"], "labels": [3]}, "classes are names"),
        ({"pictures": ["0.png"], "labels": "a", "boxes": [[1, 2, 3]]}, "four"),
        ({"pictures": ["0.png"], "labels": "a", "masks": [np.ones((40, 30))]}, "height, width"),
        ({"pictures": ["0.png"], "labels": "a", "layer": "truth", "scores": [1]}, "their own"),
    ],
)
def test_what_is_no_annotation_is_refused(dataset, arguments, message):
    with pytest.raises(UsageError, match=message):
        dataset.add_annotations(**{"layer": "m", **arguments})
    assert dataset.annotations().num_rows == 0


def test_replacing_a_layer_takes_its_crops_along_and_keeps_those_still_meant(dataset):
    boxes = [[1, 2, 10, 12], [20, 5, 12, 12]]
    dataset.add_annotations(["0.png", "0.png"], "a", boxes=boxes, layer="m")
    dataset.crop_objects(layer="m")
    kept = boxes[1]
    dataset.add_annotations(
        ["0.png", "1.png"], "a", boxes=[kept, [3, 3, 9, 9]], layer="m", replace=True
    )
    crops = dataset.table(["box_x", "box_width"], where="kind = 'crop'").to_pylist()
    assert crops == [{"box_x": 20, "box_width": 12}]
    dataset.clear_labels(all=True, layer="m")
    assert dataset.table(["path"], where="kind = 'crop'").num_rows == 0
    dataset.undo()
    dataset.undo()
    assert dataset.table(["path"], where="kind = 'crop'").num_rows == 2


def test_classes_of_the_truth_show_as_labels(dataset):
    dataset.add_annotations(["0.png", "1.png"], [["cat", "pet"], ["dog"]], layer="truth")
    labels = dataset.table(["path", "label"]).sort_by("path")["label"].to_pylist()
    assert labels == ["cat", "dog", None]
    dataset.add_annotations(["0.png"], "lynx", layer="truth", replace=True)
    labels = dataset.table(["path", "label"]).sort_by("path")["label"].to_pylist()
    assert labels == ["lynx", None, None]


@pytest.mark.parametrize(
    "values",
    [
        {"polygons": [[1, 2, 3]]},
        {"boxes": [["x", 1, 2, 3]]},
        {"boxes": [None]},
        {"boxes": [[1, 2, 3, 4]], "scores": ["high"]},
        {"boxes": [[1, 2, 3, 4]], "labels": ["\ud800"]},
    ],
)
def test_what_is_no_annotation_is_refused_by_the_name_of_its_picture(dataset, values):
    with pytest.raises(UsageError, match=r"0\.png is given"):
        dataset.add_annotations(["0.png"], **{"labels": ["a"], "layer": "m", **values})
    assert places(dataset) == []


def test_a_layer_is_not_replaced_by_nothing_that_can_be_used(dataset):
    dataset.add_annotations(["0.png"], "a", boxes=[[1, 2, 3, 4]], layer="m")
    before = places(dataset)
    with pytest.raises(UsageError, match="nothing was replaced"):
        dataset.add_annotations(["0.png"], "a", boxes=[[900, 2, 3, 4]], layer="m", replace=True)
    assert places(dataset) == before
    dataset.add_annotations([], [], layer="m", replace=True)
    assert places(dataset) == []
