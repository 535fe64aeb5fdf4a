"""Tables of other tools are read by the names that they give their columns."""

from __future__ import annotations

import pytest

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
