"""A dataset's map: marks that keep neighbors, later pictures placed, nothing else moved."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from command_line import CommandLine
from labeled_vectors import EACH, made_dataset, made_vectors, truth
from sample_rows import sample_ids
from tamis.dataset.map_columns import is_map_column, map_columns
from tamis.errors import UsageError
from tamis.runtime.picture_map import later_places, map_of


@pytest.fixture
def dataset(tmp_path):
    return made_dataset(tmp_path / "dataset.tamis", truth())


def places(dataset, where=None):
    names = map_columns(dataset.samples.vector_column())
    rows = dataset.table(["sample_id", *names], where).sort_by("sample_id")
    return {row["sample_id"]: tuple(row[name] for name in names) for row in rows.to_pylist()}


def add_later(dataset, count=9, kind=None):
    column = dataset.samples.vector_column()
    ids = sample_ids(1000, 1000 + count)
    rows = {"sample_id": ids, "path": [f"late/{n}.jpg" for n in range(count)]}
    if kind is not None:
        rows["kind"] = [kind] * count
    with dataset.store.operation("add") as op:
        if kind is not None:
            from tamis.dataset.parts import PART_COLUMNS

            op.require_columns(PART_COLUMNS)
        op.insert(pa.table(rows))
    with dataset.store.operation("embed") as op:
        op.set_vectors(column.name, ids, made_vectors()[:count])
    return ids


def test_groups_lie_apart_and_the_figures_are_logged(dataset):
    report = dataset.map()
    assert (report.pictures, report.placed, report.laid_out) == (90, 90, 90)
    assert report.trustworthiness > 0.9
    assert report.neighbors_kept > 0.5
    assert report.plane is not None
    found = np.array(list(places(dataset).values()))
    middles = np.array([found[group::3].mean(axis=0) for group in range(3)])
    nearest = np.linalg.norm(found[:, None] - middles, axis=2).argmin(axis=1)
    assert (nearest == np.arange(3 * EACH) % 3).mean() > 0.95
    made = map_of(dataset.samples, dataset.samples.vector_column())
    assert made is not None
    assert (made.fingerprint, made.placed) == (report.fingerprint, 90)
    assert made.trustworthiness == pytest.approx(report.trustworthiness)
    assert all(map(is_map_column, report.columns))
    assert dataset.map(again=True).fingerprint == report.fingerprint


def test_later_pictures_are_placed_and_no_other_moves(dataset):
    fingerprint = dataset.map().fingerprint
    before = places(dataset)
    ids = add_later(dataset)
    shown = {}
    for names, _, found in later_places(dataset.samples, dataset.samples.vector_column()):
        shown |= dict(zip(names, map(tuple, found.tolist()), strict=True))
    report = dataset.map()
    assert (report.placed, report.laid_out, report.pictures) == (9, 0, 99)
    assert report.fingerprint == fingerprint
    after = places(dataset)
    assert {name: after[name] for name in before} == before
    # their vectors are copies of the first nine
    originals = sample_ids(0, 9)
    for new, old in zip(ids, originals, strict=True):
        assert after[new] == pytest.approx(before[old], abs=1e-3)
        assert after[new] == shown[new]  # as whoever asked before it was stored
    nothing = dataset.map()
    assert nothing.placed == 0
    assert "every picture with a vector is on the map" in nothing.notes[0]
    dataset.undo()
    assert places(dataset, "path LIKE 'late/%'") == dict.fromkeys(ids, (None, None))
    assert places(dataset, "path NOT LIKE 'late/%'") == before
    dataset.undo()  # embed
    dataset.undo()  # add
    dataset.undo()
    assert map_of(dataset.samples, dataset.samples.vector_column()) is None


def test_landmarks_are_laid_out_and_the_rest_and_parts_are_placed(dataset):
    add_later(dataset, kind="crop")
    report = dataset.map(landmarks=40)
    assert (report.laid_out, report.placed, report.pictures) == (40, 99, 99)
    found = places(dataset)
    assert all(x is not None for x, _ in found.values())
    rows = np.array(list(found.values()))[:90]
    middles = np.array([rows[group::3].mean(axis=0) for group in range(3)])
    nearest = np.linalg.norm(rows[:, None] - middles, axis=2).argmin(axis=1)
    assert (nearest == np.arange(3 * EACH) % 3).mean() > 0.95


def test_the_order_of_rows_decides_nothing(dataset, tmp_path):
    other = made_dataset(tmp_path / "other.tamis", truth())
    turned = tmp_path / "turned.tamis"
    import tamis

    ds = tamis.open(turned)
    ids = sample_ids(0, 3 * EACH)[::-1]
    with ds.store.operation("add") as op:
        op.insert(pa.table({"sample_id": ids, "path": ids}))
    with ds.store.operation("embed") as op:
        column = op.add_vector_column("py:made", "0123456789abcdef", 8)
        op.set_vectors(column, ids, made_vectors()[::-1])
    assert ds.map().fingerprint == other.map().fingerprint
    assert places(ds) == places(other)


def test_too_few_pictures_and_too_few_landmarks_are_refused(dataset):
    with pytest.raises(UsageError, match="landmarks is 3; give a value from 12"):
        dataset.map(landmarks=3)
    ids = sample_ids(11, 3 * EACH)
    with dataset.store.operation("remove") as op:
        op.remove_samples(ids)
    with pytest.raises(UsageError, match="11 pictures have a vector of py:made"):
        dataset.map()


def test_a_map_as_typed(dataset, tmp_path):
    typed = CommandLine(tmp_path)
    assert "90 on the map of py:made" in typed("map").out
    found = typed("map", "--json").json
    assert found["placed"] == 0
    assert found["columns"][0].endswith("_x")
