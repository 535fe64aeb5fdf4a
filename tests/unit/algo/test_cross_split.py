"""The closest pairs across splits."""

from __future__ import annotations

import numpy as np
import pytest

from tamis.algo import exact_neighbors
from tamis.algo.splits.closest_across import closest_across
from tamis.errors import UsageError


def cloud(n, dim=8, seed=0):
    rows = np.random.default_rng(seed).standard_normal((n, dim)).astype(np.float32)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def rng():
    return np.random.default_rng(0)


def brute(X, split, threshold):
    similarity = np.triu(X @ X.T, 1)
    across = (split[:, None] != split) & (split[:, None] >= 0) & (split >= 0)
    similarity[~np.triu(across, 1)] = -np.inf
    order = np.argsort(-similarity, axis=None, kind="stable")
    left, right = np.divmod(order, len(X))
    return left, right, int((similarity >= threshold).sum())


@pytest.mark.parametrize("tile", [9, 2000])
@pytest.mark.parametrize("most", [1, 5, 300])
def test_all_pairs_across_splits_are_compared(tile, most, monkeypatch):
    monkeypatch.setattr(exact_neighbors, "_TILE_ROWS", tile)
    X = cloud(60)
    split = np.random.default_rng(1).integers(-1, 3, size=60)
    pairs = closest_across(X, split, threshold=0.5, most=most, rng=rng())
    left, right, over = brute(X, split, 0.5)
    assert pairs.left.tolist() == left[:most].tolist()
    assert pairs.right.tolist() == right[:most].tolist()
    assert pairs.over == over > 20
    assert pairs.max_similarity == pytest.approx(float(X[left[0]] @ X[right[0]]), abs=1e-6)


def test_a_leak_between_rows_that_are_not_nearest_neighbours_is_seen():
    # 1 and 2 are nearest to 0 and leak to each other as well.
    X = np.array([[1, 0], [0.99, 0.141], [0.98, 0.199], [0, 1]], np.float32)
    X /= np.linalg.norm(X, axis=1, keepdims=True)
    pairs = closest_across(X, np.array([0, 1, 2, 0]), threshold=0.95, rng=rng())
    found = set(zip(pairs.left.tolist(), pairs.right.tolist(), strict=True))
    assert {(0, 1), (0, 2), (1, 2)} <= found
    assert pairs.over == 3


def test_inverted_file_counts_each_pair_once():
    X = np.repeat(cloud(300), 2, axis=0)
    split = np.tile([0, 1], 300)
    pairs = closest_across(X, split, threshold=1.0, most=300, method="ivf", rng=rng())
    assert pairs.method == "ivf"
    assert pairs.over == 300
    assert (pairs.left + 1).tolist() == pairs.right.tolist()


def test_nothing_to_compare():
    X = cloud(5)
    for split in (np.zeros(5, int), np.full(5, -1)):
        pairs = closest_across(X, split, rng=rng())
        assert (pairs.max_similarity, pairs.over) == (None, 0)
    assert closest_across(X[:0], np.empty(0, int), rng=rng()).left.size == 0


def test_wrong_use_is_refused():
    with pytest.raises(UsageError, match="5 vectors but 4 splits"):
        closest_across(cloud(5), np.zeros(4, int), rng=rng())
    with pytest.raises(UsageError, match="most must be at least 1"):
        closest_across(cloud(5), np.arange(5), most=0, rng=rng())
