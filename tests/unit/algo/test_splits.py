"""Placing whole groups: targets, balance, sizes, refusals."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.sparse import csr_array

from tamis.algo.splits import assign_splits, split_targets
from tamis.algo.splits.balance import split_balance
from tamis.errors import UsageError


def rng(seed=0):
    return np.random.default_rng(seed)


@pytest.mark.parametrize(
    ("n", "fractions", "targets"),
    [
        (10, [0.8, 0.1, 0.1], [8, 1, 1]),
        (7, [0.8, 0.1, 0.1], [5, 1, 1]),
        (3, [1 / 3, 1 / 3, 1 / 3], [1, 1, 1]),
        (101, [0.5, 0.5, 0], [51, 50, 0]),
        (0, [1.0], [0]),
    ],
)
def test_targets_are_whole_and_sum_up(n, fractions, targets):
    assert split_targets(n, fractions).tolist() == targets


@pytest.mark.parametrize(
    ("fractions", "sentence"),
    [
        ([0.8, 0.1], "0.8, 0.1 sum to 0.9"),
        ([1.2, -0.2], "between 0 and 1, not 1.2, -0.2"),
        ([float("nan"), 1], "between 0 and 1, not nan, 1"),
        ([], "between 0 and 1"),
    ],
)
def test_wrong_fractions_are_refused(fractions, sentence):
    with pytest.raises(UsageError, match=sentence):
        split_targets(10, fractions)


def test_single_rows_meet_the_targets_and_every_label_gets_its_share():
    labels = np.repeat([0, 1, 2, 3], [700, 200, 80, 20])
    clusters = rng().integers(10, size=1000)
    placed = assign_splits(np.arange(1000), [labels, clusters], [0.8, 0.1, 0.1], rng=rng())
    assert np.bincount(placed).tolist() == [800, 100, 100]
    for label, size in enumerate([700, 200, 80, 20]):
        held = np.bincount(placed[labels == label], minlength=3)
        assert np.abs(held - size * np.array([0.8, 0.1, 0.1])).max() <= 2
    for cluster in range(10):
        inside = placed[clusters == cluster]
        assert np.abs(np.bincount(inside, minlength=3) / len(inside) - [0.8, 0.1, 0.1]).max() < 0.06


def test_balance_is_far_better_than_by_chance():
    labels = np.minimum(rng(1).geometric(0.2, size=2000), 30)
    groups = rng(2).integers(600, size=2000)
    fractions = [0.7, 0.15, 0.15]

    def gap(placed):
        return sum(split_balance(placed == s, labels, labels).label_gap for s in range(3))

    placed = assign_splits(groups, [labels], fractions, rng=rng())
    of_group = rng(3).choice(3, size=600, p=fractions)
    assert gap(placed) < 0.35 * gap(of_group[groups])


def test_large_groups_are_placed_whole_and_sizes_evened_out_with_small_ones():
    sizes = [90, 60, 40, 30, *[1] * 80]
    groups = np.repeat(np.arange(len(sizes)), sizes)
    placed = assign_splits(groups, [groups % 2], [0.6, 0.2, 0.2], rng=rng())
    assert np.bincount(placed).tolist() == [180, 60, 60]
    assert all(len(set(placed[groups == group])) == 1 for group in range(len(sizes)))


def test_rows_without_any_category_are_placed_too():
    placed = assign_splits(np.arange(50), [], [0.5, 0.5], rng=rng())
    assert np.bincount(placed).tolist() == [25, 25]
    nothing = np.full(50, -1)
    placed = assign_splits(np.arange(50), [nothing], [0.5, 0.5], rng=rng())
    assert np.bincount(placed).tolist() == [25, 25]


def test_a_split_of_no_share_stays_empty_and_every_other_gets_a_group():
    placed = assign_splits(np.arange(3), [], [0.98, 0.02, 0.0], rng=rng())
    assert np.bincount(placed, minlength=3).tolist() == [2, 1, 0]
    groups = np.repeat(np.arange(5), 2)
    assert set(assign_splits(groups, [], [0.8, 0.1, 0.1], rng=rng()).tolist()) == {0, 1, 2}


def test_the_seed_decides_between_equal_groups():
    def placed(seed):
        return assign_splits(np.arange(100), [], [0.5, 0.5], rng=rng(seed)).tolist()

    assert placed(1) == placed(1) != placed(2)


def test_too_few_groups_and_ragged_categories_are_refused():
    with pytest.raises(UsageError, match=r"10 pictures in 2 groups .* too few for 3 splits"):
        assign_splits(np.arange(10) % 2, [], [0.8, 0.1, 0.1], rng=rng())
    with pytest.raises(UsageError, match="one entry for each row"):
        assign_splits(np.arange(10), [np.zeros(9, int)], [0.5, 0.5], rng=rng())
    assert assign_splits(np.empty(0, int), [], [0.5, 0.5], rng=rng()).size == 0


def test_balance_of_a_worked_example():
    # Of six labelled rows 3, 2 and 1; of the three inside 2, 1 and 0: off by 1/6, 0 and 1/6.
    labels, clusters = np.array([0, 0, 1, 0, 1, 2, -1]), np.array([0, 0, 0, 1, 1, 1, 1])
    balance = split_balance(np.arange(7) < 3, labels, clusters)
    assert (balance.labels, balance.labels_in_all) == (2, 3)
    assert balance.label_gap == pytest.approx(1 / 6)
    assert (balance.clusters, balance.clusters_in_all) == (1, 2)
    assert balance.cluster_gap == pytest.approx(4 / 7)


def test_balance_of_a_split_without_labels():
    balance = split_balance(np.array([True, False]), np.array([-1, 4]), np.array([0, 0]))
    assert (balance.labels, balance.labels_in_all, balance.label_gap) == (0, 1, 0.0)
    assert (balance.clusters, balance.clusters_in_all, balance.cluster_gap) == (1, 1, 0.0)


def test_labels_of_several_a_picture_are_spread_each_by_itself():
    # 1,000 rows with up to 8 labels, rare and frequent, some of which go together.
    draw = rng(5).random((1000, 8))
    member = draw < np.array([0.5, 0.3, 0.2, 0.1, 0.05, 0.03, 0.02, 0.01])
    member[:, 7] |= member[:, 6] & (draw[:, 7] < 0.5)
    labels = csr_array(member.astype(np.int64))
    placed = assign_splits(np.arange(1000), [labels], [0.8, 0.1, 0.1], rng=rng())
    assert np.bincount(placed).tolist() == [800, 100, 100]
    for label in range(8):
        held = np.bincount(placed[member[:, label]], minlength=3)
        wanted = member[:, label].sum() * np.array([0.8, 0.1, 0.1])
        assert np.abs(held - wanted).max() <= 3
        assert held.min() >= 1
    balance = split_balance(placed == 2, labels, np.zeros(1000, int))
    assert (balance.labels, balance.labels_in_all) == (8, 8)
    assert balance.label_gap < 0.06  # of 68 rows with a label, 3 are .044


def test_a_label_in_as_many_groups_as_splits_reaches_each():
    # Three groups hold the rare label; by its share all of them belong to the first split.
    groups = np.repeat(np.arange(100), 3)
    rare = np.isin(groups, [4, 50, 90]).astype(np.int64)
    for seed in range(5):
        placed = assign_splits(groups, [rare], [0.8, 0.1, 0.1], rng=rng(seed))
        assert set(placed[rare == 1].tolist()) == {0, 1, 2}
        assert np.bincount(placed).tolist() == [240, 30, 30]


def test_sizes_are_met_where_an_exchange_of_two_groups_meets_them():
    sizes = [50, 31, 29, 30, 20, 20, 20]
    groups = np.repeat(np.arange(len(sizes)), sizes)
    placed = assign_splits(groups, [], [0.5, 0.5], rng=rng())
    assert np.bincount(placed).tolist() == [100, 100]


def test_no_exchange_of_two_groups_of_a_size_spreads_labels_better():
    size, count, k = 5, 36, 3
    groups = np.repeat(np.arange(count), size)
    labels = rng(7).choice(6, p=[0.3, 0.25, 0.2, 0.1, 0.1, 0.05], size=count * size)
    placed = assign_splits(groups, [labels], [1 / k] * k, rng=rng())[::size]
    held = np.zeros((count, 6))
    np.add.at(held, (groups, labels), 1)

    def unevenness(placed):
        inside = np.stack([held[placed == s].sum(axis=0) for s in range(k)])
        return (((inside - held.sum(axis=0) / k) ** 2) / held.sum(axis=0)).sum()

    best = unevenness(placed)
    for g in range(count):
        for h in range(g):
            changed = placed.copy()
            changed[[g, h]] = placed[[h, g]]
            assert unevenness(changed) >= best - 1e-6
