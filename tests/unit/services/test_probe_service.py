"""Probes: trained, measured on labels they did not see, kept in the dataset, and used."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import softmax

from command_line import CommandLine
from labeled_vectors import EACH, made_dataset, made_vectors, truth
from tamis.algo.probe import expected_calibration_error
from tamis.errors import InputError, UsageError
from tamis.runtime.workspace import Workspace
from tamis.services.probe.stored_probe import find_probe

N = 3 * EACH


@pytest.fixture
def dataset(tmp_path):
    return made_dataset(tmp_path / "dataset.tamis", truth())


def with_splits(tmp_path):
    split = ["test" if row % 5 == 4 else "train" for row in range(N)]
    return made_dataset(tmp_path / "dataset.tamis", truth(), split=split), split.count("test")


@pytest.mark.parametrize("method", ["logistic", "prototypes", "neighbors", "network"])
def test_a_stored_probe_predicts_as_the_trained_one(dataset, method):
    report = dataset.train_probe(method=method)
    assert report.method == method
    assert (report.labels, report.measured, report.measured_on) == (N, N, "held-out labels")
    assert report.low <= report.accuracy <= report.high
    assert report.accuracy > 0.9
    found = dataset.predict_probe()
    assert (found.layer, found.predicted, found.abstained) == ("probe_classes", N, 0)
    rows = dataset.annotations(layer="probe_classes").to_pylist()
    of = {row["sample_id"]: row["label"] for row in rows}
    told = dataset.table(["sample_id", "label"]).to_pylist()
    assert np.mean([of[row["sample_id"]] == row["label"] for row in told]) > 0.9
    assert all(0 <= row["confidence"] <= 1 for row in rows)
    assert dataset.train_probe(method=method) == report


def test_a_test_split_is_measured_on_and_never_fitted_on(tmp_path):
    ds, test = with_splits(tmp_path)
    report = ds.train_probe()
    assert (report.labels, report.measured, report.measured_on) == (N - test, test, "test split")
    slices = {(one.column, one.value): one.pictures for one in report.slices}
    assert slices == {("split", "train"): N - test, ("split", "test"): test}
    # other labels of the test split change what is measured, and nothing that is kept
    ds.label("cow", where="split = 'test'")
    other = ds.train_probe()
    assert other.file == report.file
    assert other.measured_on == "held-out labels"
    assert any("were not measured" in note for note in other.notes)


def test_calibration_before_and_after_is_of_the_test_split(tmp_path):
    ds, test = with_splits(tmp_path)
    report = ds.train_probe()
    probe = find_probe(Workspace(ds.store), "classes")
    rows = np.arange(N) % 5 == 4
    true = np.searchsorted(probe.classes, np.array(truth())[rows])
    vectors = made_vectors()[rows]
    said, raw = probe.probabilities(vectors), softmax(probe.head.logits(vectors), axis=1)
    assert len(true) == test
    assert report.ece == pytest.approx(expected_calibration_error(said, true), rel=1e-3)
    assert report.ece_before == pytest.approx(expected_calibration_error(raw, true), rel=1e-3)
    assert report.ece != pytest.approx(report.ece_before, rel=1e-2)


def test_an_evaluation_on_what_a_probe_was_fitted_to_says_so(tmp_path):
    ds, _ = with_splits(tmp_path)
    ds.train_probe()
    ds.predict_probe()
    [note] = ds.evaluate("probe_classes").notes
    assert "looks better than it is" in note
    assert not ds.evaluate("probe_classes", where="split = 'test'").notes


def test_an_undo_brings_the_probe_before_back(dataset):
    dataset.train_probe(method="logistic")
    before = find_probe(Workspace(dataset.store), "classes").temperature
    dataset.train_probe(method="prototypes")
    assert find_probe(Workspace(dataset.store), "classes").temperature != before
    dataset.undo()
    assert find_probe(Workspace(dataset.store), "classes").temperature == before


def test_unsure_pictures_get_no_class_and_others_keep_theirs(dataset):
    dataset.train_probe(name="kind")
    dataset.predict_probe(name="kind")
    found = dataset.predict_probe(name="kind", where="path < '30.jpg'", least_confidence=1.0)
    assert found.predicted + found.abstained == EACH
    assert found.abstained > 0
    kept = dataset.annotations(layer="probe_kind").num_rows
    assert kept == N - found.abstained


def test_what_is_not_there_is_told(dataset, tmp_path):
    with pytest.raises(UsageError, match="has no probe 'classes': run"):
        dataset.predict_probe()
    report = dataset.train_probe(name="kind")
    with pytest.raises(UsageError, match="no probe 'classes'; there are kind"):
        dataset.predict_probe()
    with pytest.raises(UsageError, match="cannot name"):
        dataset.train_probe(name="No such")
    with pytest.raises(UsageError, match="are of 1 classes"):
        dataset.train_probe(where="label = 'cat'")
    with pytest.raises(UsageError, match="are of 0 classes"):
        dataset.train_probe(where="label = 'cow'")
    (tmp_path / "dataset.tamis" / report.file).write_bytes(b"no arrays")
    with pytest.raises(InputError, match="is no probe, or damaged"):
        dataset.predict_probe(name="kind")
    (tmp_path / "dataset.tamis" / report.file).unlink()
    with pytest.raises(InputError, match=r"there is no probe .*: train it again"):
        dataset.predict_probe(name="kind")


def test_probes_as_typed(tmp_path):
    with_splits(tmp_path)
    typed = CommandLine(tmp_path)
    assert "test split" in typed("probe", "train").out
    found = typed("probe", "train", "--name", "kind", "--json").json
    assert {"accuracy", "ece", "classes"} <= set(found)
    assert {"name", "recall", "precision"} <= set(found["classes"][0])
    assert "probe_kind" in typed("probe", "predict", "--name", "kind").out
    assert typed("probe", "predict", "--json").json["predicted"] == N
    assert "no probe" in typed("probe", "predict", "--name", "other", code=2).err
