"""Classes set and cleared by hand: one operation each, in one layer."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from PIL import Image

import tamis
from tamis.errors import UsageError


@pytest.fixture
def dataset(tmp_path):
    for number in range(4):
        Image.effect_noise((20, 20), 40 + number).save(tmp_path / f"{number}.png")
    ds = tamis.open(tmp_path / "d.tamis")
    ds.add(str(tmp_path))
    return ds


def labels(ds):
    table = ds.table(["path", "label"]).sort_by("path")
    return table["label"].to_pylist()


def test_truth_is_what_the_column_shows_and_other_layers_are_not(dataset):
    report = dataset.label("cat", where="path LIKE '%0.png'")
    assert (report.pictures, report.changed) == (1, 1)
    dataset.label("dog", all=True, layer="anna", author="anna")
    assert labels(dataset) == ["cat", None, None, None]
    assert {layer.name: layer.classes for layer in dataset.layers().layers} == {
        "anna": {"dog": 4}, "truth": {"cat": 1},
    }  # fmt: skip
    assert dataset.label("dog", all=True, layer="anna").changed == 0
    assert dataset.info().labels == {"cat": 1}


def test_a_new_class_replaces_the_old_and_undo_brings_it_back(dataset):
    ids = dataset.table(["sample_id"])["sample_id"].to_pylist()[:2]
    dataset.label("cat", ids=ids)
    dataset.label("dog", ids=ids[:1])
    assert sorted(map(str, labels(dataset))) == ["None", "None", "cat", "dog"]
    assert dataset.annotations().num_rows == 2
    dataset.undo()
    assert labels(dataset).count("cat") == 2
    assert set(dataset.annotations()["label"].to_pylist()) == {"cat"}


def test_clearing_takes_away_what_was_asked_for(dataset):
    dataset.label("cat", all=True)
    dataset.label("cat", all=True, layer="anna")
    report = dataset.clear_labels(where="path LIKE '%0.png'")
    assert (report.removed, report.labels) == (1, 1)
    assert labels(dataset) == [None, "cat", "cat", "cat"]
    assert dataset.annotations(layer="anna").num_rows == 4
    assert dataset.clear_labels(all=True, kind="box").removed == 0
    dataset.undo()
    assert labels(dataset) == ["cat"] * 4


def test_labels_from_folders_are_cleared_too(tmp_path):
    (tmp_path / "owl").mkdir()
    Image.effect_noise((20, 20), 40).save(tmp_path / "owl" / "0.png")
    ds = tamis.open(tmp_path / "d.tamis")
    ds.add(str(tmp_path), labels="folder", label_level=-1)
    assert ds.clear_labels(all=True).labels == 1
    assert labels(ds) == [None]


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({}, "name pictures"),
        ({"all": True, "layer": "My Layer"}, "cannot name a layer"),
        ({"ids": ["nobody"]}, "nobody"),
    ],
)
def test_wrong_use_is_refused(dataset, given, words):
    with pytest.raises(UsageError, match=words):
        dataset.label("cat", **given)


def test_a_table_has_a_column_for_each_layer(dataset, tmp_path):
    dataset.label("cat", where="path LIKE '%0.png'")
    dataset.label("dog", where="path LIKE '%1.png'", layer="anna")
    dataset.export("csv", tmp_path / "t.csv")
    with (tmp_path / "t.csv").open() as file:
        rows = {Path(row["path"]).name: row for row in csv.DictReader(file)}
    assert (rows["0.png"]["label"], rows["0.png"]["label_anna"]) == ("cat", "")
    assert (rows["1.png"]["label"], rows["1.png"]["label_anna"]) == ("", "dog")


def test_a_class_can_be_added_beside_others(dataset):
    dataset.label("cat", where="path LIKE '%0.png'")
    report = dataset.label("pet", all=True, add=True)
    assert (report.pictures, report.changed) == (4, 4)
    assert dataset.label("pet", all=True, add=True).changed == 0
    assert labels(dataset) == ["cat", "pet", "pet", "pet"]
    assert dataset.layers().layers[0].classes == {"pet": 4, "cat": 1}
    dataset.label("dog", where="path LIKE '%0.png'")
    assert labels(dataset)[0] == "dog"
    assert dataset.layers().layers[0].classes == {"pet": 3, "dog": 1}
