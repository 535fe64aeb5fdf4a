"""Facility location: dense and by nearest rows, with rows given or ruled out."""

from __future__ import annotations

import numpy as np
import pytest

from tamis.algo.neighbors import knn_graph
from tamis.algo.strategies.vectors import facility_location as module
from tamis.algo.strategies.vectors.facility_location import facility_location
from tamis.errors import UsageError


def unit(rows):
    rows = np.asarray(rows, dtype=np.float32)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def cloud(n, dim=8, seed=0):
    return unit(np.random.default_rng(seed).standard_normal((n, dim)))


def rng():
    return np.random.default_rng(0)


def naive_greedy(X, n, candidates, covered):
    similarity = np.maximum(X.astype(np.float64) @ X.T.astype(np.float64), 0)
    picks, left = [], list(candidates)
    for _ in range(n):
        gains = [np.maximum(similarity[row] - covered, 0).sum() for row in left]
        picks.append(left.pop(int(np.argmax(gains))))
        covered = np.maximum(covered, similarity[picks[-1]])
    return picks


def test_lazy_picks_are_those_of_the_plain_greedy():
    X = cloud(150)
    picks = facility_location(X, 25, rng=rng())
    assert picks.indices.tolist() == naive_greedy(X, 25, range(150), np.zeros(150))


def test_nearest_rows_alone_choose_the_same_where_they_are_all_rows(monkeypatch):
    X = cloud(60)
    dense = facility_location(X, 12, rng=rng())
    monkeypatch.setattr(module, "DENSE_LIMIT", 0)
    sparse = facility_location(X, 12, graph=knn_graph(X, 59, rng=rng()), rng=rng())
    assert sparse.indices.tolist() == dense.indices.tolist()
    np.testing.assert_allclose(sparse.gains, dense.gains, rtol=1e-5)


def test_32_nearest_rows_choose_nearly_as_well(monkeypatch):
    rng_ = np.random.default_rng(3)
    middle = unit(rng_.standard_normal((50, 16)))
    X = unit(middle[rng_.integers(50, size=3000)] + 0.15 * rng_.standard_normal((3000, 16)))

    def mean_similarity(picks):
        return float((X @ X[picks.indices].T).max(axis=1).mean())

    dense = mean_similarity(facility_location(X, 100, rng=rng()))
    monkeypatch.setattr(module, "DENSE_LIMIT", 0)
    sparse = mean_similarity(facility_location(X, 100, rng=rng()))
    random = float((X @ X[:100].T).max(axis=1).mean())
    assert sparse > dense - 0.1 * (dense - random)


def test_given_rows_represent_and_are_not_picked():
    X = cloud(90)
    chosen = np.array([5, 50])
    candidates = np.arange(0, 90, 2)
    picks = facility_location(X, 10, chosen=chosen, candidates=candidates, rng=rng())
    covered = np.maximum((X @ X[chosen].T).max(axis=1), 0).astype(np.float64)
    allowed = [row for row in candidates if row != 50]
    assert picks.indices.tolist() == naive_greedy(X, 10, allowed, covered)


@pytest.mark.parametrize("n", [0, 1, 6, 50])
def test_never_more_than_there_are(n):
    picks = facility_location(cloud(6), n, rng=rng())
    assert len(picks.indices) == len(picks.gains) == min(n, 6)
    assert sorted(set(picks.indices.tolist())) == sorted(picks.indices.tolist())


def test_identical_rows_fill_the_number_asked_at_no_gain():
    X = np.repeat(cloud(2), 4, axis=0)
    picks = facility_location(X, 8, rng=rng())
    assert sorted(picks.indices.tolist()) == list(range(8))
    assert picks.gains[:2].min() > 0.5
    assert picks.gains[2:].max() < 1e-4


def test_edges():
    assert facility_location(cloud(3)[:0], 4, rng=rng()).indices.size == 0
    assert facility_location(cloud(3), 4, candidates=np.empty(0, int), rng=rng()).indices.size == 0
    with pytest.raises(UsageError, match="must be 0 or more, not -1"):
        facility_location(cloud(3), -1, rng=rng())
