"""Folds beside scikit-learn's, and leaks that a comparison with the nearest kept picture misses."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.model_selection import StratifiedGroupKFold

from tamis.algo.components import connected_components
from tamis.algo.splits import assign_splits
from tamis.algo.splits.closest_across import closest_across


def unevenness(placed, labels, k):
    """Mean difference of a label's share of a fold from 1 / k, and the largest of the sizes."""
    shares = np.array([np.bincount(placed[labels == c], minlength=k) for c in np.unique(labels)])
    shares = shares / shares.sum(axis=1, keepdims=True)
    sizes = np.bincount(placed, minlength=k) / len(placed)
    return np.abs(shares - 1 / k).mean(), np.abs(sizes - 1 / k).max()


@pytest.mark.filterwarnings("ignore:The least populated class")
@pytest.mark.parametrize("k", [3, 5, 10])
@pytest.mark.parametrize(("groups", "largest"), [(60, 4), (300, 4), (100, 40), (1000, 40)])
def test_folds_are_as_balanced_as_those_of_scikit_learn(k, groups, largest):
    rng = np.random.default_rng(groups + k)
    sizes = np.minimum(rng.geometric(2 / (largest / 2 + 1), size=groups), largest)
    group = np.repeat(np.arange(groups), sizes)
    label = rng.choice(12, size=groups, p=np.arange(1, 13) / 78)[group]
    ours = assign_splits(group, [label], [1 / k] * k, rng=np.random.default_rng(0))
    theirs = np.empty(len(group), np.int64)
    for fold, (_, held) in enumerate(StratifiedGroupKFold(k).split(group, label, group)):
        theirs[held] = fold
    our_labels, our_sizes = unevenness(ours, label, k)
    their_labels, their_sizes = unevenness(theirs, label, k)
    # With large groups one is traded for the other; sizes come first here.
    assert our_sizes <= their_sizes + 1e-9
    assert our_labels + our_sizes <= their_labels + their_sizes + 1e-9


def directions(*degrees):
    radians = np.deg2rad(np.array(degrees, dtype=np.float64))
    return np.stack([np.cos(radians), np.sin(radians)], axis=1).astype(np.float32)


def nearest_kept(X, split, threshold):
    """What is found where each duplicate is compared with its nearest kept row only."""
    similar = X @ X.T
    keep = np.ones(len(X), bool)
    for row in range(len(X)):
        if keep[row]:
            keep[row + 1 :] &= similar[row, row + 1 :] < threshold
    kept = np.flatnonzero(keep)
    pairs = [(row, kept[np.argmax(similar[row, kept])]) for row in np.flatnonzero(~keep)]
    return {(min(a, b), max(a, b)) for a, b in pairs if split[a] != split[b]}


def test_leaks_that_the_nearest_kept_row_hides_are_found():
    # Rows 0 and 3 are kept. 1 and 2 lie between them, nearest to one in their own split each, and
    # are near each other across the splits: that no pair with a kept row tells.
    X = directions(0, 8, 16, 24)
    split = np.array([0, 0, 1, 1])
    threshold = float(np.cos(np.deg2rad(10)))
    assert nearest_kept(X[[0, 3, 1, 2]], split[[0, 3, 1, 2]], threshold) == set()
    pairs = closest_across(X, split, threshold=threshold, rng=np.random.default_rng(0))
    assert pairs.over == 1
    assert (int(pairs.left[0]), int(pairs.right[0])) == (1, 2)
    # A split that keeps components whole has none to hide.
    near = np.argwhere(np.triu(threshold <= X @ X.T, 1))
    component = connected_components(4, near[:, 0], near[:, 1])
    assert component.tolist() == [0, 0, 0, 0]
