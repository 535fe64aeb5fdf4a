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


@pytest.fixture
def from_folders(tmp_path):
    for number, name in enumerate(["owl", "elk"]):
        (tmp_path / "in" / name).mkdir(parents=True)
        Image.effect_noise((20, 20), 40 + number).save(tmp_path / "in" / name / "0.png")
    ds = tamis.open(tmp_path / "d.tamis")
    ds.add(str(tmp_path / "in"), labels="folder", label_level=-1)
    return ds


def test_labels_from_folders_are_annotations_too(from_folders, tmp_path):
    ds = from_folders
    [truth] = ds.layers().layers
    assert (truth.name, truth.pictures, truth.classes) == ("truth", 2, {"elk": 1, "owl": 1})
    assert ds.store.count("HAS(layer = 'truth' AND label = 'owl')") == 1
    assert ds.store.count("HAS(label = 'owl' AND layer = 'anna')") == 0
    assert ds.label("owl", where="path LIKE '%owl%'").changed == 0
    name = ds.annotations("label = 'owl'")["annotation_id"][0].as_py()
    ds.edit_annotation(name, label="eagle")
    assert labels(ds) == ["elk", "eagle"]
    assert ds.annotations("label = 'eagle'")["annotation_id"].to_pylist() == [name]
    ds.undo()
    assert labels(ds) == ["elk", "owl"]
    ds.export("csv", tmp_path / "out", layer="truth")
    with (tmp_path / "out" / "annotations.csv").open() as file:
        assert sorted(row["label"] for row in csv.DictReader(file)) == ["elk", "owl"]


def test_an_import_beside_labels_says_that_they_stay(from_folders, tmp_path):
    ds = from_folders
    (tmp_path / "more.csv").write_text("file,label\nowl/0.png,bird\nelk/0.png,elk\n")
    report = ds.import_annotations("csv", tmp_path / "more.csv")
    assert [note.partition(" had ")[0] for note in report.notes] == ["1 picture"]
    assert labels(ds) == ["elk", "owl"]
    assert ds.layers().layers[0].classes == {"elk": 1, "bird": 1, "owl": 1}
    ds.export("yolo-classify", tmp_path / "classes", pictures=True)
    assert sorted(path.parent.name for path in (tmp_path / "classes").rglob("*.png")) == [
        "elk", "owl",
    ]  # fmt: skip
    again = ds.import_annotations("csv", tmp_path / "more.csv", replace=True)
    assert (again.removed, again.imported, again.notes) == (3, 2, [])
    assert labels(ds) == ["elk", "bird"]


def test_what_is_exported_by_class_is_the_label_of_several_classes(from_folders, tmp_path):
    ds = from_folders
    ds.label("pet", all=True, add=True)
    name = ds.annotations("label = 'owl'")["annotation_id"][0].as_py()
    ds.edit_annotation(name, label="eagle")  # its row comes after that of the other class now
    ds.export("yolo-classify", tmp_path / "classes")
    folders = sorted(path.parent.name for path in (tmp_path / "classes").rglob("*.png"))
    assert folders == sorted(labels(ds)) == ["eagle", "elk"]
