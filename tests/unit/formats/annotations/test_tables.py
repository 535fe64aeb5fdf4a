"""Tables of other tools are read by the names that they give their columns."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from tamis.errors import InputError
from tamis.formats.annotations.read import read_as
from tamis.formats.annotations.source_annotation import Annotations

TABLES = {
    "tamis": ("path,label,x,y,width,height", "a.jpg,dog,4,6,10,20", None),
    "fastdup": ("filename,col_x,row_y,width,height,label,split", "a.jpg,4,6,10,20,dog,train", None),
    "TensorFlow": (
        "filename,width,height,class,xmin,ymin,xmax,ymax", "a.jpg,80,60,dog,4,6,14,26", (80, 60),
    ),
    "labelWise": (
        "label_name,bbox_x,bbox_y,bbox_width,bbox_height,image_name,image_width,image_height",
        "dog,4,6,10,20,a.jpg,80,60", None,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", TABLES)
def test_boxes_of_other_tools(tmp_path, name):
    header, row, size = TABLES[name]
    (tmp_path / "t.csv").write_text(f"{header}\n{row}\n")
    found = Annotations.gathered(read_as("auto", tmp_path / "t.csv"))
    assert found.failures == []
    [one] = found.entries
    assert (one.picture, one.label, one.kind, one.size) == ("a.jpg", "dog", "box", size)
    assert (one.left, one.top, one.width, one.height) == (4, 6, 10, 20)


def test_what_fastdup_says_of_pictures_is_their_class(tmp_path):
    (tmp_path / "t.csv").write_text("filename,label,split\na.jpg,dog,train\n")
    [one] = read_as("csv", tmp_path / "t.csv")
    assert (one.label, one.kind) == ("dog", "classification")


def test_corners_of_fastdup_are_a_rotated_box_and_other_rows_what_they_are(tmp_path):
    (tmp_path / "t.csv").write_text(
        "filename,x1,y1,x2,y2,x3,y3,x4,y4,label\n"
        "a.jpg,10,0,20,10,10,20,0,10,ship\n"
        "b.jpg,,,,,,,,,sea\n"
        "c.jpg,1,2,3,,5,6,7,8,ship\n"
    )
    found = Annotations.gathered(read_as("auto", tmp_path / "t.csv"))
    ship, sea = found.entries
    assert (ship.kind, ship.polygon) == ("rotated_box", ((10, 0, 20, 10, 10, 20, 0, 10),))
    assert (ship.left, ship.top, ship.width, ship.height) == (0, 0, 20, 20)
    assert (sea.kind, sea.label) == ("classification", "sea")
    assert len(found.failures) == 1


def test_classes_as_lightly_studio_exports_them(tmp_path):
    table = tmp_path / "classifications.csv"
    table.write_text(
        "file_path_abs,class_name,confidence,annotation_source\n"
        "/data/a.jpg,cat,,ground_truth\n"
        "/data/a.jpg,dog,0.7,model_v1\n"
    )
    found = Annotations.gathered(read_as("auto", table))
    assert [(one.picture, one.label, one.confidence) for one in found.entries] == [
        ("/data/a.jpg", "cat", None), ("/data/a.jpg", "dog", 0.7),
    ]  # fmt: skip
    assert "2 sources (ground_truth, model_v1)" in found.notes[0]
    one = Annotations.gathered(read_as("csv", table, field="model_v1"))
    assert ([entry.label for entry in one.entries], one.notes) == (["dog"], [])
    with pytest.raises(InputError, match="there are ground_truth, model_v1"):
        list(read_as("csv", table, field="other"))


def test_masks_of_classes_as_lightly_studio_exports_them(tmp_path):
    numbers = np.zeros((6, 8), np.uint8)
    numbers[1:3, 2:5] = 7
    (tmp_path / "SegmentationClass" / "day.1").mkdir(parents=True)
    Image.fromarray(numbers).save(tmp_path / "SegmentationClass" / "day.1" / "a.b.png")
    names = tmp_path / "class_id_to_name.json"
    names.write_text('{"0": "background", "7": "naïve"}', encoding="utf-8")
    [one] = read_as("auto", tmp_path)
    assert (one.picture, one.label, one.kind) == ("day.1/a.b", "naïve", "mask")
    assert (one.left, one.top, one.width, one.height) == (2, 1, 3, 2)
    names.write_text("[1]")
    with pytest.raises(InputError, match="no JSON object of numbers and names"):
        list(read_as("voc", tmp_path))
