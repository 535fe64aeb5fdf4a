"""Answers worked out by hand, which no change of the code may alter."""

from __future__ import annotations

import numpy as np
import pytest

from tamis.algo.selection import select
from tamis.algo.splits import assign_splits
from tamis.algo.strategies.vectors.facility_location import facility_location
from tamis.algo.strategies.vectors.k_center import k_center


def directions(*degrees):
    radians = np.deg2rad(np.array(degrees, dtype=np.float64))
    return np.stack([np.cos(radians), np.sin(radians)], axis=1).astype(np.float32)


def cos(degrees):
    return np.cos(np.deg2rad(degrees))


def test_facility_location_on_directions():
    # The row at 20 represents the fan, and 90 a little, better than the one at 10 would. Then
    # 250 adds itself, and 90 what it lacked.
    X = directions(0, 10, 20, 90, 250)
    picks = facility_location(X, 3, rng=np.random.default_rng(0))
    assert picks.indices.tolist() == [2, 4, 3]
    gains = [1 + cos(10) + cos(20) + cos(70), 1, 1 - cos(70)]
    np.testing.assert_allclose(picks.gains, gains, atol=1e-6)


def test_k_center_on_directions():
    # From 0 the farthest is 180, then 100 (80 away, against 30), then 30.
    X = directions(0, 30, 100, 180)
    picks = k_center(X, 4, chosen=np.array([0]))
    assert picks.indices.tolist() == [3, 2, 1]
    np.testing.assert_allclose(picks.gains, [2, 1 - cos(80), 1 - cos(30)], atol=1e-6)


def test_selection_on_directions():
    # 40 lies in the middle of the fan; 200 is the farthest from it.
    X = directions(200, 20, 30, 40, 50, 60)
    picks = select(X, 2, diverse=0.5, rng=np.random.default_rng(0))
    assert picks.indices.tolist() == [3, 0]
    assert picks.represents.tolist() == [5, 1]
    assert picks.scores[0] == pytest.approx((1 + 2 * cos(10) + 2 * cos(20)) / 6, abs=1e-6)
    assert picks.scores[1] == pytest.approx(1 - cos(160), abs=1e-6)


def test_iterative_stratification_by_hand():
    # Label 1 is the rarest and goes first: its groups of 2, 1 and 1 rows. Wanted are 2 and 2 of
    # it: the group of 2 goes left, where wanted no more, the others right. Label 0 follows:
    # wanted are 3 and 3; the group of 3 goes left, which leaves room for 0 left and 3 right.
    groups = np.array([0, 0, 1, 2, 3, 3, 3, 4, 5, 6])
    label = np.array([1, 1, 1, 1, 0, 0, 0, 0, 0, 0])
    placed = assign_splits(groups, [label], [0.5, 0.5], rng=np.random.default_rng(0))
    assert placed.tolist() == [0, 0, 1, 1, 0, 0, 0, 1, 1, 1]
