"""Boxes of COCO, VOC and YOLO: the same boxes, whatever the format; bad ones by name."""

from __future__ import annotations

import json

import pytest

from tamis.dataset.parts import Box
from tamis.errors import InputError
from tamis.formats.annotations import read_boxes
from tamis.formats.annotations.finding import PictureFinder
from tamis.formats.annotations.source_annotation import SourceAnnotation

# one picture of 200 x 100 with a cat at 20,10 of 50 x 40 and a dog at 100,50 of 100 x 50
COCO = {
    "images": [{"id": 7, "file_name": "a/one.jpg", "width": 200, "height": 100}],
    "categories": [{"id": 3, "name": "cat"}, {"id": 9, "name": "dog"}],
    "annotations": [
        {"image_id": 7, "category_id": 3, "bbox": [20, 10, 50, 40]},
        {"image_id": 7, "category_id": 9, "bbox": [100, 50, 100, 50]},
    ],
}
VOC = """<annotation><filename>one.jpg</filename>
<size><width>200</width><height>100</height></size>
<object><name>cat</name><bndbox><xmin>21</xmin><ymin>11</ymin><xmax>70</xmax><ymax>50</ymax></bndbox></object>
<object><name>dog</name><bndbox><xmin>101</xmin><ymin>51</ymin><xmax>200</xmax><ymax>100</ymax></bndbox></object>
</annotation>"""
YOLO = "0 0.225 0.3 0.25 0.4\n1 0.75 0.75 0.5 0.5\n"
EXPECTED = [("cat", Box(20, 10, 50, 40)), ("dog", Box(100, 50, 100, 50))]


def coco(folder, document=COCO):
    (folder / "instances.json").write_text(json.dumps(document))
    return folder / "instances.json"


def voc(folder, text=VOC):
    (folder / "one.xml").write_text(text)
    return folder


def yolo(folder, text=YOLO, yaml="names: [cat, dog]\n"):
    (folder / "labels" / "a").mkdir(parents=True)
    (folder / "labels" / "a" / "one.txt").write_text(text)
    (folder / "data.yaml").write_text(yaml)
    return folder / "data.yaml"


def boxes(found, width=200, height=100, orientation=1):
    return [(a.label, a.box(width, height, orientation)) for a in found.entries]


@pytest.mark.parametrize("write", [coco, voc, yolo])
def test_every_format_gives_the_same_boxes(tmp_path, write):
    found = read_boxes(str(write(tmp_path)))
    assert found.failures == []
    assert boxes(found) == EXPECTED
    finder = PictureFinder(["/data/a/one.jpg", "/data/two.jpg"])
    assert {finder.find(a.picture) for a in found.entries} == {"/data/a/one.jpg"}


@pytest.mark.parametrize(
    "yaml",
    [
        "names: ['cat', \"dog\"]",
        "names:\n  0: cat\n  1: 'dog'\nother: 3",
        "nc: 2\nnames:\n- cat\n- dog\n",
        "names: [cat,\n  dog]\n",
    ],
)
def test_names_of_yolo_classes_come_in_many_forms(tmp_path, yaml):
    found = read_boxes(str(yolo(tmp_path, yaml=yaml)))
    assert [a.label for a in found.entries] == ["cat", "dog"]


def test_yolo_without_names_keeps_the_numbers(tmp_path):
    found = read_boxes(str(yolo(tmp_path, yaml="path: x\n").parent))
    assert [a.label for a in found.entries] == ["0", "1"]


def test_a_yolo_polygon_becomes_the_box_around_it(tmp_path):
    found = read_boxes(str(yolo(tmp_path, text="0 .1 .1 .35 .1 .35 .5 .2 .5\n")))
    assert boxes(found) == [("cat", Box(20, 10, 50, 40))]


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("0 0.5 0.5 0.1", "neither a box nor a polygon"),
        ("9 0.5 0.5 0.1 0.1", "no class 9"),
        ("cat 0.5 0.5 0.1 0.1", "line 2"),
    ],
)
def test_a_bad_yolo_line_costs_itself(tmp_path, line, words):
    found = read_boxes(str(yolo(tmp_path, text=f"0 .225 .3 .25 .4\n{line}\n")))
    assert len(found.entries) == 1
    [failure] = found.failures
    assert words in failure.reason


def test_bad_coco_entries_cost_themselves(tmp_path):
    document = json.loads(json.dumps(COCO))
    document["annotations"] += [
        {"image_id": 8, "category_id": 3, "bbox": [0, 0, 9, 9]},
        {"image_id": 7, "category_id": 4, "bbox": [0, 0, 9, 9]},
        {"image_id": 7, "category_id": 3, "bbox": [0, 0, 9]},
        {"image_id": 7, "category_id": 3},
        "nonsense",
        {"image_id": 7, "category_id": 3, "bbox": [0, 0, 9, 9], "iscrowd": 1},
    ]
    found = read_boxes(str(coco(tmp_path, document)))
    assert boxes(found) == EXPECTED
    assert len(found.failures) == 6


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (VOC.replace("annotation>", "picture>"), "root is <picture>"),
        (VOC[:-30], "no VOC annotation"),
        ('<!DOCTYPE a [<!ENTITY b "c">]>' + VOC, "entities"),
    ],
)
def test_bad_voc_files_are_named_and_entities_refused(tmp_path, text, words):
    voc(tmp_path, text)
    (tmp_path / "two.xml").write_text(VOC)
    found = read_boxes(str(tmp_path))
    assert boxes(found) == EXPECTED
    [failure] = found.failures
    assert words in failure.reason


def test_entities_in_another_encoding_are_refused_too(tmp_path):
    text = '<?xml version="1.0" encoding="utf-16"?><!DOCTYPE a [<!ENTITY b "c">]>' + VOC
    (tmp_path / "one.xml").write_bytes(text.encode("utf-16"))
    [failure] = read_boxes(str(tmp_path)).failures
    assert "UTF-8" in failure.reason


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ((-10, -10, 30, 30), Box(0, 0, 20, 20)),
        ((190, 90, 30, 30), Box(190, 90, 10, 10)),
        ((0, 0, 200, 100), Box(0, 0, 200, 100)),
        ((10.4, 10.6, 0.2, 5), Box(10, 11, 1, 5)),
    ],
)
def test_boxes_are_clipped_to_the_picture(values, expected):
    assert SourceAnnotation("x", None, *values).box(200, 100, 1) == expected


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ((300, 0, 10, 10), "outside"),
        ((0, 0, 0, 10), "no area"),
        ((0, 0, -5, 10), "no area"),
        ((0, 0, float("nan"), 10), "not finite"),
        ((0, 0, float("inf"), 10), "not finite"),
    ],
)
def test_boxes_that_cannot_be_say_why(values, words):
    assert words in SourceAnnotation("x", None, *values).box(200, 100, 1)


@pytest.mark.parametrize("orientation", [5, 6, 7, 8])
def test_boxes_of_the_stored_picture_turn_with_it(orientation):
    """Draw the box in a stored picture, turn it as Exif says, and find the box there."""
    from PIL import Image

    from tamis.images.decode import _UPRIGHT

    stored = Image.new("L", (60, 40))
    stored.paste(255, (5, 8, 25, 18))
    upright = stored.transpose(_UPRIGHT[orientation])
    left, top, right, bottom = upright.getbbox()
    expected = Box(left, top, right - left, bottom - top)
    annotation = SourceAnnotation("x", None, 5, 8, 20, 10, size=(60, 40))
    assert annotation.box(*upright.size, orientation) == expected
    # boxes of the upright picture stay as they are
    as_seen = SourceAnnotation("x", None, *expected.corners[:2], expected.width, expected.height)
    assert as_seen.box(*upright.size, orientation) == expected


def test_a_picture_is_found_by_the_end_of_its_path():
    finder = PictureFinder(["/d/train/1.jpg", "/d/val/1.jpg", "/d/val/2.png", "/d/val/2.jpg"])
    assert finder.find("train/1.jpg") == "/d/train/1.jpg"
    assert finder.find("./val\\1.jpg") == "/d/val/1.jpg"
    assert list(finder.find("1.jpg")) == ["/d/train/1.jpg", "/d/val/1.jpg"]
    assert finder.find("2.png") == "/d/val/2.png"
    assert list(finder.find("3.jpg")) == []
    assert list(finder.find("ain/1.jpg")) == []


def test_what_holds_no_annotations_is_refused(tmp_path):
    (tmp_path / "empty").mkdir()
    (tmp_path / "other.json").write_text("[1, 2]")
    for place, words in (
        ("nowhere", "holds no annotations"),
        ("empty", "no .xml files"),
        ("other.json", "no COCO file"),
    ):
        with pytest.raises(InputError, match=words):
            read_boxes(str(tmp_path / place))
