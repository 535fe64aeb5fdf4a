"""The ridge map is scikit-learn's, and its penalty the one with the least error by the formula."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import Ridge, RidgeCV

from tamis.algo.alignment import fit_linear_map


def problem(noise, rows=150, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((rows, 20)) * np.geomspace(1, 0.01, 20)
    return X, X @ rng.standard_normal((20, 5)) + 2 + noise * rng.standard_normal((rows, 5))


@pytest.mark.parametrize("penalty", [0.01, 1.0, 100.0])
@pytest.mark.parametrize("centre", [True, False])
def test_weights_are_those_of_scikit_learn(penalty, centre):
    X, Y = problem(0.1)
    ours = fit_linear_map(X, Y, centre=centre, penalty=penalty)
    theirs = Ridge(penalty, fit_intercept=centre).fit(X, Y)
    np.testing.assert_allclose(ours.weights, theirs.coef_.T, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(ours.offset, theirs.intercept_, rtol=1e-4, atol=1e-5)


def validation_error(X, Y, penalty):
    """Generalised cross-validation by its definition, with the matrix H written out."""
    rows = len(X)
    middle = np.full((rows, rows), 1 / rows)
    centred = X - X.mean(axis=0)
    H = middle + centred @ np.linalg.solve(
        centred.T @ centred + penalty * np.eye(X.shape[1]), centred.T
    )
    return rows * ((Y - H @ Y) ** 2).sum() / (rows - np.trace(H)) ** 2


@pytest.mark.parametrize("noise", [0.01, 0.1, 1.0, 5.0])
def test_the_penalty_has_the_least_generalised_cross_validation_error(noise):
    X, Y = problem(noise)
    found = fit_linear_map(X, Y)
    assert found.error == pytest.approx(validation_error(X, Y, found.penalty), rel=1e-6)
    nearby = [found.penalty * factor for factor in (0.1, 0.3, 3, 10)]
    assert all(validation_error(X, Y, penalty) >= found.error for penalty in nearby)


@pytest.mark.parametrize("noise", [0.1, 1.0])
def test_leaving_one_out_chooses_about_the_same_penalty(noise):
    X, Y = problem(noise)
    found = fit_linear_map(X, Y)
    grid = np.geomspace(found.penalty * 1e-3, found.penalty * 1e3, 37)
    chosen = RidgeCV(grid).fit(X, Y).alpha_
    assert 0.2 < chosen / found.penalty < 5
