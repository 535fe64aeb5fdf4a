"""What the report says of annotations."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

import tamis
from tamis.services.info.objects import LayerObjects, layer_objects
from tamis.services.report.objects import objects


@pytest.fixture
def dataset(tmp_path):
    for number in range(4):
        Image.effect_noise((120, 120), 40 + number).save(tmp_path / f"{number}.png")
    ds = tamis.open(tmp_path / "d.tamis")
    ds.add(str(tmp_path))
    return ds


def fill(ds):
    ds.add_annotations(
        ["0.png", "0.png", "0.png", "1.png"], ["cat", "cat", "dog", "cat"], layer="truth",
        boxes=[[0, 0, 10, 10], [5, 5, 32, 32], [0, 0, 97, 97], [0, 0, 96, 96]],
    )  # fmt: skip
    ds.add_annotations(["0.png", "2.png"], "cat", scores=[0.9, 0.8], layer="classes")


def test_nothing_is_said_without_annotations(dataset):
    assert objects(dataset.samples) is None
    assert dataset.info().objects_per_picture == {}


def test_layers_classes_counts_and_sizes(dataset):
    fill(dataset)
    found = objects(dataset.samples)
    assert dict(found.layers.rows) == {
        "truth": ("4", "4", "2", "2"), "classes": ("2", "0", "2", "2"),
    }  # fmt: skip
    assert found.layers.totals == ("6", "4", "3", "1")
    assert dict(found.classes.rows) == {"cat": ("3", "75.0 %", "2"), "dog": ("1", "25.0 %", "1")}
    assert {one.label: one.value for one in found.figures} == {
        "Objects a picture": "2", "Without objects": "2", "Sizes": "small 2 · medium 1 · large 1",
    }  # fmt: skip
    each, sizes = found.charts
    assert each.counts == (2, 1, 0, 1)  # none, one, two, three objects
    assert sum(sizes.counts) == 4
    assert dataset.info().objects_per_picture == {"0": 2, "1": 1, "3-5": 1}


def test_ranges_of_objects_hold_both_of_their_ends():
    each = np.array([1, 2, 3, 4, 5, 6, 10, 11, 20, 50, 51, 60])
    found = LayerObjects("truth", {}, {}, each, np.ones(each.sum()))
    assert found.per_picture(14) == {
        "0": 2, "1": 1, "2": 1, "3-5": 3, "6-10": 2, "11-20": 2, "21-50": 1, "51+": 2,
    }  # fmt: skip


def test_the_usual_picture_is_the_median_and_rare_classes_are_added_up(dataset):
    names = [f"class {number:02}" for number in range(52)]
    paths = ["0.png"] * 102 + ["1.png", "2.png"]
    boxes = [[0, 0, 10, 10]] * 52 + [[20, 20, 10, 10]] * 52
    dataset.add_annotations(paths, names * 2, layer="truth", boxes=boxes)
    found = objects(dataset.samples)
    assert found.figures[0].value == "1"
    assert found.classes.rows[-1] == ("2 more classes", ("4", "3.8 %", ""))
    assert found.classes.totals[:2] == ("104", "100.0 %")


def test_classes_alone_make_no_charts(dataset):
    dataset.add_annotations(["0.png"], "cat", layer="classes")
    found = objects(dataset.samples)
    assert (found.classes, found.charts) == (None, ())
    assert layer_objects(dataset.store, "classes").sizes == {}


def test_the_page_has_the_section_and_a_switch_a_layer(dataset, tmp_path):
    fill(dataset)
    page = dataset.report(tmp_path / "r.html").report.read_text(encoding="utf-8")
    assert '<section id="annotations"' in page
    assert "Classes in truth" in page
    assert 'id="show-layer-0" checked' in page
    assert page.count('class="marks"') >= 2
