"""Votes, networks, numbers, several labels, several encoders, and reports."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import fisher_exact

from tamis.algo.joined_vectors import join_vectors
from tamis.algo.probe import (
    report_predictions,
    report_slices,
    train_multi_label_probe,
    train_number_probe,
    train_probe,
)
from tamis.errors import UsageError


def unit(rows):
    rows = np.asarray(rows, dtype=np.float32)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def rng(seed=0):
    return np.random.default_rng(seed)


def corners(n=120, seed=0):
    """Two classes that no plane tells apart."""
    sides = rng(seed).integers(0, 2, (n, 2))
    rows = np.column_stack(
        [2 * sides - 1 + 0.2 * rng(seed + 1).standard_normal((n, 2)), np.ones(n)]
    )
    return unit(rows), sides[:, 0] ^ sides[:, 1]


@pytest.mark.parametrize("method", ["neighbors", "network"])
def test_what_no_plane_tells_apart_is_told_by_votes_and_by_a_network(method):
    X, classes = corners()
    probe = train_probe(X, classes, method=method, rng=rng())
    T, truth = corners(seed=9)
    assert (probe.predict(T) == truth).mean() > 0.95
    assert probe.held_out.right / probe.held_out.rows > 0.9
    assert probe.method == method
    np.testing.assert_allclose(probe.probabilities(T).sum(axis=1), 1)


def test_the_best_of_all_kinds_is_taken_and_the_others_are_listed():
    X, classes = corners(60)
    probe = train_probe(X, classes, method="best", rng=rng())
    assert probe.method in {"neighbors", "network"}
    assert set(probe.tried) == {"prototypes", "logistic", "neighbors", "network"}
    assert probe.tried[probe.method] == min(probe.tried.values())


def test_folds_of_ones_own_are_measured_and_negative_rows_are_not():
    X, classes = corners(60)
    folds = np.where(np.arange(60) < 40, -1, 0)
    held_out = train_probe(X, classes, folds=folds, method="neighbors", rng=rng()).held_out
    assert (held_out.predicted[:40] == -1).all()
    assert (held_out.predicted[40:] >= 0).all()
    assert np.isnan(held_out.probabilities[:40]).all()
    np.testing.assert_allclose(held_out.probabilities[40:].sum(axis=1), 1)
    assert (held_out.probabilities[40:].argmax(axis=1) == held_out.predicted[40:]).all()


def test_numbers_are_predicted_and_nine_in_ten_lie_within_reach():
    X = unit(rng().standard_normal((150, 8)))
    y = X @ np.arange(8) + 0.3 * rng(1).standard_normal(150)
    probe = train_number_probe(X[:100], y[:100], rng=rng())
    error = np.abs(probe.predict(X[100:]) - y[100:])
    assert probe.explained > 0.9
    assert 0.75 <= (error <= probe.reach).mean() <= 1
    assert abs(probe.absolute_error - error.mean()) < 0.1
    order = rng(3).permutation(100)
    again = train_number_probe(X[order], y[order], rng=rng())
    assert np.array_equal(again.weights, probe.weights)
    assert np.array_equal(again.predicted, probe.predicted[order])


def test_numbers_that_vectors_do_not_tell_are_measured_as_such():
    X = unit(rng().standard_normal((60, 8)))
    probe = train_number_probe(X, rng(1).standard_normal(60), rng=rng())
    assert probe.explained < 0.2
    with pytest.raises(UsageError, match="1 are not finite"):
        train_number_probe(X[:4], np.array([1, 2, np.nan, 4]), rng=rng())
    few = train_number_probe(X[:3], np.arange(3.0), rng=rng())
    assert np.isnan(few.explained)
    assert few.reach == np.inf


def test_several_labels_are_told_each_by_itself_and_unknown_ones_do_not_count():
    X = unit(rng().standard_normal((160, 6)))
    given = (X[:, :2] > 0).astype(np.int8)
    given[:30, 1] = -1
    probe = train_multi_label_probe(X[:120], given[:120], ["left", "up"], rng=rng())
    right = probe.predict(X[120:]) == (given[120:] == 1)
    assert right.mean() > 0.9
    assert (probe.f1 > 0.85).all()
    assert ((probe.threshold > 0) & (probe.threshold < 1)).all()
    order = rng(4).permutation(120)
    again = train_multi_label_probe(X[:120][order], given[:120][order], ["left", "up"], rng=rng())
    assert np.array_equal(again.weights, probe.weights)
    assert np.array_equal(again.probabilities, probe.probabilities[order])


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        (np.ones((4, 1)), "given to 4 rows and denied to 0"),
        (np.full((4, 1), 3), "other values are not"),
        (np.ones((4, 2)), r"shape \(4, 1\), not \(4, 2\)"),
    ],
)
def test_labels_that_cannot_be_learnt_are_refused(given, sentence):
    with pytest.raises(UsageError, match=sentence):
        train_multi_label_probe(np.eye(4), given, ["x"], rng=rng())


def test_encoders_joined_count_alike():
    a, b = unit(rng().standard_normal((9, 3))), unit(rng(1).standard_normal((9, 50)))
    joined = join_vectors([a, b])
    np.testing.assert_allclose(joined @ joined.T, (a @ a.T + b @ b.T) / 2, atol=1e-5)
    with pytest.raises(UsageError, match=r"one length, not \[9, 8\]"):
        join_vectors([a, b[:8]])
    with pytest.raises(UsageError, match="one length"):
        join_vectors([])


def test_a_report_leads_with_the_worst_slice_and_names_rare_classes():
    truth = np.concatenate([np.zeros(300, int), np.ones(97, int), [2, 2, 2]])
    camera = np.where(np.arange(400) % 4 == 0, "north", "south")
    predicted = np.where(camera == "north", 1 - np.minimum(truth, 1), truth)
    predicted[397:] = [2, 0, 0]
    probabilities = np.eye(3)[predicted] * 0.9 + 1 / 30
    probabilities[0] = np.nan
    noise = rng().integers(0, 3, 400).astype(object)
    noise[5] = None
    report = report_predictions(
        probabilities, truth, ["a", "b", "c"], slices={"camera": camera, "noise": noise}
    )
    assert report.rows == 399
    worst = report.slices[0]
    assert (worst.column, worst.value) == ("camera", "north")
    assert worst.accuracy.value < 0.1
    assert worst.p_value < 1e-6
    assert all(each.p_value > 0.01 for each in report.slices if each.column == "noise")
    assert report.rare_recall.value == pytest.approx(1 / 3)
    assert [each.rare for each in report.classes if each.name == "c"] == [True]
    with pytest.raises(UsageError, match="nothing to report"):
        report_predictions(np.full((2, 2), np.nan), truth[:2], ["a", "b"])


def test_precision_and_gaps_are_counted_by_hand():
    truth = np.repeat([0, 1], [30, 10])
    predicted = np.where(np.arange(40) % 5 == 0, 1, truth)  # 6 of the first 30 are taken for 1
    site = np.repeat(["a", "b", "a"], [20, 10, 10])
    day = np.repeat(["x", "y"], 20)
    report = report_predictions(
        np.eye(2)[predicted], truth, ["first", "second"], slices={"site": site, "day": day}
    )
    first, second = sorted(report.classes, key=lambda each: each.name)
    assert (first.recall.value, first.precision.value) == (24 / 30, 1)
    assert (second.recall.value, second.precision.value) == (1, 10 / 16)
    assert (first.f1, second.f1) == pytest.approx((48 / 54, 20 / 26))
    assert report.balanced_accuracy == pytest.approx(0.9)
    found = {each.value: each for each in report.slices}
    assert {name: each.rows for name, each in found.items()} == {"a": 30, "b": 10, "x": 20, "y": 20}
    assert found["a"].gap == pytest.approx(26 / 30 - 8 / 10)
    assert found["x"].gap == pytest.approx(16 / 20 - 18 / 20)
    # times the four slices that are compared
    alone = fisher_exact([[16, 4], [18, 2]]).pvalue
    assert found["x"].p_value == pytest.approx(min(1, 4 * alone))


def test_the_chance_of_a_gap_grows_with_the_slices_compared():
    right = np.repeat([True, False, True], [5, 5, 30])
    site, day = np.repeat(["a", "b"], [10, 30]), np.tile(["x", "y"], 20)
    found = {each.value: each for each in report_slices(right, {"site": site, "day": day})}
    alone = fisher_exact([[5, 5], [30, 0]]).pvalue
    assert found["a"].p_value == pytest.approx(4 * alone)
    assert 4 * alone < 1
