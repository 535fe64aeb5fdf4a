"""Probes of several labels a picture, of numbers, and on the vectors of several encoders."""

from __future__ import annotations

import json
from itertools import compress

import numpy as np
import onnxruntime
import pyarrow as pa
import pytest
from scipy.special import expit

import tamis
from command_line import CommandLine
from labeled_vectors import EACH, made_dataset, made_vectors, truth
from sample_rows import sample_ids
from tamis.algo.probe import expected_calibration_error
from tamis.encoders.trial_pictures import trial_picture
from tamis.errors import UsageError
from tamis.formats.annotations.annotation_rows import AnnotationRows
from tamis.runtime.workspace import Workspace
from tamis.services.probe.stored_probe import find_probe
from tiny_graphs import OPTIONS, save_graph

N = 3 * EACH
IDS = sample_ids(0, N)


@pytest.fixture
def dataset(tmp_path):
    return made_dataset(tmp_path / "dataset.tamis", truth())


def put_classes(ds, layer):
    rows = AnnotationRows(layer)
    given = {"cat": ["furry"], "dog": ["furry", "loud"], "owl": ["loud"]}
    for name, kind in zip(IDS, truth(), strict=True):
        for each in [*given[kind], "alive"]:
            rows.add_class(name, each)
    with ds.store.operation("import") as operation:
        operation.add_annotations(rows.table())


def test_several_labels_a_picture_are_learned_from_a_layer(dataset):
    put_classes(dataset, "seen")
    report = dataset.train_probe(name="traits", layer="seen")
    assert (report.learned, report.labels, report.measured) == ("labels", N, N)
    assert {one.name for one in report.classes} == {"furry", "loud"}
    assert any("alive cannot be learned" in note for note in report.notes)
    assert report.low <= report.accuracy <= report.high
    assert report.accuracy > 0.8
    assert all(one.f1 > 0.8 for one in report.classes)
    found = dataset.predict_probe(name="traits")
    assert found.predicted + found.abstained == N
    rows = dataset.annotations(layer="probe_traits").to_pylist()
    both = {row["sample_id"] for row in rows if row["label"] == "furry"} & {
        row["sample_id"] for row in rows if row["label"] == "loud"
    }
    dogs = {name for name, kind in zip(IDS, truth(), strict=True) if kind == "dog"}
    assert len(both & dogs) > 0.8 * len(dogs)
    assert dataset.train_probe(name="traits", layer="seen") == report


def test_numbers_are_learned_from_a_column(dataset):
    vectors = made_vectors()
    with dataset.store.operation("score") as operation:
        operation.set_marks(IDS, {"age": pa.array(10 * vectors[:, 0] + 3, pa.float32())})
        operation.set_marks(IDS, {"site": pa.array(["x", "y"] * (N // 2), pa.string())})
    report = dataset.train_probe(name="age", column="age")
    assert (report.learned, report.method) == ("number", "ridge")
    assert report.explained > 0.95
    assert report.absolute_error < 1
    assert report.reach > report.absolute_error
    assert report.accuracy is None
    found = dataset.predict_probe(name="age")
    rows = dataset.annotations(layer="probe_age").to_pylist()
    assert (found.predicted, len(rows), found.classes) == (N, N, {})
    assert {(row["kind"], row["label"]) for row in rows} == {("number", "age")}
    of = {row["sample_id"]: row["value"] for row in rows}
    errors = [abs(of[name] - (10 * v[0] + 3)) for name, v in zip(IDS, vectors, strict=True)]
    assert np.mean(errors) < 1
    with pytest.raises(UsageError, match="holds string, not numbers"):
        dataset.train_probe(column="site")


def with_test_split(dataset):
    """Mark two fifths of the pictures as the test split, and return which those are."""
    test = np.arange(N) % 5 < 2
    with dataset.store.operation("split") as operation:
        operation.set_marks(IDS, {"split": pa.array(np.where(test, "test", "train"))})
    return test


def test_the_error_of_a_number_is_that_of_what_is_said_of_the_test_split(dataset):
    test = with_test_split(dataset)
    noise = np.random.default_rng(3).exponential(2, N)
    ages = (10 * made_vectors()[:, 0] + noise).astype(np.float32)
    with dataset.store.operation("score") as operation:
        operation.set_marks(IDS, {"age": pa.array(ages)})
    report = dataset.train_probe(name="age", column="age")
    said = find_probe(Workspace(dataset.store), "age").probabilities(made_vectors())[:, 0]
    error, true = (said - ages)[test], ages[test]
    assert (report.labels, report.measured) == ((~test).sum(), test.sum())
    assert report.absolute_error == pytest.approx(np.abs(error).mean(), rel=1e-4)
    assert report.explained == pytest.approx(1 - np.mean(error**2) / np.var(true), rel=1e-4)


def test_the_figures_of_labels_are_those_of_what_is_said_of_the_test_split(dataset):
    test = with_test_split(dataset)
    rng = np.random.default_rng(4)
    kinds = np.array(truth())
    given = np.stack([kinds != "owl", kinds == "dog"], axis=1) ^ (rng.random((N, 2)) < [0.1, 0.3])
    rows = AnnotationRows("seen")
    for name, labels in zip(IDS, given.tolist(), strict=True):
        for label in ["alive", *compress(["furry", "loud"], labels)]:
            rows.add_class(name, label)
    with dataset.store.operation("import") as operation:
        operation.add_annotations(rows.table())
    report = dataset.train_probe(name="traits", layer="seen")
    probe = find_probe(Workspace(dataset.store), "traits")
    given, said = given[test], probe.probabilities(made_vectors()[test])
    called = said >= probe.thresholds
    right, there, made = (given & called).sum(axis=0), given.sum(axis=0), called.sum(axis=0)
    measured = {one.name: one for one in report.classes}
    for number, name in enumerate(["furry", "loud"]):
        one = measured[name]
        assert one.pictures == there[number]
        assert one.recall == pytest.approx(right[number] / there[number])
        assert one.precision == pytest.approx(right[number] / made[number])
        assert one.f1 == pytest.approx(2 * right[number] / (there + made)[number])
    assert report.accuracy == pytest.approx((called == given).all(axis=1).mean())
    assert report.balanced_accuracy == pytest.approx((right / there).mean())
    raw = expit(probe.head.logits(made_vectors()[test]))
    for told, each in ((report.ece, said), (report.ece_before, raw)):
        yes, true = each.ravel(), given.ravel().astype(int)
        both = np.stack([1 - yes, yes], axis=1)
        assert told == pytest.approx(expected_calibration_error(both, true), rel=1e-3)
    assert report.ece != pytest.approx(report.ece_before, rel=1e-2)


def test_what_cannot_be_learned_together_is_told(dataset):
    with pytest.raises(UsageError, match="a layer or a column, not both"):
        dataset.train_probe(layer="seen", column="age")
    with pytest.raises(UsageError, match="leave the method out"):
        dataset.train_probe(layer="seen", method="network")
    with pytest.raises(UsageError, match="no class is there that some have"):
        dataset.train_probe(layer="seen")
    with pytest.raises(UsageError, match="no picture has a fold"):
        dataset.train_probe(folds=True)
    with pytest.raises(UsageError, match="named twice"):
        dataset.train_probe(encoder=["py:made", "py:made"])


def test_own_folds_groups_and_slices_are_respected(dataset):
    with dataset.store.operation("split") as operation:
        operation.set_marks(IDS, {"fold": pa.array([row % 2 for row in range(N)], pa.int32())})
        operation.set_marks(IDS, {"site": pa.array([f"s{row // 45}" for row in range(N)])})
    own = dataset.train_probe(folds=True, slices=["site"])
    assert {one.value for one in own.slices if one.column == "site"} == {"s0", "s1"}
    assert own.measured == N
    assert own.ece_before is not None
    # a class whose pictures are all of one group cannot be measured
    with dataset.store.operation("group") as operation:
        operation.set_marks(IDS, {"site": pa.array(["x" if k == "owl" else None for k in truth()])})
    apart = dataset.train_probe(group="site")
    assert apart.measured == 2 * EACH


def test_classes_that_are_confused_are_named(dataset):
    labels = truth()
    for row in range(0, N, 9):
        labels[row] = "dog"
    dataset.label("dog", ids=[IDS[row] for row in range(0, N, 9)])
    report = dataset.train_probe()
    worst = report.confused[0]
    assert (worst.label, worst.predicted) == ("dog", "cat")
    assert worst.pictures >= 8
    assert [one.pictures for one in report.confused] == sorted(
        (one.pictures for one in report.confused), reverse=True
    )


def test_mistakes_are_shown_on_a_page(dataset, tmp_path):
    dataset.label("dog", ids=[IDS[row] for row in range(0, N, 9)])
    report = dataset.train_probe(gallery=tmp_path / "probe.html")
    page = (tmp_path / "probe.html").read_text()
    assert report.gallery == str(tmp_path / "probe.html")
    assert "dog, taken for cat" in page
    assert "09.jpg" in page
    with pytest.raises(UsageError, match="shows classes confused"):
        dataset.train_probe(layer="seen", gallery=tmp_path / "probe.html")


@pytest.fixture(scope="module")
def two_encoders(tmp_path_factory):
    folder = tmp_path_factory.mktemp("two")
    for number in range(16):
        kind = "ab"[number % 2]
        (folder / "pictures" / kind).mkdir(parents=True, exist_ok=True)
        trial_picture(40, 40, number).save(folder / "pictures" / kind / f"{number}.png")
    ds = tamis.open(folder / "dataset.tamis")
    ds.add([str(folder / "pictures")], labels="folder")
    for seed in range(2):
        ds.embed(f"onnx:{save_graph(folder / f'{seed}.onnx', seed=seed)}?{OPTIONS}&output=vector")
    return folder


def test_several_encoders_are_joined_compared_and_exported(two_encoders):
    ds = tamis.open(two_encoders / "dataset.tamis")
    specs = [column.spec for column in ds.store.vector_columns()]
    report = ds.train_probe(name="both", encoder=specs)
    assert {one.encoder for one in report.compared} == {*specs, "joined"}
    assert report.encoder == ", ".join(specs)
    assert find_probe(Workspace(ds.store), "both").encoders == tuple(specs)
    found = ds.predict_probe(name="both")
    assert found.predicted == 16
    file = ds.export_probe(name="both", out=two_encoders / "both.onnx")
    assert set(file.inputs) == {"pixels_0", "pixels_1"}
    assert file.worst_difference < 1e-4
    session = onnxruntime.InferenceSession(file.file)
    about = session.get_modelmeta().custom_metadata_map
    space = {}
    exec(compile(about["tamis.prepare"], "prepare.py", "exec"), space)
    row = ds.annotations(layer="probe_both").to_pylist()[0]
    path = ds.table(["path"], f"sample_id = '{row['sample_id']}'")["path"][0].as_py()
    pixels = {
        f"pixels_{n}": space["prepare"](two_encoders / "pictures" / path, settings)[None]
        for n, settings in enumerate(json.loads(about["tamis.prepare_settings"]))
    }
    (probabilities,) = session.run(["probabilities"], pixels)
    assert probabilities.max() == pytest.approx(row["confidence"], abs=1e-4)


def test_labels_and_numbers_are_exported(two_encoders):
    ds = tamis.open(two_encoders / "dataset.tamis")
    spec = ds.store.vector_columns()[0].spec
    ids = ds.table(["sample_id"])["sample_id"].to_pylist()
    with ds.store.operation("score") as operation:
        operation.set_marks(ids, {"grade": pa.array(np.arange(16.0) * 100)})
    ds.train_probe(name="grade", column="grade", encoder=[spec])
    file = ds.export_probe(name="grade", out=two_encoders / "grade.onnx")
    assert set(file.outputs) == {"embedding", "number"}


def test_kinds_as_typed(tmp_path, dataset):
    put_classes(dataset, "seen")
    typed = CommandLine(tmp_path)
    assert "furry" in typed("probe", "train", "--layer", "seen").out
    found = typed("probe", "train", "--column", "width", "--json", code=2)
    assert "numbers to learn" in found.err or "holds" in found.err
