"""What annotation files get wrong costs the entry that is wrong, says so, and stops nothing."""

from __future__ import annotations

import json

import pytest
from PIL import Image

from filling import add_crops, ingest
from tamis.dataset.parts import Box
from tamis.dataset.store import Store
from tamis.errors import InputError
from tamis.formats.annotations import read_boxes
from tamis.formats.annotations.source_annotation import SourceAnnotation

GOOD = [1, 1, 50, 50]


@pytest.fixture
def store(tmp_path):
    for name in ("a.jpg", "b.jpg"):
        (tmp_path / "pictures").mkdir(exist_ok=True)
        Image.effect_noise((200, 150), 50).convert("RGB").save(tmp_path / "pictures" / name)
    store = Store.create(tmp_path / "d.tamis")
    ingest(store, [str(tmp_path / "pictures")])
    return store


def coco(folder, *boxes, picture=None, label="cell", **entry):
    """A good box of b.jpg, and some of a.jpg that are not."""
    first = {"id": 1, "file_name": "a.jpg", "width": 200, "height": 150, **(picture or {})}
    document = {
        "images": [first, {"id": 2, "file_name": "b.jpg"}],
        "categories": [{"id": 1, "name": label}, {"id": 2, "name": "good"}],
        "annotations": [
            {"image_id": 2, "category_id": 2, "bbox": GOOD},
            *({"image_id": 1, "category_id": 1, "bbox": box, **entry} for box in boxes),
        ],
    }
    (folder / "boxes.json").write_text(json.dumps(document))
    return str(folder / "boxes.json")


def voc(folder, text):
    (folder / "voc").mkdir()
    (folder / "voc" / "a.xml").write_text(text)
    (folder / "voc" / "b.xml").write_text(voc_text("b.jpg"))
    return str(folder / "voc")


def voc_text(picture, name="<name>cell</name>", size="200"):
    return (
        f"<annotation><filename>{picture}</filename><size><width>{size}</width><height>150</height>"
        f"</size><object>{name}<bndbox><xmin>1</xmin><ymin>1</ymin><xmax>50</xmax><ymax>50</ymax>"
        "</bndbox></object></annotation>"
    )


@pytest.mark.parametrize(
    ("boxes", "more", "words"),
    [
        ([[10**400, 1, 5, 5]], {}, "too large"),
        ([[1e308, 1, 1e308, 5]], {}, "outside"),
        ([[float("nan"), 1, 5, 5]], {}, "not finite"),
        ([[1, 1, float("inf"), 5]], {}, "not finite"),
        ([[1, 1, 0, 5]], {}, "its box 1,1,0,5 has no area"),
        ([[1, 2]], {}, "its bbox [1, 2] is not left, top, width and height"),
        ([None], {}, "its bbox None is not left"),
        ([["a", 1, 2, 3]], {}, "is not left, top"),
        ([[[1] * 900]], {}, "is not left, top"),
        ([GOOD], {"label": "\ud800"}, "Unicode"),
        ([GOOD], {"label": None}, "no text"),
        ([GOOD], {"picture": {"file_name": "\ud800.jpg"}}, "Unicode"),
        ([GOOD], {"picture": {"file_name": ""}}, "no text"),
        ([GOOD], {"picture": {"file_name": "/"}}, "no picture"),
        ([GOOD], {"picture": {"file_name": "."}}, "no picture"),
        ([GOOD], {"picture": {"width": 800, "height": 600}}, "800 x 600 pixels"),
        ([GOOD], {"iscrowd": 1}, "crowd"),
        ([GOOD], {"category_id": 9}, "no category_id 9"),
        ([GOOD], {"image_id": [1]}, "unhashable"),
    ],
)
def test_a_bad_coco_box_costs_itself(store, tmp_path, boxes, more, words):
    report = add_crops(store, coco(tmp_path, *boxes, **more))
    assert report.added == 1
    [failure] = report.failed
    assert words in failure.reason
    assert store.failures()["reason"].to_pylist() == [failure.reason]


@pytest.mark.parametrize("size", [float("inf"), "wide", -3, 10**400, None])
def test_a_size_that_cannot_be_is_none(store, tmp_path, size):
    report = add_crops(store, coco(tmp_path, GOOD, picture={"width": size}))
    assert (report.added, report.failed) == (2, [])


def test_every_bad_box_of_a_picture_is_listed(store, tmp_path):
    add_crops(store, coco(tmp_path, [20, 20, 0, 5], [60, 20, 0, 5]))
    assert store.failures().num_rows == 2


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('<?xml version="1.0" encoding="none-such"?>' + voc_text("a.jpg"), "unknown encoding"),
        (voc_text("a.jpg", name=""), "no text"),
        (voc_text("a.jpg", name="<name> </name>"), "no text"),
        (
            '<!DOCTYPE a [<!ENTITY a "lol"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>'
            + voc_text("a.jpg", name="<name>&b;</name>"),
            "entities",
        ),
        ("<a>" * 100_000 + "</a>" * 100_000, "root is <a>"),
    ],
)
def test_a_bad_voc_file_costs_itself(store, tmp_path, text, words):
    report = add_crops(store, voc(tmp_path, text))
    assert report.added == 1
    [failure] = report.failed
    assert words in failure.reason


@pytest.mark.parametrize(
    "text",
    [
        voc_text("a.jpg", size="inf"),
        voc_text("\n a.jpg \n"),
        voc_text("renamed-since.png"),
        voc_text("a.jpg").replace(
            "<bndbox>", "<part><bndbox><xmin>9</xmin></bndbox></part><bndbox>"
        ),
    ],
)
def test_a_voc_file_that_is_merely_untidy_serves(store, tmp_path, text):
    report = add_crops(store, voc(tmp_path, text))
    assert (report.added, report.failed) == (2, [])


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("0 1e308 .5 .1 .1", "no share of a side"),
        ("0 100 75 50 50", "100 is no share of a side; divide pixels"),
        ("0 .5 .5 50 50", "50 is no share of a side; divide pixels"),
        ("-1 .5 .5 .1 .1", "no class -1"),
        ("0 nan .5 .1 .1", "finite"),
    ],
)
def test_a_bad_yolo_line_costs_itself(store, tmp_path, line, words):
    (tmp_path / "labels").mkdir()
    (tmp_path / "labels" / "a.txt").write_text(f"{line}\n0 .5 .5 .5 .5\n")
    report = add_crops(store, str(tmp_path / "labels"))
    assert report.added == 1
    [failure] = report.failed
    assert words in failure.reason


def test_a_prediction_of_yolo_serves_too(tmp_path):
    (tmp_path / "a.txt").write_text("1 .5 .5 .5 .5 .93\n")
    [box] = read_boxes(str(tmp_path)).entries
    assert (box.label, box.box(200, 100, 1)) == ("1", Box(50, 25, 100, 50))


def test_what_lies_beside_labels_is_no_label(tmp_path):
    (tmp_path / "labels" / ".trash").mkdir(parents=True)
    (tmp_path / "labels" / "a.txt").write_text("1 .5 .5 .5 .5\n")
    (tmp_path / "labels" / "classes.txt").write_text("cat\ndog\n")
    (tmp_path / "labels" / ".trash" / "b.txt").write_text("nonsense\n")
    (tmp_path / "README.roboflow.txt").write_text("exported from\n")
    found = read_boxes(str(tmp_path))
    assert [box.label for box in found.entries] == ["dog"]
    assert found.failures == []


def test_names_come_from_the_file_that_was_named(tmp_path):
    (tmp_path / "labels").mkdir()
    (tmp_path / "labels" / "a.txt").write_text("1 .5 .5 .5 .5\n")
    (tmp_path / "a.yaml").write_text("names: [x, y]\n")
    (tmp_path / "data.yaml").write_text("names: [cat, dog]\n")
    assert read_boxes(str(tmp_path / "data.yaml")).entries[0].label == "dog"


@pytest.mark.parametrize(
    "content", [b"names: [\xff\xfe]\n", b"names: [cat\n", b"nc: 2\n", b"names: x\n"]
)
def test_a_file_of_names_without_names_is_refused(tmp_path, content):
    (tmp_path / "data.yaml").write_bytes(content)
    (tmp_path / "a.txt").write_text("0 .5 .5 .5 .5\n")
    with pytest.raises(InputError, match=r"data\.yaml"):
        read_boxes(str(tmp_path / "data.yaml"))


@pytest.mark.parametrize("size", [(100, 200), (201, 100), (400, 200)])
def test_a_size_of_another_version_of_the_picture_is_refused(size):
    annotation = SourceAnnotation("x", None, 5, 5, 20, 10, size=size)
    said = annotation.box(200, 100, 1)
    assert isinstance(said, str)
    assert "200 x 100" in said
