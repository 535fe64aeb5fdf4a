"""Real pictures and their boxes, edited, go out in every format and come back as they were."""

from __future__ import annotations

import csv
import shutil
import xml.etree.ElementTree as ET

import pytest
from PIL import Image

import tamis

WITH_BOXES = (
    "coco", "yolo", "voc", "cvat", "labelme", "labelstudio", "fiftyone", "imagefolder",
    "huggingface", "webdataset", "csv", "parquet",
)  # fmt: skip
NAMES = ("plain.jpg", "two.dots.v1.jpg", "naïve é.jpg", "100%.jpg", "turned.jpg")


def of_bccd(data):
    for file in sorted((data / "bccd").rglob("*.xml"))[: len(NAMES)]:
        root = ET.parse(file).getroot()
        boxes = [
            (one.findtext("name"), [float(one.findtext(f"bndbox/{side}")) for side in (
                "xmin", "ymin", "xmax", "ymax")])
            for one in root.iter("object")
        ]  # fmt: skip
        yield next((data / "bccd").rglob(f"{file.stem}.jp*g")), boxes


def of_pcb(data):
    with next((data / "pcb").glob("*.csv")).open() as stream:
        for row in list(csv.DictReader(stream))[:2]:
            numbers = [[float(word) for word in box.split()] for box in row["boxes"].split(";")]
            yield data / "pcb" / row["tested"], [(f"fault, “{n[4]:g}”", n[:4]) for n in numbers]


@pytest.fixture(scope="module")
def dataset(tmp_path_factory, shared_data):
    folder = tmp_path_factory.mktemp("real")
    (folder / "in").mkdir()
    boxes = {}
    for (file, each), name in zip(of_bccd(shared_data), NAMES, strict=True):
        target = folder / "in" / name
        boxes[name] = each
        if name != "turned.jpg":
            shutil.copy(file, target)
            continue
        exif = Image.Exif()
        exif[0x0112] = 6
        Image.open(file).transpose(Image.Transpose.ROTATE_90).save(target, exif=exif)
    for file, each in of_pcb(shared_data):
        shutil.copy(file, folder / "in")
        boxes[file.name] = each
    ds = tamis.open(folder / "d.tamis")
    ds.add(str(folder / "in"))
    ds.add_annotations(
        list(boxes),
        labels=[[label for label, _ in each] for each in boxes.values()],
        boxes=[[box for _, box in each] for each in boxes.values()],
        box_format="xyxy",
        layer="truth",
    )
    moved = ds.annotations(layer="truth")["annotation_id"][0].as_py()
    ds.edit_annotation(moved, box=(3.25, 4.5, 50.125, 40.75))
    ds.rename_class("RBC", "red cell")
    return ds


def said(ds, layer, ids):
    rows = ds.annotations(layer=layer).to_pylist()
    return sorted(
        (row["sample_id"], row["kind"], row["label"],
         *(round(row[side], 4) for side in ("x", "y", "width", "height")))
        for row in rows if row["sample_id"] in ids
    )  # fmt: skip


@pytest.mark.parametrize("format_name", WITH_BOXES)
def test_what_was_edited_comes_back(dataset, tmp_path, format_name):
    where = "path NOT LIKE '%100%'"  # a picture that is left out
    ids = dataset.table(["sample_id"], where=where)["sample_id"].to_pylist()
    report = dataset.export(format_name, tmp_path / "out", layer="truth", where=where)
    assert not report.notes
    assert not report.failed
    table = format_name in ("csv", "parquet")
    place = tmp_path / "out" / f"annotations.{format_name}" if table else tmp_path / "out"
    found = dataset.import_annotations("auto", place, layer=f"from_{format_name}")
    assert list(found.failed) == []
    whole = set(dataset.table(["sample_id"])["sample_id"].to_pylist())
    assert len(ids) == len(whole) - 1
    expected = said(dataset, "truth", set(ids))
    assert len(expected) > 30
    assert said(dataset, f"from_{format_name}", whole) == expected
