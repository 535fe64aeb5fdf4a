"""Replays of rounds, their draws and intervals."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import binomtest, ttest_1samp

from tamis.algo.active_learning import (
    COLD_START,
    WITH_PROBE,
    Draw,
    draw_parts,
    mean_of_seeds,
    replay,
    scheduled_strategy,
    share_right,
    strategy_name,
)
from tamis.errors import UsageError


def blobs(a_class=30, n_classes=4, spread=0.5, dim=10):
    rng = np.random.default_rng(3)
    labels = np.repeat(np.arange(n_classes), a_class)
    middle = rng.standard_normal((n_classes, dim))
    rows = (middle[labels] + spread * rng.standard_normal((labels.size, dim))).astype(np.float32)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True), np.array(list("abcd"))[labels]


def halves(n):
    return Draw(np.arange(0, n, 2), np.arange(1, n, 2))


def rng():
    return np.random.default_rng(0)


@pytest.mark.parametrize(("right", "rows"), [(0, 5), (3, 7), (50, 60), (9, 9)])
def test_the_interval_of_a_share_is_wilsons(right, rows):
    estimate = share_right(right, rows)
    exact = binomtest(right, rows).proportion_ci(0.95, method="wilson")
    assert estimate.value == right / rows
    assert estimate.low == pytest.approx(exact.low, abs=1e-9)
    assert estimate.high == pytest.approx(exact.high, abs=1e-9)
    assert (estimate.low == 0, estimate.high == 1) == (right == 0, right == rows)


def test_the_interval_of_seeds_is_students():
    values = np.array([0.3, 0.5, 0.45, 0.7])
    estimate = mean_of_seeds(values)
    exact = ttest_1samp(values, 0).confidence_interval(0.95)
    assert estimate.value == pytest.approx(values.mean())
    assert (estimate.low, estimate.high) == pytest.approx((exact.low, exact.high))
    one = mean_of_seeds(values[:1])
    assert one.low == one.value == one.high


def test_no_rows_and_no_seeds_are_refused():
    with pytest.raises(UsageError, match="0 of 0 rows"):
        share_right(0, 0)
    with pytest.raises(UsageError, match="at least one run"):
        mean_of_seeds(np.empty(0))


def test_the_schedule_asks_a_probe_once_labels_suffice():
    assert scheduled_strategy(np.array([], np.str_)) == COLD_START
    assert scheduled_strategy(np.array(["a"] * 50)) == COLD_START
    assert scheduled_strategy(np.array(["a", "b", "b"])) == COLD_START
    assert scheduled_strategy(np.array(["a", "b"] * 2)) == WITH_PROBE
    assert strategy_name("k-means") == "k-means"


def test_draws_never_part_a_group_and_never_share_one_with_the_test_rows():
    groups = np.array([0, 0, 1, 1, 2, 3, 4, 5, 5, 6])
    for seed in range(10):
        drawn = draw_parts(groups, np.arange(10), None, rng=np.random.default_rng(seed))
        assert not set(groups[drawn.pool]) & set(groups[drawn.test])
        assert sorted([*drawn.pool, *drawn.test]) == list(range(10))
        fixed = np.array([0, 9])
        drawn = draw_parts(groups, np.arange(1, 9), fixed, rng=np.random.default_rng(seed))
        assert drawn.test.tolist() == [0, 9]
        assert 1 not in drawn.pool  # of the group of row 0
        assert 0 < drawn.pool.size < 7
    with pytest.raises(UsageError, match="leave 0 to pick from"):
        draw_parts(np.zeros(4, np.int64), np.arange(4), np.array([3]), rng=rng())


@pytest.mark.parametrize(
    "strategy", ["random", "k-means", None, "margin", {"margin": 0.5, "random": 0.5}]
)
def test_a_replay_learns_and_repeats(strategy):
    X, labels = blobs()
    budgets = [4, 12, 30]
    a = replay(X, labels, halves(120), budgets, strategy=strategy, rng=rng())
    b = replay(X, labels, halves(120), budgets, strategy=strategy, rng=rng())
    assert a.accuracy.tolist() == b.accuracy.tolist()
    assert a.accuracy[-1] > 0.9
    assert a.balanced[-1] == pytest.approx(a.accuracy[-1])  # classes are of equal size here
    assert len(a.strategies) == 3


def test_what_asks_a_probe_starts_without_one():
    X, labels = blobs()
    run = replay(X, labels, halves(120), [3, 10, 40], strategy=None, rng=rng())
    assert run.strategies == (COLD_START, COLD_START, WITH_PROBE)
    run = replay(X, labels, halves(120), [4, 8], strategy="margin", rng=rng())
    assert run.strategies == (COLD_START, "margin")


def test_no_label_is_seen_before_its_row_is_picked_and_no_test_label_at_all():
    X, labels = blobs()
    draw = halves(120)
    seen = replay(X, labels, draw, [4], strategy="random", rng=rng())
    picked = np.random.default_rng(0)  # labels of all rows but four may be anything
    hidden = labels.copy()
    hidden[draw.test] = "a"
    other = replay(X, hidden, draw, [4], strategy="random", rng=rng())
    share_of_a = (hidden[draw.test] == "a").mean()
    assert share_of_a == 1
    assert other.accuracy[0] != seen.accuracy[0]
    # with the whole pool as budget the predictions on test rows do not depend on test labels
    renamed = labels.copy()
    renamed[draw.test] = picked.permutation(labels[draw.test])
    full = replay(X, renamed, draw, [60], strategy="random", rng=rng())
    assert full.accuracy[0] < 0.6


def test_labels_that_mean_nothing_teach_nothing():
    X, labels = blobs()
    shuffled = np.random.default_rng(5).permutation(labels)
    run = replay(X, shuffled, halves(120), [20, 60], strategy=None, rng=rng())
    assert run.accuracy.max() < 0.5


def test_balanced_accuracy_is_the_mean_over_the_classes():
    X, labels = blobs()
    draw = halves(120)
    # One class in the pool alone: right for its rows, wrong for all others.
    first = labels[draw.pool[0]]
    pool = draw.pool[labels[draw.pool] == first]
    test = np.concatenate([draw.test[labels[draw.test] == first], draw.test])
    run = replay(X, labels, replace(draw, pool=pool, test=test), [1], strategy="random", rng=rng())
    share = float((labels[test] == first).mean())
    assert run.accuracy[0] == pytest.approx(share)
    assert run.balanced[0] == pytest.approx(1 / np.unique(labels).size)
    assert share > run.balanced[0] + 0.05


def test_one_class_so_far_predicts_that_class():
    X, labels = blobs()
    run = replay(X, labels, halves(120), [1], strategy="random", rng=rng())
    assert run.accuracy.tolist() == run.balanced.tolist() == [0.25]


@pytest.mark.parametrize("budgets", [[], [0], [3, 2], [3, 3]])
def test_budgets_ascend(budgets):
    X, labels = blobs()
    with pytest.raises(UsageError, match="budgets must ascend"):
        replay(X, labels, halves(120), budgets, strategy="random", rng=rng())


def test_a_budget_over_the_pool_is_refused():
    X, labels = blobs()
    with pytest.raises(UsageError, match="more than the 60 pictures"):
        replay(X, labels, halves(120), [61], strategy="random", rng=rng())
