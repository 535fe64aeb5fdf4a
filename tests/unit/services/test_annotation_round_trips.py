"""What is exported and imported again is what a format can hold, also after an edit; the rest is
counted.
"""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pytest
from PIL import Image

import tamis
from tamis.algo.run_lengths import write_counts
from tamis.errors import UsageError

SIZE = (80, 60)
RING = [10.5, 10.25, 30.5, 10.25, 30.5, 22.75]
TURNED = [20.0, 10.0, 30.0, 20.0, 20.0, 30.0, 10.0, 20.0]
MASK = write_counts([60 * 2 + 3, 5, 55, 5, 80 * 60 - 60 * 3 - 8])

ENTRIES = {
    "box": {"bbox": [1.25, 2.5, 10.125, 9]},
    "polygon": {"bbox": [10.5, 10.25, 20, 12.5], "segmentation": [RING]},
    "mask": {"bbox": [2, 3, 2, 5], "segmentation": {"counts": MASK, "size": [60, 80]}},
    "keypoints": {"bbox": [0, 0, 9, 9], "keypoints": [1, 2, 2, 0, 0, 0]},
    "crowd": {
        "bbox": [2, 3, 2, 5], "iscrowd": 1, "segmentation": {"counts": MASK, "size": [60, 80]},
    },
    "caption": {"caption": "two cats"},
    "attributes": {"bbox": [1, 2, 3, 4], "attributes": {"difficult": 1}},
}  # fmt: skip


@pytest.fixture
def dataset(tmp_path):
    folder = tmp_path / "images"
    (folder / "other").mkdir(parents=True)
    for number, name in enumerate(["a.b.png", "c.png", "other/c.jpg"]):
        Image.effect_noise(SIZE, 40 + number).save(folder / name)
    ds = tamis.open(tmp_path / "d.tamis")
    ds.add(str(folder))
    return ds


def bring(ds, tmp_path: Path, *kinds: str) -> None:
    """Import these annotations, each of the first and of the second picture."""
    document = {
        "images": [
            {"id": 1, "file_name": "a.b.png", "width": 80, "height": 60},
            {"id": 2, "file_name": "images/c.png", "width": 80, "height": 60},
        ],
        "categories": [{"id": 18, "name": "chat, été"}, {"id": 17, "name": "dog"}],
        "annotations": [
            {"id": n, "image_id": image, "category_id": 17 + image % 2, **ENTRIES[kind]}
            for n, (kind, image) in enumerate((k, i) for k in kinds for i in (1, 2))
        ],
    }
    (tmp_path / "in.json").write_text(json.dumps(document))
    ds.import_annotations("coco", tmp_path / "in.json")


def said(ds, layer: str) -> list:
    """What a layer says, without what no format holds: its name, ids and times."""
    rows = ds.annotations(layer=layer).to_pylist()
    drop = {"annotation_id", "layer", "time", "author", "source"}
    kept = [{k: v for k, v in row.items() if k not in drop} for row in rows]
    return sorted(({k: rounded(v) for k, v in row.items()} for row in kept), key=json.dumps)


def rounded(value):
    if isinstance(value, list):
        return [rounded(one) for one in value]
    return round(value, 4) if isinstance(value, float) else value


def trip(ds, tmp_path: Path, format_name: str) -> tuple[list, list, list[str]]:
    """Export truth, import it as `back`: both, and what the export says it cannot hold."""
    out = tmp_path / f"out-{len(ds.log().entries)}"
    report = ds.export(format_name, out)
    ds.import_annotations(format_name, out, layer="back", replace=True)
    return said(ds, "truth"), said(ds, "back"), list(report.notes)


def edit(ds) -> None:
    """Move the first picture's boxes by half a pixel, and call their class otherwise."""
    table = ds.annotations(layer="truth")
    rows = table.to_pylist()
    for row in rows:
        if row["label"] == "chat, été" and row["kind"] == "box":
            row |= {"x": row["x"] + 0.5, "label": "Katze"}
    with ds.store.operation("edit") as op:
        op.remove_annotations("truth")
        op.add_annotations(pa.Table.from_pylist(rows, schema=table.schema))


CASES = [
    ("coco", ("box", "polygon", "mask", "keypoints", "crowd", "caption", "attributes")),
    ("yolo", ("box",)),
    ("yolo", ("polygon",)),
    ("yolo", ("keypoints",)),
    ("voc", ("box",)),
    ("cvat", ("box", "polygon", "mask")),
    ("labelme", ("box", "polygon")),
]


@pytest.mark.parametrize(("format_name", "kinds"), CASES)
def test_what_a_format_holds_comes_back_also_after_an_edit(dataset, tmp_path, format_name, kinds):
    bring(dataset, tmp_path, *kinds)
    for change in (lambda: None, lambda: edit(dataset)):
        change()
        truth, back, notes = trip(dataset, tmp_path, format_name)
        assert len(truth) == 2 * len(kinds)
        if format_name == "voc":  # it has to say of each object whether it is difficult
            for row in back:
                assert json.loads(row.pop("attributes")) == {"difficult": 0, "truncated": 0}
            truth = [{k: v for k, v in row.items() if k != "attributes"} for row in truth]
        assert back == truth
        assert notes == []


@pytest.mark.parametrize("format_name", ["yolo", "cvat"])
def test_rotated_boxes_come_back(dataset, tmp_path, format_name):
    row = {
        "file": "a.b.png",
        "kind": "rotated_box",
        "label": "ship",
        "polygon": json.dumps([TURNED]),
    }
    header = ",".join([*row, "x", "y", "width", "height"])
    cells = [f'"{value}"' for value in row.values()]
    (tmp_path / "r.csv").write_text(f"{header}\n{','.join(cells)},10,10,20,20\n")
    dataset.import_annotations("csv", tmp_path / "r.csv")
    truth, back, notes = trip(dataset, tmp_path, format_name)
    assert (back, notes) == (truth, [])
    dataset.export("coco", tmp_path / "coco")
    assert (
        "1 of kind rotated_box written as outlines"
        in dataset.export("coco", tmp_path / "again").notes[0]
    )


LOST = [
    ("yolo", ("box", "polygon"), "2 of kind box written as outlines of four points"),
    ("yolo", ("mask",), "2 of kind mask written as the boxes around them"),
    ("yolo", ("box", "keypoints"), "2 of kind box left out, without 2 keypoints each"),
    ("yolo", ("box", "crowd"), "2 of kind crowd left out"),
    ("yolo", ("box", "caption"), "2 of kind caption left out"),
    ("yolo", ("attributes",), "2 of kind box written without attributes"),
    ("labelme", ("box", "mask"), "2 of kind mask written as the boxes around them"),
    ("cvat", ("box", "keypoints"), "2 of kind keypoints written as the boxes around them"),
    ("voc", ("polygon",), "2 of kind polygon written as masks"),
    ("voc", ("box", "caption"), "2 of kind caption left out"),
]


@pytest.mark.parametrize(("format_name", "kinds", "words"), LOST)
def test_what_a_format_cannot_hold_is_counted(dataset, tmp_path, format_name, kinds, words):
    bring(dataset, tmp_path, *kinds)
    notes = dataset.export(format_name, tmp_path / "out").notes
    assert [words in note for note in notes] == [True]


def test_labels_alone_are_counted_as_classes_that_coco_cannot_hold(dataset, tmp_path):
    dataset.label("dog", all=True)
    assert "3 of kind classification left out" in dataset.export("coco", tmp_path / "o").notes[0]


def test_coco_keeps_the_numbers_of_its_classes_and_yolo_their_order(dataset, tmp_path):
    bring(dataset, tmp_path, "box")
    dataset.export("coco", tmp_path / "coco")
    written = json.loads((tmp_path / "coco/annotations/instances.json").read_text("utf-8"))
    assert {one["name"]: one["id"] for one in written["categories"]} == {
        "dog": 17, "chat, été": 18,
    }  # fmt: skip
    assert len(written["images"]) == 3
    assert [one["area"] for one in written["annotations"]] == [10.125 * 9] * 2
    dataset.export("yolo", tmp_path / "yolo")
    assert "0: dog\n  1: chat, été" in (tmp_path / "yolo/data.yaml").read_text("utf-8")


@pytest.mark.parametrize("format_name", ["coco", "yolo", "voc", "cvat", "labelme"])
def test_pictures_go_along_under_names_whose_stems_differ(dataset, tmp_path, format_name):
    bring(dataset, tmp_path, "box")
    out = tmp_path / "out"
    assert dataset.export(format_name, out).exported == 3
    files = sorted(f.name for f in out.rglob("*.*") if f.suffix in (".png", ".jpg"))
    assert len(files) == 3
    assert len({Path(name).stem for name in files}) == 3
    assert dataset.export(format_name, out, overwrite=True, link="hardlink").exported == 3
    (out / "mine.txt").write_text("mine")
    with pytest.raises(UsageError, match="was not written by the earlier export"):
        dataset.export(format_name, out, overwrite=True)
    bare = tmp_path / "bare"
    dataset.export(format_name, bare, pictures=False)
    assert not [*bare.rglob("*.png")]


def test_splits_become_folders_and_files(dataset, tmp_path):
    bring(dataset, tmp_path, "box")
    ids = dataset.table(["sample_id", "path"]).sort_by("path")["sample_id"].to_pylist()
    with dataset.store.operation("split") as op:
        op.set_marks(ids, {"split": ["train", "train", "val"]})
    dataset.export("coco", tmp_path / "coco")
    assert sorted(f.name for f in (tmp_path / "coco/annotations").iterdir()) == [
        "instances_train.json", "instances_val.json",
    ]  # fmt: skip
    dataset.export("yolo", tmp_path / "yolo")
    assert len([*(tmp_path / "yolo/labels/train").iterdir()]) == 2
    dataset.export("voc", tmp_path / "voc", where="split = 'val'")
    assert (tmp_path / "voc/ImageSets/Main/val.txt").read_text() == "c\n"


@pytest.mark.parametrize("format_name", ["csv", "parquet"])
def test_a_layer_goes_out_and_in_as_a_table(dataset, tmp_path, format_name):
    bring(dataset, tmp_path, "box", "polygon", "mask", "keypoints", "caption", "attributes")
    report = dataset.export(format_name, tmp_path / "t", layer="truth")
    assert report.exported == 12
    dataset.import_annotations(format_name, report.path, layer="back")
    assert said(dataset, "back") == said(dataset, "truth")
    with pytest.raises(UsageError, match="no layer 'nothing'; there are back, truth"):
        dataset.export(format_name, tmp_path / "u", layer="nothing")


@pytest.mark.parametrize("format_name", ["coco", "yolo", "voc", "cvat", "labelme"])
def test_the_format_of_an_export_is_found_by_content(dataset, tmp_path, format_name):
    bring(dataset, tmp_path, "box")
    ids = dataset.table(["sample_id", "path"]).sort_by("path")["sample_id"].to_pylist()
    with dataset.store.operation("split") as op:
        op.set_marks(ids, {"split": ["train", "val", "val"]})
    dataset.export(format_name, tmp_path / "out")
    report = dataset.import_annotations("auto", tmp_path / "out", layer="back")
    assert (report.imported, report.failed) == (2, [])
    places = [(row["x"], row["label"]) for row in said(dataset, "back")]
    assert places == [(row["x"], row["label"]) for row in said(dataset, "truth")]
