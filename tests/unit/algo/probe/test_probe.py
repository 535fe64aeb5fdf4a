"""The probe: which method, what is held out, calibration, wrong use."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import softmax

from tamis.algo.probe import (
    expected_calibration_error,
    fit_prototypes,
    fit_temperature,
    train_probe,
    training,
)
from tamis.errors import UsageError


def unit(rows):
    rows = np.asarray(rows, dtype=np.float32)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def blobs(a_class, n_classes=4, spread=0.6, dim=12, seed=0):
    """Rows around as many directions as there are classes, all of them on one side."""
    middle = np.random.default_rng(99).standard_normal((n_classes, dim)) + 1.5
    rng = np.random.default_rng(seed)
    classes = np.repeat(np.arange(n_classes), a_class)
    return unit(middle[classes] + spread * rng.standard_normal((classes.size, dim))), classes


def rng():
    return np.random.default_rng(0)


@pytest.mark.parametrize(
    ("a_class", "method"), [(1, "prototypes"), (9, "prototypes"), (10, "logistic")]
)
def test_the_method_follows_the_number_of_labels_a_class(a_class, method):
    X, classes = blobs(a_class)
    probe = train_probe(X, classes, rng=rng())
    assert probe.method == method
    assert ("C" not in probe.setting) == (method == "prototypes")
    T, truth = blobs(100, seed=1)
    assert (probe.predict(T) == truth).mean() > 0.6
    assert np.allclose(probe.probabilities(T).sum(axis=1), 1)


def test_one_label_a_class_can_be_fitted_but_not_measured():
    X, classes = blobs(1)
    held_out = train_probe(X, classes, rng=rng()).held_out
    assert held_out.rows == held_out.right == 0
    assert held_out.predicted.tolist() == [-1] * 4
    assert np.isnan(held_out.log_loss)


def test_a_class_of_one_label_is_not_measured_and_the_others_are():
    X, classes = blobs(5, n_classes=3, spread=0.1)
    X, classes = X[:11], classes[:11]
    held_out = train_probe(X, classes, rng=rng()).held_out
    assert held_out.predicted.tolist() == [0] * 5 + [1] * 5 + [-1]
    assert (held_out.right, held_out.rows) == (10, 10)


def test_held_out_accuracy_is_that_on_new_rows():
    X, classes = blobs(60, spread=1.6)
    probe = train_probe(X, classes, rng=rng())
    T, truth = blobs(2000, spread=1.6, seed=7)
    fresh = (probe.predict(T) == truth).mean()
    held_out = probe.held_out.right / probe.held_out.rows
    assert 0.5 < fresh < 0.95
    assert abs(held_out - fresh) < 0.08
    right = (probe.held_out.predicted == classes).sum()
    assert right == probe.held_out.right


def test_labels_that_say_nothing_are_measured_as_saying_nothing():
    noise = unit(np.random.default_rng(1).standard_normal((200, 30)))
    classes = np.arange(200) % 2
    held_out = train_probe(noise, classes, rng=rng()).held_out
    assert 0.35 < held_out.right / held_out.rows < 0.65


def test_near_duplicates_do_not_vouch_for_each_other():
    noise = unit(np.random.default_rng(1).standard_normal((40, 30)))
    X, classes = np.repeat(noise, 3, axis=0), np.repeat(np.arange(40) % 2, 3)
    groups = np.repeat(np.arange(40), 3)
    leaked = train_probe(X, classes, rng=rng()).held_out
    honest = train_probe(X, classes, groups=groups, rng=rng()).held_out
    assert leaked.right / leaked.rows > 0.9
    assert honest.right / honest.rows < 0.7


def test_one_group_leaves_nothing_to_measure_on():
    X, classes = blobs(10)
    held_out = train_probe(X, classes, groups=np.zeros(40, np.int64), rng=rng()).held_out
    assert held_out.rows == 0


def test_temperature_mends_probabilities_without_changing_the_answer():
    X, classes = blobs(40, spread=1.6)
    probe = train_probe(X, classes, C=1.0, rng=rng())
    T, truth = blobs(1000, spread=1.6, seed=7)
    before = expected_calibration_error(softmax(probe.logits(T), axis=1), truth)
    after = expected_calibration_error(probe.probabilities(T), truth)
    assert after < 0.05
    assert before > 0.1
    assert (probe.probabilities(T).argmax(axis=1) == probe.logits(T).argmax(axis=1)).all()


def test_temperature_is_the_one_with_the_least_loss():
    random = np.random.default_rng(3)
    probabilities = random.dirichlet(np.ones(3), 4000)
    truth = np.array([random.choice(3, p=row) for row in probabilities])
    assert abs(fit_temperature(2.5 * np.log(probabilities), truth) - 2.5) < 0.15
    assert fit_temperature(np.empty((0, 3)), np.empty(0, np.int64)) == 1.0
    assert fit_temperature(np.empty((0, 3)), np.empty(0, np.int64), expected=0.1) == 0.1


def test_a_few_rows_that_are_all_right_or_all_wrong_move_the_temperature_a_little():
    right = fit_temperature(0.8 * np.eye(3), np.arange(3), expected=0.1)
    wrong = fit_temperature(0.8 * np.eye(3), np.array([1, 2, 0]), expected=0.1)
    assert 0.05 < right < 0.1 < wrong < 1


def test_an_imbalance_of_labels_draws_no_prediction_to_the_large_class():
    X, classes = blobs(100, n_classes=2, spread=1.5)
    rows = np.concatenate([np.arange(100), np.arange(100, 110)])
    T, truth = blobs(500, n_classes=2, spread=1.5, seed=5)
    recalls = {}
    for balanced in (True, False):
        probe = train_probe(X[rows], classes[rows], balanced=balanced, C=1.0, rng=rng())
        recalls[balanced] = (probe.predict(T) == truth)[truth == 1].mean()
    assert recalls[True] > recalls[False] + 0.1


def test_classes_are_balanced_where_that_predicts_held_out_labels_better():
    X, classes = blobs(100, n_classes=2, spread=2.5)
    rows = np.arange(115)  # most labels are of one class, and mean it
    probe = train_probe(X[rows], classes[rows], rng=rng())
    assert not probe.setting["balanced"]
    even = train_probe(X[rows], classes[rows], balanced=True, rng=rng())
    assert even.held_out.log_loss > probe.held_out.log_loss


def test_many_labels_are_thinned_out_for_the_choice_only(monkeypatch):
    monkeypatch.setattr(training, "_MOST_ROWS_TO_CHOOSE", 60)
    X, classes = blobs(50)
    probe = train_probe(X, classes, rng=rng())
    assert probe.held_out.rows == 60
    measured = probe.held_out.predicted >= 0
    assert probe.held_out.right == (probe.held_out.predicted == classes)[measured].sum()
    full = train_probe(X, classes, **probe.setting, rng=rng())
    assert np.array_equal(probe.head.weights, full.head.weights)


def test_prototypes_are_seen_from_the_middle_of_the_classes():
    X = unit([[1, 0.1, 5], [1, -0.1, 5], [-1, 0.1, 5], [-1, 0, 5], [-1, -0.1, 5]]).astype(float)
    prototypes = fit_prototypes(X, np.array([0, 0, 1, 1, 1]))
    assert prototypes.directions[0] @ prototypes.directions[1] == pytest.approx(-1)
    assert prototypes.cosines(X).argmax(axis=1).tolist() == [0, 0, 1, 1, 1]


def test_classes_that_lie_in_one_place_give_no_nan():
    X = np.repeat(unit([[1, 2, 3]]), 4, axis=0)
    probe = train_probe(X, np.array([0, 1, 0, 1]), rng=rng())
    assert np.allclose(probe.probabilities(X), 0.5)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"labels": np.zeros(8, np.int64)}, "needs labels of two or more, not 1"),
        ({"labels": np.zeros(7, np.int64)}, r"differ in length: \[8, 7\]"),
        ({"groups": np.zeros(3, np.int64)}, r"differ in length: \[8, 8, 3\]"),
        ({"C": 0.0}, "C must be over 0, not 0.0"),
        ({"method": "forest"}, "method must be auto, best, prototypes, logistic, .*not 'forest'"),
        ({"X": np.full((8, 12), 3.0)}, "rows of length 1"),
    ],
)
def test_wrong_use_is_refused(change, sentence):
    X, classes = blobs(2)
    arguments = {"X": X, "labels": classes} | change
    with pytest.raises(UsageError, match=sentence):
        train_probe(**arguments, rng=rng())


def test_a_calibration_error_needs_rows():
    with pytest.raises(UsageError, match="needs rows and bins"):
        expected_calibration_error(np.empty((0, 2)), np.empty(0, np.int64))
