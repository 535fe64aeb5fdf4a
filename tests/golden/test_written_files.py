"""What is written for other tools, to the letter, where a reader of ours would not notice."""

from __future__ import annotations

import json
from xml.etree import ElementTree as ET

import pytest
from PIL import Image

import tamis
from tamis.algo.run_lengths import write_counts

MASK = write_counts([60 * 2 + 3, 5, 55, 5, 80 * 60 - 60 * 3 - 8])


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    """One picture with an object of each kind, as every format."""
    root = tmp_path_factory.mktemp("written")
    Image.effect_noise((80, 60), 50).save(root / "a.png")
    rows = [
        {"kind": "classification", "label": "sunny"},
        {"kind": "number", "label": "degrees", "value": 21},
        {"kind": "caption", "text": "a dog"},
        {"kind": "box", "label": "dog", "x": 8, "y": 6, "width": 16, "height": 12},
        {"kind": "mask", "label": "cat", "x": 2, "y": 3, "width": 2, "height": 5, "mask": MASK},
        {"kind": "keypoints", "label": "dog", "x": 8, "y": 6, "width": 16, "height": 12,
         "keypoints": "[10, 9, 2, 0, 0, 0, 12, 9, 1]"},
        {"kind": "rotated_box", "label": "dog", "x": 10, "y": 10, "width": 20, "height": 20,
         "polygon": "[[20, 10, 30, 20, 20, 30, 10, 20]]"},
    ]  # fmt: skip
    names = sorted({name for row in rows for name in row})
    cells = [",".join(f'"{row.get(name, "")}"' for name in names) for row in rows]
    lines = [f"file,{','.join(names)}", *(f"a.png,{one}" for one in cells)]
    (root / "in.csv").write_text("\n".join(lines))
    ds = tamis.open(root / "d.tamis")
    ds.add(str(root / "a.png"))
    ds.import_annotations("csv", root / "in.csv")
    ds.export("labelstudio", root / "labelstudio", pictures=False)
    ds.export("fiftyone", root / "fiftyone", pictures=False)
    ds.export("voc", root / "voc")
    return root


def test_label_studio_tasks_are_percentages_and_parts_name_their_parents(exported):
    [task] = json.loads((exported / "labelstudio/tasks.json").read_text())
    assert task["data"] == {"image": "/data/local-files/?d=images/a.png"}
    results = task["annotations"][0]["result"]
    by_type = {one["type"]: one for one in results}
    [box, around, turned] = [one["value"] for one in results if one["type"] == "rectanglelabels"]
    assert box == {
        "x": 10, "y": 10, "width": 20, "height": 20, "rotation": 0, "rectanglelabels": ["dog"],
    }  # fmt: skip
    assert around["x"] == 10
    assert turned["rotation"] == 45
    assert (turned["x"], turned["width"]) == (25, pytest.approx(100 * 200**0.5 / 80))
    points = [one for one in results if one["type"] == "keypointlabels"]
    assert [one["value"]["keypointlabels"] for one in points] == [["point1"], ["point3"]]
    assert {one["parentID"] for one in points} <= {one["id"] for one in results}
    assert by_type["choices"]["value"] == {"choices": ["sunny"]}
    assert by_type["number"]["from_name"] == "degrees"
    assert by_type["brushlabels"]["value"]["rle"][:4] == [0, 0, 75, 0]


def test_the_labeling_setup_has_a_control_for_every_result(exported):
    setup = ET.parse(exported / "labelstudio/config.xml").getroot()
    controls = {one.get("name"): one for one in setup if one.get("toName")}
    results = json.loads((exported / "labelstudio/tasks.json").read_text())[0]["annotations"][0]
    assert {one["from_name"] for one in results["result"]} == set(controls)
    assert [one.get("value") for one in controls["classification"]] == ["sunny"]
    assert [one.get("model_index") for one in controls["keypoints"]] == ["0", "1", "2"]
    assert {one.get("toName") for one in controls.values()} == {"image"}


def test_fiftyone_boxes_are_shares_and_masks_fit_theirs(exported):
    text = (exported / "fiftyone/samples.json").read_text()
    [sample] = json.loads(text)["samples"]
    box, mask = sample["ground_truth"]["detections"]
    assert box["bounding_box"] == [0.1, 0.1, 0.2, 0.2]
    assert mask["bounding_box"] == [0.025, 0.05, 0.025, pytest.approx(5 / 60)]
    assert "version" not in json.loads((exported / "fiftyone/metadata.json").read_text())
    assert sample["ground_truth_keypoints"]["keypoints"][0]["visible"] == [2, 0, 1]
    assert "NaN" in text


def test_voc_masks_have_the_colors_of_voc(exported):
    with Image.open(exported / "voc/SegmentationObject/a.png") as picture:
        assert picture.mode == "P"
        assert picture.getpalette()[:9] == [0, 0, 0, 128, 0, 0, 0, 128, 0]
        assert picture.getcolors() == [(80 * 60 - 10, 0), (10, 2)]
    with Image.open(exported / "voc/SegmentationClass/a.png") as picture:
        assert [number for _, number in picture.getcolors()] == [0, 1]
    labels = (exported / "voc/labelmap.txt").read_text().splitlines()
    assert labels[1:3] == ["background:0,0,0::", "cat:128,0,0::"]
    assert (exported / "voc/ImageSets/Segmentation/all.txt").read_text() == "a\n"
