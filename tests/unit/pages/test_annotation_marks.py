"""Annotations on pages: drawn by layer, within bounds, switched without a script."""

from __future__ import annotations

import re

import numpy as np
import pytest
from PIL import Image

import tamis
from tamis.algo.run_lengths import counts_of, write_counts
from tamis.pages.annotation_marks import AnnotationMarks, path_of
from tamis.pages.gallery_page import GalleryPage, Section, write_gallery_page
from tamis.pages.thumbnails import Thumbnails

SIZE = (80, 60)
PLAIN = {"x": 8.0, "y": 6.0, "width": 20.0, "height": 10.5} | dict.fromkeys(
    ["polygon", "mask", "keypoints"]
)


@pytest.fixture
def dataset(tmp_path):
    for number in range(2):
        Image.effect_noise(SIZE, 40 + number).save(tmp_path / f"{number}.png")
    ds = tamis.open(tmp_path / "d.tamis")
    ds.add(str(tmp_path))
    ds.add_annotations(["0.png"], "<b>cat</b>", boxes=[[8, 6, 20, 10.5]], layer="truth")
    ds.add_annotations(["0.png"], "cat", boxes=[[9, 6, 20, 10]], scores=[0.75], layer="model")
    ds.add_annotations(["1.png"], "sky", layer="classes")
    return ds


def ids(ds):
    return ds.table(["path", "sample_id"]).sort_by("path")["sample_id"].to_pylist()


def test_shapes_become_paths():
    assert path_of(PLAIN, SIZE) == ("box", "M8 6h20v10.5h-20z")
    ring = [1.0, 2.0, 30.0, 2.0, 15.25, 40.0]
    assert path_of({**PLAIN, "polygon": [ring]}, SIZE) == ("outline", "M1 2L30 2L15.2 40z")
    points = [10.0, 7.0, 2.0, 0.0, 0.0, 0.0]
    assert path_of({**PLAIN, "keypoints": points}, SIZE)[1].endswith("zM10 7h0")


@pytest.mark.parametrize("wide", [1, 7, 80])
def test_a_masks_bars_cover_what_it_does(wide):
    mask = np.zeros((60, 80), bool)
    mask[20:50, :wide] = True
    mask[30:35, :wide] = False
    shape, path = path_of({**PLAIN, "mask": write_counts(counts_of(mask))}, SIZE)
    assert shape == "mask"
    drawn = np.zeros_like(mask)
    for numbers in re.findall(r"M(\d+) (\d+)h(\d+)v(\d+)h-\d+z", path):
        x, y, width, height = map(int, numbers)
        assert not drawn[y : y + height, x : x + width].any()
        drawn[y : y + height, x : x + width] = True
    assert np.array_equal(drawn, mask)


def test_a_long_outline_keeps_few_points():
    ring = np.random.default_rng(0).uniform(0, 60, 2000).tolist()
    assert path_of({**PLAIN, "polygon": [ring]}, SIZE)[1].count("L") < 100


def test_layers_come_truth_first_and_classes_are_not_drawn(dataset):
    marks = AnnotationMarks(dataset.store)
    assert marks.layers == ("truth", "model")
    found = marks.of(ids(dataset), dict.fromkeys(ids(dataset), SIZE))
    assert list(found) == ids(dataset)[:1]
    assert {(mark.layer, mark.text) for mark in found[ids(dataset)[0]]} == {
        (0, "<b>cat</b>"), (1, "cat 0.75"),
    }  # fmt: skip
    assert AnnotationMarks(dataset.store, ["model"]).layers == ("model",)


def test_a_page_draws_them_and_has_a_switch_a_layer_without_any_script(dataset, tmp_path):
    thumbnails = Thumbnails(dataset.samples)
    tiles = thumbnails.tiles(ids(dataset))
    page = GalleryPage(
        "search", "t", "l", (Section("found", "Found", "", tiles),), layers=thumbnails.layers
    )
    html = write_gallery_page(page, tmp_path / "p.html").read_text(encoding="utf-8")
    assert html.count('<svg class="marks"') == 1
    assert "M8 6h20v10.5h-20z" in html
    assert "&lt;b&gt;cat&lt;/b&gt;" in html
    assert "<b>cat" not in html
    for number in range(2):
        assert f'id="show-layer-{number}" checked' in html
        assert f"body:has(#show-layer-{number}:not(:checked)) .marks .layer-{number}" in html


def test_marks_keep_to_a_share_of_the_budget(dataset):
    tiles = Thumbnails(dataset.samples, budget=4 * 300).tiles(ids(dataset), names_beyond=True)
    spent = sum(mark.size for tile in tiles for mark in tile.marks)
    assert spent <= 4 * 300 / 5


def test_what_is_drawn_faintly_is_named(dataset):
    [model] = dataset.annotations(layer="model", columns=["annotation_id"])["annotation_id"]
    marks = AnnotationMarks(dataset.store, faint={model.as_py()})
    found = marks.of(ids(dataset), dict.fromkeys(ids(dataset), SIZE))[ids(dataset)[0]]
    assert {mark.layer: mark.faint for mark in found} == {0: False, 1: True}
