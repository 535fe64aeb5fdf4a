"""Annotations of every format come into a layer, once, where they lie, and nothing else changes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from PIL import Image

import tamis
from tamis.algo.run_lengths import read_counts, write_counts
from tamis.errors import InputError, UsageError

SIZE = (80, 60)


@pytest.fixture
def dataset(tmp_path):
    """Three pictures; the third lies on its side on disk."""
    folder = tmp_path / "images"
    folder.mkdir()
    for number in range(3):
        picture = Image.effect_noise(SIZE, 40 + number)
        exif = Image.Exif()
        if number == 2:
            exif[0x0112] = 6
        picture.save(folder / f"{number}.part.png", exif=exif)
    ds = tamis.open(tmp_path / "d.tamis")
    ds.add(str(folder))
    return ds


def coco(folder: Path, *entries: dict, name: str = "a.json", **more) -> Path:
    document = {
        "images": [
            {"id": n, "file_name": f"{n}.part.png", "width": SIZE[0], "height": SIZE[1]}
            for n in range(3)
        ],
        "categories": [{"id": 7, "name": "cat"}, {"id": 9, "name": "дог"}],
        "annotations": [{"id": n, "category_id": 7, **e} for n, e in enumerate(entries)],
        **more,
    }
    file = folder / name
    file.write_text(json.dumps(document), encoding="utf-8")
    return file


def rows(ds, **asked) -> list[dict]:
    paths = dict(
        zip(*(column.to_pylist() for column in ds.table(["sample_id", "path"])), strict=True)
    )
    return [
        {**row, "picture": Path(paths[row["sample_id"]]).name[0]}
        for row in ds.annotations(**asked).to_pylist()
    ]


def box(row) -> tuple:
    return row["x"], row["y"], row["width"], row["height"]


def test_coco_keeps_decimals_outlines_masks_keypoints_crowds_and_captions(dataset, tmp_path):
    ring = [1.5, 2.5, 11.5, 2.5, 11.5, 12.5]
    counts = [60 * 2 + 3, 5, 60 - 5, 5, 60 * 80 - 60 * 3 - 8 - 0 - 5 + 0]
    counts[-1] = 80 * 60 - sum(counts[:-1])
    file = coco(
        tmp_path,
        {"image_id": 0, "bbox": [1.25, 2.5, 10.125, 9]},
        {"image_id": 0, "bbox": [1.5, 2.5, 10, 10], "segmentation": [ring], "score": None},
        {"image_id": 1, "segmentation": {"counts": counts, "size": [60, 80]}, "iscrowd": 1},
        {"image_id": 1, "bbox": [0, 0, 9, 9], "keypoints": [1, 2, 2, 0, 0, 0], "category_id": 9},
        {"image_id": 1, "caption": "two cats"},
        {"image_id": 0, "bbox": [1, 1, 2, 2], "attributes": {"wet": True}},
    )
    report = dataset.import_annotations("coco", file)
    assert (report.imported, report.known, report.failed) == (6, 0, [])
    found = rows(dataset)
    assert [row["kind"] for row in found] == [
        "box", "polygon", "mask", "keypoints", "caption", "box",
    ]  # fmt: skip
    assert box(found[0]) == (1.25, 2.5, 10.125, 9)
    assert found[1]["polygon"] == [ring]
    assert (box(found[2]), found[2]["crowd"]) == ((2, 3, 2, 5), True)
    assert read_counts(found[2]["mask"]) == counts
    assert (found[3]["keypoints"], found[3]["label"]) == ([1, 2, 2, 0, 0, 0], "дог")
    assert (found[4]["text"], box(found[4])) == ("two cats", (None,) * 4)
    assert json.loads(found[5]["attributes"]) == {"wet": True}
    assert json.loads(found[0]["source"]) == {"id": 0, "category_id": 7}
    assert {row["layer"] for row in found} == {"truth"}


def test_all_that_lies_in_a_picture_is_turned_with_it(dataset, tmp_path):
    mask = [60 * 2 + 3, 5, 80 * 60 - 60 * 2 - 8]
    file = coco(
        tmp_path,
        {"image_id": 2, "bbox": [2, 3, 10, 5], "segmentation": [[2, 3, 12, 3, 12, 8]]},
        {"image_id": 2, "segmentation": {"counts": write_counts(mask), "size": [60, 80]}},
        {"image_id": 2, "bbox": [2, 3, 9, 9], "keypoints": [2, 3, 1, 0, 0, 0]},
    )
    dataset.import_annotations("auto", file)
    outline, turned, points = rows(dataset)
    assert box(outline) == (60 - 3 - 5, 2, 5, 10)
    assert outline["polygon"] == [[57, 2, 57, 12, 52, 12]]
    assert box(turned) == (60 - 3 - 5, 2, 5, 1)
    assert sum(read_counts(turned["mask"])[1::2]) == 5
    assert points["keypoints"] == [57, 2, 1, 0, 0, 0]


def test_the_same_file_twice_is_known_and_two_equal_boxes_are_two(dataset, tmp_path):
    same = {"image_id": 0, "bbox": [1, 1, 5, 5], "id": 1}
    file = coco(tmp_path, same, same)
    assert dataset.import_annotations("coco", file).imported == 2
    again = dataset.import_annotations("coco", file)
    assert (again.imported, again.known) == (0, 2)


def test_an_import_touches_its_layer_alone_and_undo_takes_back_exactly_it(dataset, tmp_path):
    truth = coco(tmp_path, {"image_id": 0, "bbox": [1, 1, 5, 5]})
    model = coco(tmp_path, {"image_id": 0, "bbox": [2, 2, 5, 5]}, name="b.json")
    dataset.import_annotations("coco", truth)
    before = rows(dataset)
    dataset.import_annotations("coco", model, layer="model", author="v3")
    dataset.import_annotations("coco", truth, layer="model", replace=True)
    assert [row["x"] for row in rows(dataset, layer="model")] == [1]
    assert rows(dataset, layer="truth") == before
    dataset.undo()
    assert [(row["x"], row["author"]) for row in rows(dataset, layer="model")] == [(2, "v3")]
    dataset.undo()
    assert rows(dataset) == before


def test_results_need_the_file_of_their_ids_and_a_layer_of_their_own(dataset, tmp_path):
    truth = coco(tmp_path, {"image_id": 0, "bbox": [1, 1, 5, 5]})
    results = tmp_path / "r.json"
    results.write_text(
        json.dumps([{"image_id": 0, "category_id": 9, "bbox": [1, 1, 4, 4], "score": 0.75}])
    )
    with pytest.raises(InputError, match="as its reference"):
        dataset.import_annotations("coco", results, layer="model")
    with pytest.raises(UsageError, match="--layer NAME"):
        dataset.import_annotations("coco", results, reference=truth)
    dataset.import_annotations("coco", results, layer="model", reference=truth)
    [row] = rows(dataset, layer="model")
    assert (row["confidence"], row["label"]) == (0.75, "дог")


YOLO = {
    "0 0.5 0.5 0.25 0.5": ("box", (30, 15, 20, 30)),
    "1 0.1 0.1 0.5 0.1 0.4 0.5": ("polygon", (8, 6, 32, 24)),
}


def yolo(tmp_path: Path, line: str, settings: str = "") -> Path:
    labels = tmp_path / "labels"
    labels.mkdir()
    (labels / "0.part.txt").write_text(f"{line}\n")
    (tmp_path / "data.yaml").write_text(f"names: [a, b]\n{settings}")
    return tmp_path / "data.yaml"


@pytest.mark.parametrize("line", YOLO)
def test_yolo_boxes_and_outlines_are_shares_of_the_sides(dataset, tmp_path, line):
    dataset.import_annotations("auto", yolo(tmp_path, line))
    [row] = rows(dataset)
    assert (row["kind"], box(row)) == YOLO[line]


def test_yolo_rotated_boxes_keypoints_and_confidences(dataset, tmp_path):
    dataset.import_annotations("yolo", yolo(tmp_path, "0 0.5 0.1 0.6 0.2 0.5 0.3 0.4 0.2"))
    assert rows(dataset)[0]["kind"] == "rotated_box"
    dataset.undo()
    (tmp_path / "data.yaml").write_text("names: [a]\nkpt_shape: [2, 2]")
    (tmp_path / "labels" / "0.part.txt").write_text("0 .5 .5 .5 .5 .25 .5 0 0\n")
    dataset.import_annotations("yolo", tmp_path / "data.yaml")
    assert rows(dataset)[0]["keypoints"] == [20, 30, 2, 0, 0, 0]
    (tmp_path / "data.yaml").write_text("names: [a]")
    (tmp_path / "labels" / "0.part.txt").write_text("0 .5 .5 .5 .5 .875\n")
    dataset.import_annotations("yolo", tmp_path / "data.yaml", layer="model")
    assert rows(dataset, layer="model")[0]["confidence"] == 0.875


def test_voc_counts_pixels_from_one(dataset, tmp_path):
    (tmp_path / "0.part.xml").write_text(
        "<annotation><filename>0.part.png</filename><object><name>cat</name>"
        "<difficult>1</difficult><pose>Left</pose><bndbox><xmin>1</xmin><ymin>1</ymin>"
        "<xmax>10</xmax><ymax>5</ymax></bndbox></object></annotation>"
    )
    dataset.import_annotations("voc", tmp_path)
    [row] = rows(dataset)
    assert box(row) == (0, 0, 10, 5)
    assert json.loads(row["attributes"]) == {"difficult": 1, "pose": "Left"}


def test_labelme_shapes(dataset, tmp_path):
    shapes = [
        {"label": "a", "points": [[5, 6], [1, 2]], "shape_type": "rectangle"},
        {"label": "b", "points": [[1, 1], [9, 1], [9, 9]], "shape_type": "polygon", "group_id": 3},
        {"label": "c", "points": [[20, 20], [25, 20]], "shape_type": "circle"},
        {"label": "d", "points": [[1, 1], [9, 1]], "shape_type": "line"},
    ]
    document = {"version": "5.0", "flags": {}, "shapes": shapes, "imagePath": "0.part.png"}
    (tmp_path / "0.part.json").write_text(json.dumps(document))
    report = dataset.import_annotations("auto", tmp_path / "0.part.json")
    assert [box(row) for row in rows(dataset)] == [
        (1, 2, 4, 4), (1, 1, 8, 8), pytest.approx((15, 15, 10, 10)),
    ]  # fmt: skip
    assert "line" in report.failed[0].reason


def test_cvat_boxes_rotations_polygons_masks_and_tags(dataset, tmp_path):
    file = tmp_path / "annotations.xml"
    file.write_text(
        '<?xml version="1.0"?><annotations><version>1.1</version>'
        '<image id="0" name="0.part.png" width="80" height="60">'
        '<tag label="day"/>'
        '<box label="a" occluded="1" xtl="1.5" ytl="2" xbr="5" ybr="6">'
        '<attribute name="color">red</attribute></box>'
        '<box label="a" xtl="10" ytl="10" xbr="30" ybr="20" rotation="90"/>'
        '<polygon label="b" points="1,1;9,1;9,9"/>'
        '<mask label="c" rle="1,2,1" left="3" top="4" width="2" height="2"/>'
        '<polyline label="b" points="1,1;9,1"/></image></annotations>'
    )
    report = dataset.import_annotations("auto", file)
    day, one, turned, outline, mask = rows(dataset)
    assert (day["kind"], day["label"]) == ("classification", "day")
    assert dataset.table(["label"])["label"].to_pylist().count("day") == 1
    assert (box(one), json.loads(one["attributes"])) == (
        (1.5, 2, 3.5, 4), {"color": "red", "occluded": 1},
    )  # fmt: skip
    assert (turned["kind"], box(turned)) == ("rotated_box", (15, 5, 10, 20))
    assert box(outline) == (1, 1, 8, 8)
    # the upper row is off, on; the lower on, off
    assert read_counts(mask["mask"])[:4] == [60 * 3 + 5, 1, 58, 1]
    assert "polyline" in report.failed[0].reason


def test_tables_have_boxes_classes_captions_and_numbers(dataset, tmp_path):
    file = tmp_path / "a.csv"
    file.write_text(
        "image,class,xmin,ymin,xmax,ymax,caption,value\n"
        "0.part.png,cat,1,2,5.5,6,,\n"
        "1.part.png,dog,,,,,,\n"
        "1.part.png,,,,,,a dog,\n"
        "1.part.png,size,,,,,,2.5\n"
        "gone.png,cat,1,2,5,6,,\n",
        encoding="utf-8",
    )
    report = dataset.import_annotations("csv", file)
    assert [row["kind"] for row in rows(dataset)] == [
        "box", "classification", "caption", "number",
    ]  # fmt: skip
    assert box(rows(dataset)[0]) == (1, 2, 4.5, 4)
    assert [one.path for one in report.failed] == ["gone.png"]


def test_folders_are_classes_and_do_not_replace_labels_unless_asked(dataset, tmp_path):
    tree = tmp_path / "sorted" / "cat"
    tree.mkdir(parents=True)
    (tmp_path / "images" / "0.part.png").rename(tree / "0.part.png")
    dataset.label("dog", all=True)
    dataset.import_annotations("folder", tmp_path / "sorted")
    assert set(dataset.table(["label"])["label"].to_pylist()) == {"dog"}
    dataset.import_annotations("folder", tmp_path / "sorted", replace=True)
    assert sorted(map(str, dataset.table(["label"])["label"].to_pylist())) == [
        "None",
        "None",
        "cat",
    ]


@pytest.mark.parametrize("content", ["{}", "[]", "[1]", "{", '{"images": 3, "annotations": []}'])
def test_what_is_no_coco_file_is_refused_in_a_sentence(dataset, tmp_path, content):
    (tmp_path / "x.json").write_text(content)
    with pytest.raises(InputError):
        dataset.import_annotations("coco", tmp_path / "x.json")
    assert dataset.log().entries[-1].verb == "add"


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ("file,x,y\n0.part.png,1,2\n", "no column of classes; call it one of label, class"),
        ("file,label\n0.part.png,\n", "nothing in .* can be used; .* row 1"),
    ],
)
def test_what_cannot_be_used_at_all_does_not_empty_a_layer(dataset, tmp_path, table, message):
    dataset.label("dog", all=True)
    (tmp_path / "t.csv").write_text(table)
    with pytest.raises(InputError, match=message):
        dataset.import_annotations("csv", tmp_path / "t.csv", replace=True)
    assert [row["label"] for row in rows(dataset)] == ["dog"] * 3


def test_annotations_of_other_pictures_change_nothing(dataset, tmp_path):
    file = coco(
        tmp_path, {"image_id": 0, "bbox": [0, 0, 5, 5]}, images=[{"id": 0, "file_name": "z"}]
    )
    with pytest.raises(InputError, match="Add the pictures first"):
        dataset.import_annotations("coco", file)
    assert dataset.log().entries[-1].verb == "add"


HOSTILE = [
    ("coco", {"bbox": [1, 1, 5, 5], "segmentation": {"counts": ["a"], "size": [60, 80]}}, "run"),
    ("coco", {"bbox": [1, 1, 5, 5], "segmentation": {"counts": [-1], "size": [60, 80]}}, "run"),
    ("coco", {"bbox": [1, 1, 5, 5], "segmentation": {"counts": [9], "size": [60, 80]}}, "mask"),
    ("coco", {"bbox": [1, 1, 5, 5], "segmentation": {"counts": "o", "size": [60, 80]}}, "breaks"),
    ("coco", {"bbox": [1, 1, 5, 5], "segmentation": [[1, 1, 2]]}, "ring"),
    ("coco", {"bbox": [1, 1, 5, 5], "segmentation": [[1, 1, 2, 2, float("nan"), 4]]}, "finite"),
    ("coco", {"bbox": [1, 1, 5, 5], "keypoints": [1, 2]}, "three a point"),
    ("coco", {"bbox": [1, 1, 5, 5], "keypoints": [1, None, 2]}, "NoneType"),
    ("coco", {"bbox": [1, 1, 5, 5], "score": float("nan")}, "finite"),
    ("coco", {"bbox": [10**400, 1, 5, 5]}, "too large"),
    ("coco", {"caption": 3}, "no text"),
    ("csv", '0.part.png,box,cat,1,1,5,5,"[[1,2,3]]",', "second number"),
    ("csv", "0.part.png,box,cat,1,1,5,5,[[1,", "Expecting"),
    ("csv", "0.part.png,box,cat,1,1,5,5,7,", "iterable"),
    ("csv", "0.part.png,rotated_box,cat,1,1,5,5,,", "four points"),
    ("csv", '0.part.png,keypoints,cat,1,1,5,5,,"[1,2]"', "three a point"),
    ("csv", "0.part.png,sphere,cat,1,1,5,5,,", "its kind is"),
    ("csv", "0.part.png,box,cat,1,1,,,,", "without x, y"),
    ("csv", "0.part.png,box,,1,1,5,5,,", "no class"),
    ("csv", "0.part.png,box,cat,1,inf,5,5,,", "finite"),
]


@pytest.mark.parametrize(("format_name", "bad", "words"), HOSTILE)
def test_a_bad_entry_costs_itself_and_not_its_neighbor(dataset, tmp_path, format_name, bad, words):
    if format_name == "coco":
        good = {"image_id": 0, "bbox": [1, 1, 5, 5]}
        place = coco(tmp_path, {"image_id": 0, **bad}, good)
    else:
        place = tmp_path / "a.csv"
        header = "file,kind,label,x,y,width,height,polygon,keypoints"
        place.write_text(f"{header}\n{bad}\n0.part.png,box,cat,1,1,5,5,,\n")
    report = dataset.import_annotations(format_name, place, layer="model")
    assert report.imported == 1
    [failure] = report.failed
    assert words in failure.reason
