"""The probe's logistic regression against scikit-learn's, at the same penalty."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from scipy.special import softmax

from tamis.algo.probe import (
    LogisticProblem,
    balanced_weights,
    expected_calibration_error,
    train_probe,
)

linear_model = pytest.importorskip("sklearn.linear_model")


def labelled(n, dim, n_classes, seed=0):
    rng = np.random.default_rng(seed)
    classes = np.concatenate([np.arange(n_classes), rng.integers(0, n_classes, n - n_classes)])
    middle = rng.standard_normal((n_classes, dim)) + 3
    rows = middle[classes] + 1.5 * rng.standard_normal((n, dim))
    return rows / np.linalg.norm(rows, axis=1, keepdims=True), classes


def reference(X, classes, C, weight=None):
    model = linear_model.LogisticRegression(C=C, class_weight=weight, tol=1e-10, max_iter=20_000)
    return model.fit(X, classes)


@pytest.mark.parametrize("C", [0.01, 1.0, 100.0, 10_000.0])
@pytest.mark.parametrize(("n", "dim", "n_classes"), [(100, 8, 4), (40, 200, 3)])
@pytest.mark.parametrize("balanced", [False, True])
def test_weights_and_probabilities_are_those_of_scikit_learn(n, dim, n_classes, C, balanced):
    X, classes = labelled(n, dim, n_classes)
    problem = LogisticProblem(X, classes, balanced_weights(classes) if balanced else None)
    weights, offset = problem.linear(problem.fit(C, tolerance=1e-9))
    model = reference(X, classes, C, "balanced" if balanced else None)
    size = np.abs(model.coef_).max()
    assert np.abs(weights - model.coef_).max() < 1e-4 * max(1, size)
    ours, theirs = softmax(X @ weights.T + offset, axis=1), model.predict_proba(X)
    assert np.abs(ours - theirs).max() < 1e-4


def test_two_classes_take_half_the_penalty_of_one_vector():
    X, classes = labelled(120, 6, 2)
    problem = LogisticProblem(X, classes)
    weights, offset = problem.linear(problem.fit(5.0, tolerance=1e-9))
    model = reference(X, classes, 10.0)
    assert np.abs(weights[1] - weights[0] - model.coef_[0]).max() < 1e-3
    ours = softmax(X @ weights.T + offset, axis=1)
    assert np.abs(ours - model.predict_proba(X)).max() < 1e-4


def test_the_probe_predicts_what_scikit_learn_does_at_the_penalty_that_it_chose():
    X, classes = labelled(160, 8, 3, seed=3)
    names = np.array(["c", "b", "a"])[classes]
    probe = train_probe(X[:100], names[:100], rng=np.random.default_rng(0))
    model = reference(
        X[:100].astype(np.float32).astype(float),
        names[:100],
        probe.setting["C"],
        "balanced" if probe.setting["balanced"] else None,
    )
    ours = softmax(probe.logits(X[100:]), axis=1)
    assert np.abs(ours - model.predict_proba(X[100:])).max() < 1e-4
    assert probe.predict(X[100:]).tolist() == model.predict(X[100:]).tolist()


def test_the_calibration_error_is_the_textbook_sum_over_bins():
    rng = np.random.default_rng(5)
    probabilities = rng.dirichlet(np.ones(4), 500)
    confidence, predicted = probabilities.max(axis=1), probabilities.argmax(axis=1)
    # Two in three right whatever is claimed: too sure in some bins, not sure enough in others.
    truth = np.where(rng.random(500) < 0.55, predicted, rng.integers(0, 4, 500))
    edges = np.linspace(0, 1, 16)
    total = 0.0
    for low, high in pairwise(edges):
        inside = (confidence >= low) & (confidence < high)
        if inside.any():
            right = (predicted[inside] == truth[inside]).mean()
            total += inside.mean() * abs(confidence[inside].mean() - right)
    assert abs(expected_calibration_error(probabilities, truth) - total) < 1e-12
