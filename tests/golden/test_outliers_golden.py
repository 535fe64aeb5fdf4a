"""Distances of whole pictures agree with scikit-learn's."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.covariance import LedoitWolf
from sklearn.neighbors import NearestNeighbors

from tamis.algo.ledoit_wolf import ledoit_wolf
from tamis.algo.outliers import neighbor_distances
from tamis.algo.unit_vectors import normalise_rows
from tamis.errors import UsageError


def rows(count, dim, seed=0):
    rng = np.random.default_rng(seed)
    scales = np.geomspace(1, 0.05, dim)
    return normalise_rows((rng.standard_normal((count, dim)) * scales + 0.4).astype(np.float32))


@pytest.mark.parametrize("shape", [(60, 12), (20, 40), (5000, 6)], ids=str)
def test_the_shrunk_covariance_is_scikit_learns(shape):
    X, Y = rows(*shape), rows(30, shape[1], seed=1)
    expected = LedoitWolf().fit(X.astype(np.float64))
    found = ledoit_wolf(X)
    assert found.shrinkage == pytest.approx(expected.shrinkage_, abs=1e-6)
    np.testing.assert_allclose(found.covariance, expected.covariance_, atol=1e-9)
    distances = found.distances(Y, np.zeros(len(Y), np.bool_))
    np.testing.assert_allclose(distances, np.sqrt(expected.mahalanobis(Y)), rtol=1e-4)


def test_a_row_of_the_covariance_is_measured_as_if_it_were_new():
    X = rows(40, 10)
    found = ledoit_wolf(X).distances(X, np.ones(len(X), np.bool_))
    unseen = []
    for row in range(len(X)):
        others = ledoit_wolf(np.delete(X, row, axis=0))
        unseen.append(others.distances(X[row : row + 1], np.zeros(1, np.bool_))[0])
    np.testing.assert_allclose(found, unseen, rtol=0.05)
    assert np.corrcoef(found, unseen)[0, 1] > 0.99


@pytest.mark.parametrize("k", [1, 5, 100])
def test_neighbor_distances_are_scikit_learns(k):
    X = rows(50, 8)
    reference, own = X[10:], np.arange(50) >= 10
    found = neighbor_distances(X, reference, own, k=k)
    nearest = NearestNeighbors(metric="cosine", algorithm="brute").fit(reference)
    others = nearest.kneighbors(X[:10], min(k, 40))[0][:, -1]
    # without an argument, scikit-learn leaves out the row itself
    within = nearest.kneighbors(n_neighbors=min(k, 39))[0][:, -1]
    np.testing.assert_allclose(found, [*others, *within], atol=1e-6)


def test_what_has_no_spread_is_refused():
    with pytest.raises(UsageError, match="at least 2"):
        ledoit_wolf(rows(1, 4))
    with pytest.raises(UsageError, match="equal"):
        ledoit_wolf(np.repeat(rows(1, 4), 5, axis=0))
