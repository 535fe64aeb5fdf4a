"""MMD between splits: what it equals, its false alarms, its power, its memory."""

from __future__ import annotations

import numpy as np
import pytest

from tamis.algo.two_sample.split_mmd import discrepancies
from tamis.errors import UsageError


def unit(rows):
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def video(rng, scenes=40, frames=5, dim=16):
    """Scenes of nearly equal frames, and the scene of each."""
    rows = np.repeat(rng.standard_normal((scenes, dim)), frames, axis=0)
    rows += 0.2 * rng.standard_normal(rows.shape)
    return rows, np.repeat(np.arange(scenes), frames)


def alarms(shift, by_group, runs=60):
    count = 0
    for seed in range(runs):
        rng = np.random.default_rng(seed)
        rows, scene = video(rng)
        split = (rng.permutation(40) < 10).astype(np.int64)[scene]
        rows[split == 1, 0] += shift
        groups = scene if by_group else np.arange(len(scene))
        count += discrepancies(unit(rows), split, groups, permutations=99, rng=rng)[1].p <= 0.05
    return count / runs


def test_splits_of_one_distribution_raise_few_alarms_though_frames_are_alike():
    # 5 % are nominal; up to 8 of 60 happen with a chance of 99 %.
    assert alarms(0, by_group=True) * 60 <= 8


def test_frames_taken_for_independent_would_fake_significance():
    assert alarms(0, by_group=False, runs=20) > 0.8


def test_p_counts_the_split_itself():
    """(1 + #) / (B + 1): it is never 0, and 1 where all random splits are as far apart."""
    rng = np.random.default_rng(0)
    rows = rng.standard_normal((60, 8))
    split = (np.arange(60) < 20).astype(np.int64)
    rows[split == 1, 0] += 9
    found = discrepancies(unit(rows), split, np.arange(60), permutations=19, rng=rng)[1]
    assert found.p == 1 / 20
    same = unit(np.ones((60, 8)))
    assert discrepancies(same, split, np.arange(60), permutations=19, rng=rng)[1].p == 1


def test_a_shifted_split_is_seen():
    assert alarms(2.5, by_group=True, runs=40) >= 0.9


def test_the_estimate_is_that_of_the_kernel_without_pairs_of_one_group():
    rng = np.random.default_rng(0)
    rows, scene = video(rng, scenes=30, frames=4)
    split = (scene < 10).astype(np.int64)
    rows[split == 1, 0] += 2
    X = unit(rows)
    found = discrepancies(X, split, scene, permutations=9, rng=rng)[1]
    distance = np.sqrt(np.maximum(((X[:, None] - X) ** 2).sum(axis=2), 0))
    median = np.median(distance[distance > 1e-6])
    kernel = np.mean([np.exp(-(distance**2) / (2 * (b * median) ** 2)) for b in (0.5, 1, 2)], 0)
    apart = scene[:, None] != scene

    def mean(a, b):
        pairs = np.ix_(split == a, split == b)
        return kernel[pairs][apart[pairs]].mean()

    exact = mean(1, 1) + mean(0, 0) - 2 * mean(0, 1)
    assert exact > 0.05
    assert found.mmd2 == pytest.approx(exact, abs=0.02)


def test_both_sides_of_two_splits_say_the_same_and_the_seed_repeats():
    rows, scene = video(np.random.default_rng(3))
    split = scene % 2
    first, second = discrepancies(unit(rows), split, scene, rng=np.random.default_rng(1))
    assert (first.mmd2, first.p) == pytest.approx((second.mmd2, second.p))
    again = discrepancies(unit(rows), split, scene, rng=np.random.default_rng(1))
    assert again == [first, second]


def test_of_many_rows_whole_groups_are_drawn():
    rows, scene = video(np.random.default_rng(4), scenes=200)
    found = discrepancies(unit(rows), scene % 2, scene, most=100, rng=np.random.default_rng(0))
    assert all(one is not None and one.p > 0.01 for one in found)


def test_what_cannot_be_told_is_none():
    rows, scene = video(np.random.default_rng(5), scenes=6)
    split = np.where(scene == 0, 2, scene % 2)
    found = discrepancies(unit(rows), split, scene, permutations=9, rng=np.random.default_rng(0))
    assert [one is None for one in found] == [False, False, True]
    nothing = np.empty(0, np.int64)
    assert discrepancies(np.empty((0, 4), np.float32), nothing, nothing, rng=None) == []


def test_wrong_use_is_refused():
    X, rng = unit(np.ones((4, 2))), np.random.default_rng(0)
    with pytest.raises(UsageError, match="4 vectors, 3 splits and 4 groups"):
        discrepancies(X, np.zeros(3, int), np.arange(4), rng=rng)
    with pytest.raises(UsageError, match="at least 1, not 0"):
        discrepancies(X, np.zeros(4, int), np.arange(4), permutations=0, rng=rng)
