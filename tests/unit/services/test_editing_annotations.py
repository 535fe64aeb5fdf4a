"""Single annotations moved, renamed and removed; each shape as it can be, or refused."""

from __future__ import annotations

import json

import numpy as np
import pytest
from PIL import Image

import tamis
from command_line import in_this_process
from tamis.errors import UsageError

WIDTH, HEIGHT = 80, 60


@pytest.fixture
def dataset(tmp_path):
    for number in range(2):
        Image.effect_noise((WIDTH, HEIGHT), 40 + number).save(tmp_path / f"{number}.png")
    ds = tamis.open(tmp_path / "d.tamis")
    ds.add(str(tmp_path))
    return ds


def only(ds, where=None):
    [row] = ds.annotations(where).to_pylist()
    return row


def test_an_id_outlives_edits_and_the_file_does_not_bring_the_old_back(dataset, tmp_path):
    document = {
        "images": [{"id": 1, "file_name": "0.png"}],
        "categories": [{"id": 7, "name": "cat"}],
        "annotations": [
            {"id": 3, "image_id": 1, "category_id": 7, "bbox": [1, 2, 30, 20], "area": 400}
        ],
    }
    (tmp_path / "c.json").write_text(json.dumps(document))
    dataset.import_annotations("coco", tmp_path / "c.json")
    before = only(dataset)
    report = dataset.edit_annotation(
        before["annotation_id"], box=[5, 6, 10, 12.5], label="dog", author="eve"
    )
    assert (report.changed, report.box, report.label, report.crops) == (
        True, (5, 6, 10, 12.5), "dog", 0,
    )  # fmt: skip
    after = only(dataset)
    assert after["annotation_id"] == before["annotation_id"]
    assert (after["width"], after["height"], after["author"]) == (10, 12.5, "eve")
    assert json.loads(after["source"])["id"] == 3
    assert "area" not in json.loads(after["source"])
    assert dataset.import_annotations("coco", tmp_path / "c.json").known == 1
    assert only(dataset) == after
    assert not dataset.edit_annotation(before["annotation_id"], label="dog").changed
    assert dataset.undo().undone.verb == "import"
    dataset.undo()
    assert only(dataset) == before


def test_outlines_and_keypoints_move_and_stretch_with_the_box(dataset):
    ring = [(10, 10), (30, 10), (20, 20)]
    dataset.add_annotations(["0.png"], "a", polygons=[ring], layer="p")
    dataset.add_annotations(
        ["0.png"], "a", keypoints=[[(10, 10, 2), (30, 20, 1), (0, 0, 0)]], layer="k"
    )
    for layer in ("p", "k"):
        name = only(dataset, f"layer = '{layer}'")["annotation_id"]
        dataset.edit_annotation(name, box=[0, 20, 40, 30])
    assert only(dataset, "layer = 'p'")["polygon"] == [[0, 20, 40, 20, 20, 50]]
    assert only(dataset, "layer = 'k'")["keypoints"] == [0, 20, 2, 40, 50, 1, 0, 0, 0]


@pytest.mark.parametrize(
    ("given", "change", "message"),
    [
        ({"masks": [np.eye(HEIGHT, WIDTH, dtype=bool)]}, {"box": [0, 0, 9, 9]}, "mask of pixels"),
        ({}, {"box": [0, 0, 9, 9]}, "no place to move"),
        ({"boxes": [[1, 1, 9, 9]]}, {"box": [90, 0, 9, 9]}, "outside of the picture"),
        ({"boxes": [[1, 1, 9, 9]]}, {"box": [0, 0, 0, 9]}, "no box"),
        ({"boxes": [[1, 1, 9, 9]]}, {"box": [float("nan"), 0, 9, 9]}, "not a number"),
        ({"boxes": [[1, 1, 9, 9]]}, {}, "nothing to change"),
        ({"boxes": [[1, 1, 9, 9]]}, {"label": " "}, "needs a name"),
    ],
)
def test_what_cannot_be_is_refused_and_changes_nothing(dataset, given, change, message):
    dataset.add_annotations(["0.png"], "a", layer="m", **given)
    before = only(dataset)
    with pytest.raises(UsageError, match=message):
        dataset.edit_annotation(before["annotation_id"], **change)
    assert only(dataset) == before


def test_a_rotated_box_moves_but_keeps_its_size(dataset, tmp_path):
    folder = tmp_path / "yolo"
    (folder / "labels").mkdir(parents=True)
    (folder / "labels" / "0.txt").write_text("0 .25 .25 .5 .25 .5 .5 .25 .5\n")
    (folder / "data.yaml").write_text("names: [a]\ntask: obb\n")
    dataset.import_annotations("yolo", folder / "data.yaml", layer="r")
    row = only(dataset)
    if row["kind"] != "rotated_box":
        pytest.skip("the file does not say that these are rotated boxes")
    with pytest.raises(UsageError, match="have to stay"):
        dataset.edit_annotation(row["annotation_id"], box=[0, 0, 9, 9])
    dataset.edit_annotation(row["annotation_id"], box=[0, 0, row["width"], row["height"]])
    assert only(dataset)["polygon"][0][:2] == [0, 0]


def test_labels_follow_the_classes_of_the_truth(dataset):
    dataset.label("cat", where="path LIKE '%0.png'")
    dataset.label("pet", where="path LIKE '%0.png'", add=True)

    def shown():
        return dataset.table(["path", "label"]).sort_by("path")["label"].to_pylist()

    cat = only(dataset, "label = 'cat'")["annotation_id"]
    dataset.edit_annotation(cat, label="lynx")
    assert shown() == ["lynx", None]
    dataset.remove_annotations([cat])
    assert shown() == ["pet", None]  # the class that is left
    report = dataset.rename_class("pet", "animal")
    assert (report.annotations, report.labels, shown()) == (1, 1, ["animal", None])
    dataset.remove_annotations(where="TRUE", layer="truth")
    assert shown() == [None, None]


def test_annotations_labels_and_pictures_are_counted_apart(dataset):
    boxes = [[1, 1, 9, 9], [20, 20, 9, 9], [1, 1, 9, 9]]
    dataset.add_annotations(["0.png", "0.png", "1.png"], "cat", boxes=boxes, layer="truth")
    dataset.label("cat", where="path LIKE '%1.png'")
    renamed = dataset.rename_class("cat", "lynx")
    assert (renamed.annotations, renamed.labels) == (4, 1)  # a box is no label of a picture
    removed = dataset.remove_annotations(where="kind = 'box'", layer="truth")
    assert (removed.removed, removed.pictures, removed.crops) == (3, 2, 0)


@pytest.mark.parametrize(
    ("other", "left"), [("cat", ["cat", "cat", "lynx", "lynx"]), ("lynx", ["lynx", "lynx"])]
)
def test_crops_of_two_layers_are_counted_by_their_objects(dataset, other, left):
    for layer, label in (("truth", "cat"), ("model", other)):
        boxes = [[1, 1, 30, 30], [5, 5, 20, 20]]
        dataset.add_annotations(["0.png", "1.png"], label, boxes=boxes, layer=layer)
        dataset.crop_objects(layer=layer)
    report = dataset.rename_class("cat", "lynx")
    assert (report.annotations, report.labels, report.crops) == (2, 0, 2)
    crops = dataset.table(["label"], where="kind = 'crop'")["label"].to_pylist()
    assert sorted(crops) == left  # those of the other layer stay


def test_a_picture_that_is_gone_loses_the_crop_and_is_listed(dataset, tmp_path):
    dataset.add_annotations(["0.png"], "a", boxes=[[1, 1, 20, 20]], layer="m")
    dataset.crop_objects(layer="m")
    (tmp_path / "0.png").unlink()
    name = only(dataset)["annotation_id"]
    report = dataset.edit_annotation(name, box=[5, 5, 20, 20])
    assert (report.changed, report.crops, len(report.failed)) == (True, 0, 1)
    assert only(dataset)["x"] == 5
    assert dataset.table(["path"], where="kind = 'crop'").num_rows == 0


def test_a_crop_keeps_its_tags_and_no_copy_points_to_one_that_is_gone(dataset):
    dataset.add_annotations(
        ["0.png", "1.png"], "a", boxes=[[1, 1, 20, 20], [1, 1, 20, 20]], layer="m"
    )
    dataset.crop_objects(layer="m")
    crops = dataset.table(["sample_id", "path"], where="kind = 'crop'").sort_by("path")
    first, second = crops["sample_id"].to_pylist()
    with dataset.store.operation("mark") as op:
        op.set_marks([first], {"tags": [["look"]]})
        op.set_marks([second], {"duplicate_of": [first]})
    [name] = dataset.annotations(columns=["annotation_id", "x"])["annotation_id"].to_pylist()[:1]
    dataset.edit_annotation(name, box=[3, 3, 20, 20])
    rows = dataset.table(["path", "tags", "duplicate_of"], where="kind = 'crop'").sort_by("path")
    assert rows["tags"].to_pylist() == [["look"], None]
    assert rows["duplicate_of"].to_pylist() == [None, None]


def test_boxes_that_a_picture_no_longer_has_take_their_crops_with_them(dataset):
    dataset.add_annotations(["0.png"], "a", boxes=[[1, 1, 20, 20]], layer="m")
    dataset.add_annotations(["0.png"], "b", boxes=[[30, 5, 12, 12]], layer="m")
    dataset.crop_objects(layer="m")
    [sample] = dataset.table(["sample_id"], where="path LIKE '%0.png'")["sample_id"].to_pylist()
    kept = [[30, 5, 12, 12], [50, 30, 10, 10]]
    report = dataset.set_boxes(sample, box=kept, label=["b", "c"], layer="m")
    assert (report.removed, report.added, report.boxes) == (1, 1, 2)
    crops = dataset.table(["label"], where="kind = 'crop'")["label"].to_pylist()
    assert crops == ["b"]
    dataset.undo()
    crops = dataset.table(["label"], where="kind = 'crop'")["label"].to_pylist()
    assert sorted(crops) == ["a", "b"]


def test_unknown_annotations_and_conditions_without_a_layer_are_refused(dataset):
    for ask in (
        lambda: dataset.edit_annotation("0" * 32, label="x"),
        lambda: dataset.remove_annotations(["0" * 32]),
    ):
        with pytest.raises(UsageError, match="no annotation"):
            ask()
    with pytest.raises(UsageError, match="which one"):
        dataset.remove_annotations(where="TRUE")
    with pytest.raises(UsageError, match="name annotations"):
        dataset.remove_annotations()


def test_the_command_line_says_what_became_of_it(dataset, tmp_path):
    dataset.add_annotations(["0.png"], "a", boxes=[[1, 1, 20, 20]], layer="m")
    dataset.crop_objects(layer="m")
    name = only(dataset)["annotation_id"]
    done = in_this_process(
        ["label", "edit", name, "--box", "2,3,20.5,20", "-d", "d.tamis"], tmp_path
    )
    assert (done.code, done.out.split(" has ")[1]) == (
        0, "a at 2,3,20.5,20 in m; 1 crop made anew\n",
    )  # fmt: skip
    done = in_this_process(["label", "remove", name, "-d", "d.tamis"], tmp_path)
    assert done.out == "1 annotation of 1 picture and 1 crop removed\n"
