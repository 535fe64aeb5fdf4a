"""A probe made fit for drifted pictures: what is tried, what is kept, what is refused."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from sample_rows import sample_ids
from tamis.algo.probe import expected_calibration_error, fit_temperature
from tamis.dataset.store import Store
from tamis.errors import UsageError
from tamis.runtime.workspace import Workspace, execute
from tamis.services.drift.contract import DriftAdapt
from tamis.services.history.contract import Undo
from tamis.services.probe.contract import PredictProbe, TrainProbe
from tamis.services.probe.stored_probe import find_probe

NAMES = np.array(["bolt", "nut", "screw"])
MEANS = np.random.default_rng(1).normal(size=(3, 12)) * 0.55


def rows(seed, n, shares=(1, 1, 1), *, move=0.0):
    """Vectors `[n, 12]` of three classes, and the classes."""
    rng = np.random.default_rng(seed)
    classes = rng.choice(3, n, p=np.array(shares) / sum(shares))
    X = MEANS[classes] + rng.normal(size=(n, 12)) * 0.5 + 0.4
    X[:, :6] += move * np.array([1, -1, 1, -1, 1, -1])
    return X, classes


def dataset(path, new, classes, labeled):
    """Labeled pictures, with a probe of them, and drifted ones, of which some have labels."""
    old, old_classes = rows(0, 240)
    X = np.concatenate([old, new])
    ids = sample_ids(0, len(X))
    labels = [*NAMES[old_classes], *NAMES[classes][:labeled], *[None] * (len(new) - labeled)]
    store = Store.create(path)
    with store.operation("add") as operation:
        split = [None] * len(old) + ["today"] * len(new)
        operation.insert(
            pa.table(
                {
                    "sample_id": ids,
                    "path": [f"{name}.png" for name in ids],
                    "split": pa.array(split, pa.string()),
                    "label": pa.array([None if x is None else str(x) for x in labels]),
                }
            )
        )
    with store.operation("embed") as operation:
        column = operation.add_vector_column("test:rows", "f" * 32, 12)
        unit = X / np.linalg.norm(X, axis=1, keepdims=True)
        operation.set_vectors(column, ids, unit.astype(np.float32))
    workspace = Workspace(store)
    execute(workspace, TrainProbe(where="split IS NULL", method="logistic"))
    return workspace


def right(workspace, classes):
    probe = find_probe(workspace, "classes")
    known = workspace.samples.of("split = 'today'").vectors(
        workspace.vector_column(probe.fingerprints[0])
    )
    truth = dict(zip(sample_ids(0, 240 + len(classes))[240:], NAMES[classes], strict=True))
    said = probe.classes[probe.probabilities(known.vectors).argmax(axis=1)]
    return np.mean([truth[name] == one for name, one in zip(known.ids, said, strict=True)])


def test_without_labels_classes_are_weighted_by_their_shares(tmp_path):
    new, classes = rows(2, 300, (12, 1, 1))
    workspace = dataset(tmp_path / "d.tamis", new, classes, 0)
    before = right(workspace, classes)
    found = execute(workspace, DriftAdapt(split="today"))
    assert (found.chosen, found.labels, found.tried) == ("prior", 0, [])
    assert right(workspace, classes) > before + 0.02
    truth = np.bincount(classes, minlength=3) / 300
    for one, share in zip(found.classes, truth, strict=True):
        assert one.low - 0.02 <= share <= one.high + 0.02
    assert "too few to tell what is best" in found.notes[0]
    predicted = execute(workspace, PredictProbe())
    assert predicted.predicted == 540
    execute(workspace, Undo())
    execute(workspace, Undo())
    assert right(workspace, classes) == before


def test_with_labels_what_does_best_on_them_is_kept(tmp_path):
    new, classes = rows(3, 200, move=0.9)
    workspace = dataset(tmp_path / "d.tamis", new, classes, 120)
    before = right(workspace, classes)
    found = execute(workspace, DriftAdapt(split="today"))
    by_name = {one.method: one for one in found.tried}
    assert list(by_name) == ["as it is", "prior", "temperature", "retrain"]
    assert found.chosen == "retrain"
    assert by_name["retrain"].accuracy > by_name["as it is"].accuracy
    assert by_name["temperature"].log_loss < by_name["as it is"].log_loss
    assert by_name["temperature"].accuracy == by_name["as it is"].accuracy
    assert right(workspace, classes) > before
    assert workspace.store.log()[-1].verb == "drift adapt"


def test_figures_of_a_way_are_those_of_what_it_says_of_the_labeled(tmp_path, monkeypatch):
    new, classes = rows(8, 150, (5, 3, 1), move=0.3)
    workspace = dataset(tmp_path / "d.tamis", new, classes, 100)
    fitted = []

    def fit(logits, truth, **options):
        fitted.append(len(truth))
        return fit_temperature(logits, truth, **options)

    monkeypatch.setattr("tamis.services.drift.adapt.fit_temperature", fit)
    probes = {"as it is": find_probe(workspace, "classes")}
    found = execute(workspace, DriftAdapt(split="today", method="prior"))
    probes["prior"] = find_probe(workspace, "classes")
    assert (found.pictures, found.labels) == (150, 100)
    X = (new / np.linalg.norm(new, axis=1, keepdims=True)).astype(np.float32)[:100]
    for one in found.tried:
        p, truth = probes[one.method].probabilities(X), classes[:100]
        hits = p.argmax(axis=1) == truth
        assert (one.measured, one.accuracy) == (100, hits.mean())
        assert one.low < one.accuracy < one.high
        assert one.log_loss == pytest.approx(-np.log(p[np.arange(100), truth]).mean(), rel=1e-4)
        assert one.ece == pytest.approx(expected_calibration_error(p, truth), rel=1e-3)
    execute(workspace, DriftAdapt(split="today", method="temperature", dry_run=True))
    # each of five parts is judged by the certainty that the others tell
    assert (max(fitted[:-1]), sum(fitted[:-1]), fitted[-1]) == (80, 400, 100)
    before = np.bincount(rows(0, 240)[1], minlength=3) / 240
    assert [one.reference for one in found.classes] == pytest.approx(before)


def test_nothing_is_changed_where_nothing_is_better(tmp_path):
    new, classes = rows(4, 150)
    workspace = dataset(tmp_path / "d.tamis", new, classes, 0)
    snapshot = workspace.store.snapshot
    found = execute(workspace, DriftAdapt(split="today"))
    assert (found.chosen, found.file) == ("as it is", None)
    assert workspace.store.snapshot == snapshot
    assert find_probe(workspace, "classes") is not None


def test_a_dry_run_shows_and_changes_nothing(tmp_path):
    new, classes = rows(5, 200, (12, 1, 1))
    workspace = dataset(tmp_path / "d.tamis", new, classes, 60)
    snapshot = workspace.store.snapshot
    found = execute(workspace, DriftAdapt(split="today", method="prior", dry_run=True))
    assert (found.chosen, found.file) == ("prior", None)
    assert [one.method for one in found.tried] == ["as it is", "prior"]
    assert workspace.store.snapshot == snapshot


def test_a_class_that_is_new_is_learned_by_retraining(tmp_path, monkeypatch):
    new, classes = rows(6, 120)
    names = np.array(["bolt", "nut", "washer"])
    monkeypatch.setattr(f"{__name__}.NAMES", NAMES)
    workspace = dataset(tmp_path / "d.tamis", new, classes, 0)
    with workspace.store.operation("label") as operation:
        ids = sample_ids(0, 360)[240:]
        operation.set_marks(ids, {"label": names[classes].tolist()})
    found = execute(workspace, DriftAdapt(split="today"))
    assert found.chosen == "retrain"
    assert find_probe(workspace, "classes").classes.tolist() == ["bolt", "nut", "screw", "washer"]


def test_wrong_use_is_refused_in_a_sentence(tmp_path):
    new, classes = rows(7, 40)
    workspace = dataset(tmp_path / "d.tamis", new, classes, 5)
    with pytest.raises(UsageError, match="which pictures drifted"):
        DriftAdapt()
    for request, said in (
        (DriftAdapt(split="tomorrow"), "name the drifted ones"),
        (DriftAdapt(split="today", method="retrain"), "5 of the drifted pictures have a label"),
        (DriftAdapt(split="today", method="temperature"), "label at least 20"),
        (DriftAdapt(split="today", name="other"), "no probe 'other'"),
        (DriftAdapt(where="true"), "fewer than two classes"),
    ):
        with pytest.raises(UsageError, match=said):
            execute(workspace, request)
    execute(workspace, TrainProbe(where="split IS NULL", method="neighbors", name="near"))
    with pytest.raises(UsageError, match="votes of neighbors cannot be weighted"):
        execute(workspace, DriftAdapt(split="today", method="prior", name="near"))
