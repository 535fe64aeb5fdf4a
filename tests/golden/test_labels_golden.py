"""Clusters, probes, diffusion and rankings against scikit-learn's."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import softmax

from tamis.algo.clusters import adjusted_rand
from tamis.algo.mislabels import average_precision
from tamis.algo.neighbors import knn_graph
from tamis.algo.probe import report_predictions
from tamis.algo.probe.multi_label import fit_labels
from tamis.algo.probe.network import NetworkProblem
from tamis.algo.probe.regression import fit_ridge
from tamis.algo.probe.ways import Neighbors
from tamis.algo.propagation import Diffusion, affinities

sklearn = pytest.importorskip("sklearn")


def unit(rows):
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def labelled(n=90, dim=6, n_classes=3, seed=0):
    rng = np.random.default_rng(seed)
    classes = np.concatenate([np.arange(n_classes), rng.integers(0, n_classes, n - n_classes)])
    middle = rng.standard_normal((n_classes, dim)) + 1
    return unit(middle[classes] + rng.standard_normal((n, dim))), classes


def test_the_rand_index_is_scikit_learns():
    from sklearn.metrics import adjusted_rand_score

    rng = np.random.default_rng(0)
    for _ in range(5):
        a, b = rng.integers(0, 4, 60), rng.integers(0, 7, 60)
        b[:30] = a[:30]
        assert adjusted_rand(a, b) == pytest.approx(adjusted_rand_score(a, b), abs=1e-12)


def test_average_precision_is_scikit_learns_with_ties():
    from sklearn.metrics import average_precision_score

    rng = np.random.default_rng(0)
    scores, truth = rng.integers(0, 9, 80) / 9, rng.random(80) < 0.3
    expected = average_precision_score(truth, scores)
    assert average_precision(truth, scores) == pytest.approx(expected, abs=1e-12)


def test_ridge_is_scikit_learns():
    from sklearn.linear_model import Ridge

    X, _ = labelled()
    y = X @ np.arange(6) + 3 + 0.1 * np.random.default_rng(1).standard_normal(90)
    weights, offsets = fit_ridge(X, y, [0.01, 10.0])
    for penalty, w, b in zip([0.01, 10.0], weights, offsets, strict=True):
        model = Ridge(alpha=penalty).fit(X, y)
        np.testing.assert_allclose(w, model.coef_, atol=1e-8)
        assert b == pytest.approx(model.intercept_, abs=1e-8)


def test_each_label_is_scikit_learns_regression_on_the_rows_that_know_it():
    from sklearn.linear_model import LogisticRegression

    X, classes = labelled()
    rng = np.random.default_rng(2)
    given = np.stack([classes == 0, classes != 2], axis=1).astype(np.int8)
    given[rng.random(given.shape) < 0.2] = -1
    weights, offsets = fit_labels(X, given, [1.0, 30.0], tolerance=1e-9)
    for label in range(2):
        there = given[:, label] >= 0
        model = LogisticRegression(C=30.0, tol=1e-10, max_iter=10_000)
        model.fit(X[there], given[there, label])
        np.testing.assert_allclose(weights[1, label], model.coef_[0], atol=2e-3)
        assert offsets[1, label] == pytest.approx(model.intercept_[0], abs=2e-3)


def test_the_network_has_scikit_learns_objective_and_a_true_gradient():
    from sklearn.neural_network import MLPClassifier

    X, classes = labelled()
    model = MLPClassifier((5,), solver="lbfgs", alpha=0.3, max_iter=20_000, random_state=0)
    model.fit(X, classes)
    problem = NetworkProblem(X, classes, 5, 0.3)
    theirs = np.concatenate(
        [
            model.coefs_[0].T.ravel(),
            model.intercepts_[0],
            model.coefs_[1].T.ravel(),
            model.intercepts_[1],
        ]
    )
    value, _ = problem.objective(theirs)
    assert value == pytest.approx(model.loss_, abs=1e-6)
    start = problem.start(np.random.default_rng(0))
    _, gradient = problem.objective(start)
    for at in range(0, start.size, 7):
        step = np.zeros_like(start)
        step[at] = 1e-6
        slope = (problem.objective(start + step)[0] - problem.objective(start - step)[0]) / 2e-6
        assert gradient[at] == pytest.approx(slope, abs=1e-6)


def test_votes_are_scikit_learns_but_for_one_shared_out():
    from sklearn.neighbors import KNeighborsClassifier

    X, classes = labelled()
    (head,) = Neighbors().fit_all(X[:70], classes[:70], [{"k": 5}], exact=True)
    ours = softmax(head.logits(X[70:].astype(np.float32)), axis=1)
    model = KNeighborsClassifier(
        5, metric="cosine", weights=lambda distance: np.exp((1 - distance) / 0.07)
    )
    theirs = model.fit(X[:70], classes[:70]).predict_proba(X[70:])
    np.testing.assert_allclose(ours, (5 * theirs + 1 / 3) / 6, atol=1e-4)


def test_diffusion_is_scikit_learns_label_spreading():
    from sklearn.semi_supervised import LabelSpreading

    X, classes = labelled()
    weights = affinities(knn_graph(X, 8, rng=np.random.default_rng(0)))
    given = np.where(np.arange(90) < 9, classes, -1)
    model = LabelSpreading(lambda a, b: weights.toarray(), alpha=0.6, max_iter=500, tol=1e-12)
    theirs = model.fit(X, given).label_distributions_
    sources = np.zeros((90, 3))
    sources[np.arange(9), classes[:9]] = 1
    ours = Diffusion(weights, 0.6).spread(sources)
    reached = ours.sum(axis=1) > 0
    ours = ours[reached] / ours[reached].sum(axis=1, keepdims=True)
    np.testing.assert_allclose(ours, theirs[reached], atol=1e-4)


def test_the_report_counts_as_scikit_learn_does():
    from sklearn.metrics import confusion_matrix, precision_recall_fscore_support

    rng = np.random.default_rng(0)
    probabilities, truth = rng.dirichlet(np.ones(3), 200), rng.integers(0, 3, 200)
    report = report_predictions(probabilities, truth, ["a", "b", "c"])
    predicted = probabilities.argmax(axis=1)
    assert np.array_equal(report.confusion, confusion_matrix(truth, predicted))
    precision, recall, f1, rows = precision_recall_fscore_support(truth, predicted)
    for each in report.classes:
        at = "abc".index(each.name)
        assert each.rows == rows[at]
        assert each.precision.value == pytest.approx(precision[at])
        assert each.recall.value == pytest.approx(recall[at])
        assert each.f1 == pytest.approx(f1[at])
    assert report.balanced_accuracy == pytest.approx(recall.mean())
