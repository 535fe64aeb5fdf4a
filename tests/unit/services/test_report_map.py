"""The report's map: points as paths, by label, selection and cluster, without a script."""

from __future__ import annotations

import re

import pyarrow as pa
import pytest

from labeled_vectors import made_dataset, truth
from sample_rows import sample_ids
from tamis.services.report import picture_map as module
from tamis.services.report.picture_map import SIDE, picture_map

HOSTILE = "<script>alert(1)</script>"


@pytest.fixture
def dataset(tmp_path):
    return made_dataset(tmp_path / "dataset.tamis", [HOSTILE, *truth()[1:]])


def drawn(dataset):
    return picture_map(dataset.samples, dataset.samples.of().vectors())


def test_every_picture_is_a_point_of_its_group(dataset):
    ids = sample_ids(0, 90)
    with dataset.store.operation("select") as op:
        op.set_marks(ids[:5], {"selected": [True] * 5})
        op.set_marks(ids[:60], {"cluster": pa.array([0, 1] * 30, pa.int32())})
    found = drawn(dataset)
    assert (found.shown, found.total) == (90, 90)
    assert [one.name for one in found.colorings] == ["Labels", "Selected", "Clusters"]
    for coloring in found.colorings:
        spots = [re.findall(r"M(-?\d+) (-?\d+)h0", one.path) for one in coloring.groups]
        assert list(map(len, spots)) == [one.count for one in coloring.groups]
        assert sum(map(len, spots)) == 90
        assert all(0 <= int(n) <= SIDE for each in spots for spot in each for n in spot)
    labels, selected, clusters = (
        {one.name: one.count for one in c.groups} for c in found.colorings
    )
    assert labels == {"cat": 29, "dog": 30, "owl": 30, HOSTILE: 1}
    assert selected == {"none": 85, "selected": 5}
    assert [one.name for one in found.colorings[1].groups] == ["none", "selected"]  # in front
    assert clusters == {"none": 30, "cluster 0": 30, "cluster 1": 30}
    assert "vary most" in found.explanation


def test_a_map_that_was_made_is_shown_and_names_are_escaped(dataset, tmp_path):
    pytest.importorskip("openTSNE")
    before = drawn(dataset).colorings[0].groups[-1].path
    report = dataset.map()
    found = drawn(dataset)
    assert found.colorings[0].groups[-1].path != before
    assert f"{report.neighbors_kept:.0%}" in found.explanation
    page = dataset.report(tmp_path / "report.html").report.read_text("utf-8")
    assert 'id="map-1" checked' in page
    assert f'"{found.colorings[0].groups[-1].path}"'[1:-1] in page
    assert HOSTILE not in page


def test_of_very_many_a_part_is_drawn_and_rare_values_are_put_together(dataset, monkeypatch):
    monkeypatch.setattr(module, "_MOST_POINTS", 40)
    with dataset.store.operation("mark") as op:
        op.set_marks(sample_ids(0, 90), {"label": [f"c{n:02}" for n in range(90)]})
    found = drawn(dataset)
    assert (found.shown, found.total) == (40, 90)
    names = [one.name for one in found.colorings[0].groups]
    assert names[0] == "28 others"
    assert len(names) == 13


def test_without_vectors_there_is_no_map(dataset):
    assert picture_map(dataset.samples, None) is None
    with dataset.store.operation("remove") as op:
        op.remove_samples(sample_ids(2, 90))
    assert drawn(dataset) is None
