"""Files that other tools wrote themselves are read as they mean them; see `write_tool_files.py`."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tamis.algo.run_lengths import counts_of, mask_of
from tamis.formats.annotations.read import format_of, read_as
from tamis.formats.annotations.source_annotation import Annotations

ROOT = Path(__file__).resolve().parents[1] / "data" / "tools"
FORMATS = ("fiftyone", "huggingface", "labelstudio", "webdataset")
CAT = (10.0, 6.0, 20.0, 12.0)
ROAD = [8.0, 6.0, 40.0, 6.0, 40.0, 30.0]
MASK = np.zeros((60, 80), bool)
MASK[12:30, 16:40] = True
MASK[18:24, 24:32] = False


def read(name: str, **asked) -> Annotations:
    return Annotations.gathered(read_as(name, ROOT / name, **asked))


def of_kind(found: Annotations, kind: str) -> list:
    """What annotations of a kind say: class and place in the upright picture."""
    return [(one.label, one.placed(80, 60, 1)) for one in found.entries if one.kind == kind]


@pytest.mark.parametrize("name", FORMATS)
def test_the_format_is_found_by_content(name):
    assert format_of(ROOT / name) == name


@pytest.mark.parametrize("name", FORMATS)
def test_the_cat_lies_where_the_tool_put_it(name):
    found = read(name)
    places = [placed.box for label, placed in of_kind(found, "box") if label == "cat"]
    assert np.allclose(places, [CAT], atol=1e-5)
    assert {one.picture.rsplit("/")[-1] for one in found.entries} == {"a.jpg"}


@pytest.mark.parametrize("name", ["fiftyone", "labelstudio"])
def test_masks_with_holes_and_outlines(name):
    found = read(name)
    [(label, placed)] = of_kind(found, "mask")
    mask = mask_of(next(one.mask for one in found.entries if one.mask), 80, 60)
    assert (label, placed.box) == ("dog", (16, 12, 24, 18))
    assert np.array_equal(mask, MASK)
    assert counts_of(mask) == counts_of(MASK)
    [(label, placed)] = of_kind(found, "polygon")
    assert label == "road"
    assert np.allclose(placed.polygon, [ROAD])


@pytest.mark.parametrize("name", ["fiftyone", "huggingface", "webdataset"])
def test_the_class_of_the_picture(name):
    assert [label for label, _ in of_kind(read(name), "classification")] == ["sunny"]


def test_fiftyone_keypoints_attributes_fields_and_what_cannot_be_held():
    found = read("fiftyone")
    [(label, placed)] = of_kind(found, "keypoints")
    assert (label, placed.keypoints) == ("person", [8, 12, 2, 0, 0, 0, 24, 24, 2])
    assert [one.attributes for one in found.entries if one.label == "cat"] == [{"pose": "left"}]
    assert [one.reason for one in found.failures] == [
        "ground_truth_polylines 2 of data/a.jpg cannot be used: it is an open line"
    ]
    [model] = read("fiftyone", field="model").entries
    assert (model.label, model.confidence) == ("cat", 0.75)


def test_webdataset_captions():
    texts = [one.text for one in read("webdataset").entries if one.kind == "caption"]
    assert texts == ["a sunny road"]
