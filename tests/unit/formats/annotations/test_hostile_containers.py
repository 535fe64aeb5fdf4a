"""Tar, Arrow and picture files that mean harm, or are damaged, are refused; nothing is unpacked."""

from __future__ import annotations

import io
import json
import tarfile

import numpy as np
import pyarrow as pa
import pytest
from PIL import Image

from tamis.errors import InputError, UsageError
from tamis.formats.annotations import voc_masks, web_dataset
from tamis.formats.annotations.read import format_of, read_as
from tamis.formats.annotations.source_annotation import Annotations
from tamis.formats.annotations.voc import read_voc

SAID = json.dumps({"objects": {"bbox": [[1, 2, 3, 4]], "category": ["dog"]}}).encode()


def shard(folder, *members, mode="w", name="a.tar"):
    """A tar file with these members: a name and content, or a whole entry."""
    with tarfile.open(folder / name, mode) as tar:
        for member in members:
            if isinstance(member, tarfile.TarInfo):
                tar.addfile(member)
                continue
            entry = tarfile.TarInfo(member[0])
            entry.size = len(member[1])
            tar.addfile(entry, io.BytesIO(member[1]))
    return folder / name


def read(name, place) -> Annotations:
    return Annotations.gathered(read_as(name, place))


@pytest.mark.parametrize(
    "name", ["../../outside", "/etc/outside", "a/../../b", "x" * 200, "犬", "e\u0301", "a b"]
)
def test_names_lead_nowhere(tmp_path, name):
    file = shard(tmp_path, (f"{name}.jpg", b""), (f"{name}.json", SAID))
    before = sorted(tmp_path.rglob("*"))
    found = read("webdataset", file)
    assert len(found.entries) + len(found.failures) >= 1
    assert sorted(tmp_path.rglob("*")) == before


def test_links_and_devices_are_passed_over(tmp_path):
    link = tarfile.TarInfo("a.json")
    link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
    device = tarfile.TarInfo("a.cls")
    device.type = tarfile.CHRTYPE
    file = shard(tmp_path, ("a.jpg", b""), link, device, ("b.jpg", b""), ("b.json", SAID))
    found = read("webdataset", file)
    assert [one.picture for one in found.entries] == ["b.jpg"]


def test_a_member_that_is_too_large_is_not_read(tmp_path, monkeypatch):
    monkeypatch.setattr(web_dataset, "_LARGEST", 1 << 16)
    huge = b"[" + b" " * (1 << 20)
    file = shard(tmp_path, ("a.jpg", b""), ("a.json", huge), ("b.jpg", b""), ("b.json", SAID),
                 mode="w:gz")  # fmt: skip
    found = read("webdataset", file)
    assert [one.picture for one in found.entries] == ["b.jpg"]
    assert ["too many to be read" in one.reason for one in found.failures] == [True]


def test_a_shard_that_breaks_off_is_refused(tmp_path):
    file = shard(tmp_path, *((f"{n}.{end}", SAID) for n in range(9) for end in ("jpg", "json")))
    file.write_bytes(file.read_bytes()[:9000])
    with pytest.raises(InputError, match="cannot be read as a shard"):
        read("webdataset", file)


@pytest.mark.parametrize("kept", [3 * 512 + 9, 4 * 512 - 1])
def test_a_shard_that_breaks_off_in_a_header_is_refused(tmp_path, kept):
    file = shard(tmp_path, ("a.jpg", b""), ("a.cls", b"cat"), ("b.jpg", b""), ("b.cls", b"dog"))
    file.write_bytes(file.read_bytes()[:kept])
    with pytest.raises(InputError, match="cut off"):
        read("webdataset", file)


def test_a_shard_with_a_damaged_header_does_not_just_end_there(tmp_path):
    file = shard(tmp_path, ("a.jpg", b""), ("a.cls", b"cat"), ("b.jpg", b""), ("b.cls", b"dog"))
    content = bytearray(file.read_bytes())
    content[3 * 512 + 150] ^= 0xFF
    file.write_bytes(content)
    with pytest.raises(InputError, match="damaged"):
        read("webdataset", file)


def test_what_is_nested_without_end_costs_itself(tmp_path):
    deep = "[" * 100_000
    objects = {"bbox": [[1, 2, 3, 4]], "category": ["dog"], "attributes": [deep]}
    said = json.dumps({"objects": objects}).encode()
    file = shard(tmp_path, ("a.jpg", b""), ("a.json", said), ("b.jpg", b""), ("b.json", SAID))
    found = read("webdataset", file)
    assert ([one.picture for one in found.entries], len(found.failures)) == (["b.jpg"], 1)
    table = tmp_path / "a.csv"
    table.write_text(f"path,label,x,y,width,height,polygon\na,cat,1,2,3,4,{deep}\nb,cat,1,2,3,4,\n")
    found = read("csv", table)
    assert ([one.picture for one in found.entries], len(found.failures)) == (["b"], 1)


def test_names_of_classes_that_are_no_text_are_refused(tmp_path):
    (tmp_path / "classes.txt").write_bytes(b"\xff\xfe")
    with pytest.raises(InputError, match="cannot be read"):
        read("webdataset", shard(tmp_path, ("a.jpg", b""), ("a.cls", b"0")))
    (tmp_path / "SegmentationClass").mkdir()
    Image.new("L", (4, 4), 1).save(tmp_path / "SegmentationClass" / "a.png")
    (tmp_path / "labelmap.txt").write_bytes(b"\xff\xfe")
    with pytest.raises(InputError, match="no text in UTF-8"):
        list(voc_masks.read_voc_classes(tmp_path))


@pytest.mark.parametrize(("field", "hint"), [("x", "there are boxes"), ("boxs", "is it boxes")])
def test_a_field_that_is_not_there_is_refused_with_those_that_are(tmp_path, field, hint):
    labels = {"_cls": "Detections", "detections": []}
    samples = {"samples": [{"filepath": "a.png", "boxes": labels}]}
    (tmp_path / "samples.json").write_text(json.dumps(samples))
    with pytest.raises(UsageError, match=rf"no field of labels '{field}'; {hint}"):
        list(read_as("fiftyone", tmp_path, field=field))


def test_what_is_said_of_no_picture_is_listed(tmp_path):
    file = shard(tmp_path, ("a.json", SAID), ("b.jpg", b""), ("b.cls", b"\xff"))
    found = read("webdataset", file)
    assert len(found.failures) == 2
    assert found.entries == []


def test_classes_by_number_and_by_name(tmp_path):
    members = [("a.jpg", b""), ("a.cls", b"1\n"), ("b.jpg", b""), ("b.cls", b"7")]
    file = shard(tmp_path, *members)
    assert [one.label for one in read("webdataset", file).entries] == ["1", "7"]
    (tmp_path / "classes.txt").write_text("cat\ndog\n")
    found = read("webdataset", file)
    assert [one.label for one in found.entries] == ["dog"]
    assert "no class 7" in found.failures[0].reason
    assert format_of(tmp_path) == "webdataset"


def arrow(folder, table: pa.Table, files=("data.arrow",)):
    folder.mkdir(exist_ok=True)
    with (
        pa.OSFile(str(folder / "data.arrow"), "wb") as sink,
        pa.ipc.new_stream(sink, table.schema) as writer,
    ):
        writer.write_table(table)
    state = {"_data_files": [{"filename": name} for name in files]}
    (folder / "state.json").write_text(json.dumps(state))
    return folder


PICTURES = pa.table({"image": [{"bytes": b"", "path": "a.jpg"}], "label": ["dog"]})


@pytest.mark.parametrize("name", ["../data.arrow", "/etc/passwd", "..", "a/b", "", None, 3])
def test_files_outside_of_an_arrow_folder_are_refused(tmp_path, name):
    arrow(tmp_path / "d", PICTURES)
    arrow(tmp_path, PICTURES, [name])
    with pytest.raises(InputError, match="cannot be read as a dataset"):
        read("huggingface", tmp_path)
    (tmp_path / "dataset_dict.json").write_text(json.dumps({"splits": [name]}))
    with pytest.raises(InputError, match="cannot be read as a dataset"):
        read("huggingface", tmp_path)


@pytest.mark.parametrize("keep", [0, 3, 60, 300])
def test_an_arrow_file_that_breaks_off_is_refused(tmp_path, keep):
    folder = arrow(tmp_path, PICTURES)
    file = folder / "data.arrow"
    file.write_bytes(file.read_bytes()[:keep])
    with pytest.raises(InputError, match="cannot be read as a dataset"):
        read("huggingface", folder)


def test_rows_without_paths_and_classes_without_names_are_listed(tmp_path):
    told = {"info": {"features": {"label": {"_type": "ClassLabel", "names": ["cat"]}}}}
    rows = [
        {"image": {"bytes": b"", "path": None}, "label": 0},
        {"image": {"bytes": b"", "path": "a.jpg"}, "label": 9},
        {"image": {"bytes": b"", "path": "b.jpg"}, "label": 0},
    ]
    table = pa.Table.from_pylist(rows).replace_schema_metadata({"huggingface": json.dumps(told)})
    found = read("huggingface", arrow(tmp_path, table))
    assert [(one.picture, one.label) for one in found.entries] == [("b.jpg", "cat")]
    assert len(found.failures) == 2


def test_a_table_without_pictures_is_refused(tmp_path):
    with pytest.raises(InputError, match="no column of pictures"):
        read("huggingface", arrow(tmp_path, pa.table({"a": [1]})))


VOC = (
    "<annotation><filename>a.jpg</filename><size><width>{}</width><height>60</height></size><object>"
    "<name>dog</name><bndbox><xmin>1</xmin><ymin>1</ymin><xmax>9</xmax><ymax>9</ymax></bndbox>"
    "</object></annotation>"
)


@pytest.mark.parametrize(
    ("picture", "width", "words"),
    [
        (Image.new("RGB", (80, 60)), 80, "has colors"),
        (Image.new("P", (40, 60)), 80, "the picture of"),
        (b"no picture", 80, "cannot identify"),
        (b"\x89PNG\r\n\x1a\n" + b"\0" * 30, 80, "masks"),
    ],
)
def test_masks_that_cannot_be_meant_are_listed_and_the_box_stays(tmp_path, picture, width, words):
    for folder in ("Annotations", "SegmentationObject"):
        (tmp_path / folder).mkdir()
    (tmp_path / "Annotations/a.xml").write_text(VOC.format(width))
    file = tmp_path / "SegmentationObject/a.png"
    if isinstance(picture, bytes):
        file.write_bytes(picture)
    else:
        picture.save(file)
    found = Annotations.gathered(read_voc([tmp_path / "Annotations/a.xml"]))
    assert [words in one.reason for one in found.failures] == [True]
    assert [one.kind for one in found.entries] == ["box"]


def test_masks_that_are_too_large_are_not_decoded(tmp_path, monkeypatch):
    monkeypatch.setattr(voc_masks, "_MOST_PIXELS", 100)
    (tmp_path / "SegmentationClass").mkdir()
    Image.new("P", (20, 20)).save(tmp_path / "SegmentationClass/a.png")
    found = read("voc", tmp_path)
    assert ["too large" in one.reason for one in found.failures] == [True]


def test_pictures_of_classes_alone_are_masks_by_the_names_of_the_label_map(tmp_path):
    (tmp_path / "SegmentationClass").mkdir()
    numbers = np.zeros((60, 80), np.uint8)
    numbers[5:9, 7:20] = 2
    numbers[20:30, 40:41] = 255
    Image.fromarray(numbers, "L").save(tmp_path / "SegmentationClass/a.b.png")
    assert format_of(tmp_path) == "voc"
    [one] = read("voc", tmp_path).entries
    assert (one.picture, one.label) == ("a.b", "bicycle")
    (tmp_path / "labelmap.txt").write_text(
        "# label\nbackground:0,0,0::\ncat:1,1,1::\ndog:2,2,2::\n"
    )
    [one] = read("voc", tmp_path).entries
    assert (one.label, one.left, one.top, one.width, one.height) == ("dog", 7, 5, 13, 4)


def test_a_mask_of_a_picture_without_end_is_listed(tmp_path):
    (tmp_path / "a.xml").write_text(
        '<annotations><image name="a.jpg" width="1000000" height="1000000"><mask label="dog" '
        'rle="0, 4" left="1" top="1" width="2" height="2"/></image></annotations>'
    )
    found = read("cvat", tmp_path / "a.xml")
    assert ["too large" in one.reason for one in found.failures] == [True]


def test_metadata_of_something_else_makes_no_image_folder(tmp_path):
    (tmp_path / "metadata.csv").write_text("camera,place\n1,roof\n")
    (tmp_path / "a.txt").write_text("0 .5 .5 .1 .1\n")
    assert format_of(tmp_path) == "yolo"
    (tmp_path / "metadata.csv").write_text("file_name,label\na.jpg,dog\n")
    assert format_of(tmp_path) == "imagefolder"
    assert [one.label for one in read("auto", tmp_path).entries] == ["dog"]


@pytest.mark.parametrize(
    ("image", "picture"),
    [
        ("/data/upload/3/0123abcd-a b.jpg", "a b.jpg"),
        ("/data/upload/3/no-code.jpg", "/data/upload/3/no-code.jpg"),
        ("/data/local-files/?d=images/train/a%20b.jpg", "images/train/a b.jpg"),
        ("https://host/images/a.jpg?sign=1#x", "/images/a.jpg"),
        ("s3://bucket/train/a.jpg", "/train/a.jpg"),
        ("a.jpg", "a.jpg"),
    ],
)
def test_pictures_as_label_studio_names_them(tmp_path, image, picture):
    result = {"id": "a", "type": "choices", "from_name": "c", "value": {"choices": ["dog"]}}
    task = {"data": {"image": image}, "annotations": [{"result": [result]}]}
    (tmp_path / "tasks.json").write_text(json.dumps([task]))
    [one] = read("auto", tmp_path).entries
    assert (one.picture, one.label) == (picture, "dog")
