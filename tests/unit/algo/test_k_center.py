"""Greedy k-center."""

from __future__ import annotations

import numpy as np
import pytest

from tamis.algo.strategies.vectors.k_center import k_center
from tamis.errors import UsageError


def cloud(n, dim=5, seed=0):
    rows = np.random.default_rng(seed).standard_normal((n, dim)).astype(np.float32)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def test_each_pick_is_the_farthest_from_those_before():
    X = cloud(80)
    picks = k_center(X, 15)
    first = int(np.argmax(X @ X.mean(axis=0)))
    assert picks.indices[0] == first
    for i in range(1, 15):
        nearest = (X @ X[picks.indices[:i]].T).max(axis=1)
        nearest[picks.indices[:i]] = np.inf
        assert picks.indices[i] == np.argmin(nearest)
        assert picks.gains[i] == pytest.approx(1 - nearest.min(), abs=1e-6)
    assert (np.diff(picks.gains) <= 1e-6).all()


def test_starts_from_given_rows_and_keeps_to_candidates():
    X = cloud(40)
    picks = k_center(X, 3, chosen=np.array([7]), candidates=np.arange(20))
    distance = 1 - X[:20] @ X[7]
    distance[7] = -1
    assert picks.indices[0] == np.argmax(distance)
    assert 7 not in picks.indices
    assert picks.indices.max() < 20


def test_identical_rows_are_picked_last_and_never_twice():
    X = np.repeat(cloud(3), 3, axis=0)
    picks = k_center(X, 20)
    assert sorted(picks.indices.tolist()) == list(range(9))
    assert len(set((picks.indices[:3] // 3).tolist())) == 3
    assert picks.gains[3:].max() < 1e-5


def test_edges():
    assert k_center(cloud(3)[:0], 2).indices.size == 0
    assert k_center(cloud(3), 0).indices.dtype == np.int64
    assert k_center(cloud(3), 2, candidates=np.empty(0, int)).indices.size == 0
    with pytest.raises(UsageError, match="not -2"):
        k_center(cloud(3), -2)
