"""Logistic regression: its gradient, warm starts, and what stays equal."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import check_grad

from tamis.algo.probe import LogisticProblem, balanced_weights


def problem(n=30, dim=5, n_classes=3, weights=None):
    rng = np.random.default_rng(2)
    return LogisticProblem(rng.standard_normal((n, dim)), np.arange(n) % n_classes, weights=weights)


@pytest.mark.parametrize("dim", [3, 40])
@pytest.mark.parametrize("weights", [None, np.linspace(0.2, 3, 30)])
def test_the_gradient_is_that_of_finite_differences(dim, weights):
    made = problem(dim=dim, weights=weights)
    rank = min(dim, 30)
    for seed in range(3):
        at = np.random.default_rng(seed).standard_normal(3 * rank + 3)
        error = check_grad(
            lambda p: made.objective(p, 0.7)[0], lambda p: made.objective(p, 0.7)[1], at
        )
        assert error < 1e-5


def test_no_step_away_from_the_answer_makes_it_better():
    made = problem()
    found = made.fit(2.0)
    answer = np.concatenate([found.coordinates.ravel(), found.offset])
    least = made.objective(answer, 2.0)[0]
    rng = np.random.default_rng(0)
    for _ in range(20):
        step = 1e-2 * rng.standard_normal(answer.size)
        assert made.objective(answer + step, 2.0)[0] >= least


def test_a_warm_start_ends_where_a_cold_one_does():
    made = problem()
    cold = made.linear(made.fit(50.0))
    warm = made.linear(made.fit(50.0, made.fit(1.0)))
    assert np.abs(cold[0] - warm[0]).max() < 1e-4
    assert np.abs(cold[1] - warm[1]).max() < 1e-4


def test_a_row_that_counts_twice_is_the_same_as_the_row_twice():
    rng = np.random.default_rng(4)
    X, classes = rng.standard_normal((12, 4)), np.arange(12) % 3
    counts = np.where(np.arange(12) < 4, 2.0, 1.0)
    once = LogisticProblem(X, classes, counts)
    twice = LogisticProblem(np.concatenate([X, X[:4]]), np.concatenate([classes, classes[:4]]))
    # weights are brought to mean 1, so C is scaled by their sum over the number of rows
    a = once.linear(once.fit(16 / 12 * 3.0))
    b = twice.linear(twice.fit(3.0))
    assert np.abs(a[0] - b[0]).max() < 1e-5
    assert np.abs(a[1] - b[1]).max() < 1e-5


def test_balanced_weights_give_every_class_the_same_sum():
    classes = np.array([0] * 7 + [1] * 2 + [2])
    weights = balanced_weights(classes)
    assert np.allclose(np.bincount(classes, weights=weights), 10 / 3)
