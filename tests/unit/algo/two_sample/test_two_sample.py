"""Two-sample tests: what they equal, their false alarms on rows and on blocks, their power."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from tamis.algo.two_sample import (
    ClassifierStatistic,
    EnergyStatistic,
    GapStatistic,
    MmdStatistic,
    NeighborStatistic,
    ShareStatistic,
    block_length,
    chi_squared_test,
    classifier_test,
    deals,
    energy_test,
    frechet_distance,
    frechet_distances,
    ks_test,
    mmd_test,
    neighbor_test,
    p_values,
    pool,
    population_stability,
    time_order_blocks,
    unit_counts,
)
from tamis.errors import UsageError

TESTS = {
    "mmd": mmd_test,
    "energy": energy_test,
    "classifier": classifier_test,
    "neighbors": neighbor_test,
}


def most_by_chance(runs, level=0.05, chance=1e-4):
    """Alarms that a test at `level` exceeds with this chance only."""
    return int(stats.binom.isf(chance, runs, level))


def sides(seed, n=40, m=25, dim=6, shift=0.0):
    rng = np.random.default_rng(seed)
    X, Y = rng.normal(size=(n, dim)), rng.normal(size=(m, dim))
    Y[:, 0] += shift
    return X, Y, rng


def test_energy_in_one_dimension_is_scipys():
    X, Y, rng = sides(0, dim=1, shift=0.7)
    pooled = pool(X, Y, rng=rng)
    found = EnergyStatistic(pooled)(pooled.unit_is_batch[None])[0]
    # SciPy's counts each row's distance to itself, so its means inside a side are smaller.
    n, m = len(X), len(Y)
    inside = [np.abs(side - side.T).sum() / (k * k * (k - 1)) for side, k in ((X, n), (Y, m))]
    expected = stats.energy_distance(X[:, 0], Y[:, 0]) ** 2 - sum(inside)
    assert found == pytest.approx(expected, rel=1e-5)


def test_mmd_is_the_mean_over_pairs_of_the_kernel():
    X, Y, rng = sides(1, shift=1.0)
    pooled = pool(X, Y, rng=rng)
    state = rng.bit_generator.state
    found = MmdStatistic(pooled, rng=rng)(pooled.unit_is_batch[None])[0]
    rng.bit_generator.state = state
    left, right = rng.integers(0, len(pooled.X), (2, 5000))
    distance = np.linalg.norm(pooled.X[left] - pooled.X[right], axis=1)
    median = np.median(distance[distance > 0])

    def kernel(x, y):
        return np.mean(
            [np.exp(-((x - y) ** 2).sum() / (2 * (b * median) ** 2)) for b in (0.5, 1, 2)]
        )

    inside = [
        np.mean([kernel(a, b) for i, a in enumerate(S) for j, b in enumerate(S) if i != j])
        for S in (X, Y)
    ]
    across = np.mean([kernel(a, b) for a in X for b in Y])
    assert found == pytest.approx(sum(inside) - 2 * across, abs=1e-6)


def test_random_features_come_near_the_kernel():
    X, Y, rng = sides(2, n=300, m=200, shift=1.0)
    pooled = pool(X, Y, rng=rng)
    seen = pooled.unit_is_batch[None]
    exact = MmdStatistic(pooled, exact=True, rng=np.random.default_rng(0))(seen)[0]
    near = MmdStatistic(pooled, exact=False, rng=np.random.default_rng(0))(seen)[0]
    assert near == pytest.approx(exact, rel=0.25)


def test_pairs_within_a_block_are_left_out():
    X, Y, rng = sides(3, n=12, m=8)
    blocks = (np.arange(12) // 3, np.arange(8) // 2)
    pooled = pool(X, Y, blocks=blocks, rng=rng)
    found = EnergyStatistic(pooled)(pooled.unit_is_batch[None])[0]
    gaps = []
    for S, own in ((X, blocks[0]), (Y, blocks[1])):
        apart = own[:, None] != own
        gaps.append(np.linalg.norm(S[:, None] - S, axis=2)[apart].mean())
    across = np.linalg.norm(X[:, None] - Y, axis=2).mean()
    assert found == pytest.approx(2 * across - sum(gaps), rel=1e-5)


def test_gaps_are_scipys():
    rng = np.random.default_rng(4)
    X, Y = rng.normal(size=(80, 1)), rng.normal(0.5, size=(60, 1))
    pooled = pool(X, Y, rng=rng)
    found = GapStatistic(pooled, pooled.X[:, 0].astype(np.float64))(pooled.unit_is_batch[None])[0]
    assert found == pytest.approx(stats.ks_2samp(X[:, 0], Y[:, 0]).statistic)


def test_unknown_values_are_seen_where_they_become_more():
    rng = np.random.default_rng(5)
    X, Y = rng.normal(size=(80, 1)), rng.normal(size=(80, 1))
    column = np.concatenate([X[:, 0], np.where(np.arange(80) < 40, np.nan, Y[:, 0])])
    pooled = pool(X, Y, rng=rng)
    assert ks_test(pooled, column[pooled.row][:, None], rng=rng).p_any < 0.01
    assert ks_test(pooled, np.empty((160, 0)), rng=rng).p_any == 1.0


def test_shares_are_scipys_chi_squared():
    X, Y, rng = sides(6, n=120, m=80)
    pooled = pool(X, Y, rng=rng)
    cluster = rng.integers(0, 5, 200)
    found = ShareStatistic(unit_counts(pooled, cluster))(pooled.unit_is_batch[None])[0]
    table = [np.bincount(cluster[pooled.batch == side], minlength=5) for side in (False, True)]
    assert found == pytest.approx(stats.chi2_contingency(table, correction=False).statistic)
    assert population_stability(*np.array(table)) > 0
    assert population_stability(*np.array([table[0], table[0]])) == 0


def test_p_of_shares_approaches_that_of_chi_squared():
    X, Y, rng = sides(7, n=300, m=200)
    pooled = pool(X, Y, rng=rng)
    cluster = (pooled.X[:, 0] > 0).astype(np.int64) + pooled.batch * (rng.random(500) < 0.1)
    table = [np.bincount(cluster[pooled.batch == side], minlength=3) for side in (False, True)]
    table = np.array([row[:2] for row in table])
    found = chi_squared_test(pooled, np.minimum(cluster, 1), permutations=1999, rng=rng)
    merged = np.array(
        [np.bincount(np.minimum(cluster, 1)[pooled.batch == s], minlength=2) for s in (False, True)]
    )
    expected = stats.chi2_contingency(merged, correction=False).pvalue
    assert found.p == pytest.approx(expected, abs=0.05)


def test_neighbours_are_those_of_a_loop():
    X, Y, rng = sides(8, n=15, m=12)
    pooled = pool(X, Y, blocks=(np.arange(15) // 2, None), rng=rng)
    found = NeighborStatistic(pooled, k=3, rng=rng)(pooled.unit_is_batch[None])[0]
    shares = {True: [], False: []}
    for i, row in enumerate(pooled.X):
        others = np.flatnonzero(pooled.unit != pooled.unit[i])
        near = others[np.argsort(np.linalg.norm(pooled.X[others] - row, axis=1))[:3]]
        shares[bool(pooled.batch[i])].append(np.mean(pooled.batch[near] == pooled.batch[i]))
    assert found == pytest.approx((np.mean(shares[True]) + np.mean(shares[False])) / 2)


def test_of_many_rows_random_ones_are_compared_and_the_shift_is_still_seen():
    X, Y, rng = sides(14, n=200, m=150, shift=3.0)
    pooled = pool(X, Y, rng=rng)
    found = NeighborStatistic(pooled, most=60, rng=rng)
    assert found._edges.sum() == 5 * 60
    assert found(pooled.unit_is_batch[None])[0] > 0.75


def test_the_classifier_is_ridge_regression_on_the_other_folds():
    X, Y, rng = sides(9, n=30, m=20, shift=1.0)
    pooled = pool(X, Y, rng=rng)
    statistic = ClassifierStatistic(pooled, rng=rng)
    fold = statistic._fold[pooled.unit]
    rows = pooled.X.astype(np.float64) - pooled.X.mean(axis=0, dtype=np.float64)
    side = np.where(pooled.batch, 1 / 20, -1 / 30)
    ridge = 0.1 * np.trace(rows.T @ rows) / rows.shape[1]
    outputs = np.empty(50)
    for number in range(5):
        fit = fold != number
        moments = rows[fit].T @ rows[fit] + ridge * np.eye(rows.shape[1])
        outputs[~fit] = rows[~fit] @ np.linalg.solve(moments, rows[fit].T @ side[fit])
    assert np.allclose(statistic.outputs(), outputs)
    apart = outputs[pooled.batch].mean() - outputs[~pooled.batch].mean()
    found = statistic(pooled.unit_is_batch[None])[0]
    assert found == pytest.approx(apart / outputs.std())
    above = (outputs[pooled.batch][:, None] > outputs[~pooled.batch]).mean()
    assert statistic.area_under_curve() == pytest.approx(above)


def test_frechet_of_gaussians_is_the_formula():
    rng = np.random.default_rng(10)
    X = rng.normal(size=(400, 3)) @ rng.normal(size=(3, 3))
    Y = rng.normal(1, size=(300, 3)) @ rng.normal(size=(3, 3))
    C, D = np.cov(X, rowvar=False), np.cov(Y, rowvar=False)
    root = np.sqrt(np.maximum(np.linalg.eigvals(C @ D).real, 0)).sum()
    expected = ((X.mean(0) - Y.mean(0)) ** 2).sum() + np.trace(C + D) - 2 * root
    assert frechet_distance(X, Y) == pytest.approx(expected)
    assert frechet_distance(X, X) == pytest.approx(0, abs=1e-9)
    cluster = np.arange(400) % 2
    found = frechet_distances(X, cluster, Y[:9], np.array([0] * 5 + [1] * 4))
    assert found == {0: pytest.approx(frechet_distance(X[::2], Y[:5]))}
    with pytest.raises(UsageError, match="at least two rows a side, not 1"):
        frechet_distance(X[:1], Y)


@pytest.mark.parametrize("name", TESTS)
def test_no_more_false_alarms_than_stated(name):
    runs = 120
    alarms = sum(
        TESTS[name](pool(X, Y, rng=rng), permutations=39, rng=rng).p <= 0.05
        for X, Y, rng in (sides(seed) for seed in range(runs))
    )
    assert alarms <= most_by_chance(runs)


def scenes(rng, n, frames, dim=6):
    rows = np.repeat(rng.normal(size=(n, dim)), frames, axis=0)
    return rows + 0.1 * rng.normal(size=rows.shape), np.repeat(np.arange(n), frames)


@pytest.mark.parametrize("name", TESTS)
def test_frames_of_one_scene_count_once(name):
    runs, alarms, naive = 60, 0, 0
    for seed in range(runs):
        rng = np.random.default_rng(seed)
        (X, x), (Y, y) = scenes(rng, 16, 5), scenes(rng, 10, 5)
        alarms += (
            TESTS[name](pool(X, Y, blocks=(x, y), rng=rng), permutations=39, rng=rng).p <= 0.05
        )
        if seed < 15:
            naive += TESTS[name](pool(X, Y, rng=rng), permutations=39, rng=rng).p <= 0.05
    assert alarms <= most_by_chance(runs)
    assert naive >= 8


def test_copies_of_a_few_rows_raise_no_more_alarms():
    runs, alarms = 120, 0
    for seed in range(runs):
        rng = np.random.default_rng(seed)
        rows = rng.normal(size=(3, 4))
        pooled = pool(rows[rng.integers(0, 3, 40)], rows[rng.integers(0, 3, 30)], rng=rng)
        alarms += neighbor_test(pooled, permutations=39, rng=rng).p <= 0.05
    assert alarms <= most_by_chance(runs)


@pytest.mark.parametrize("name", TESTS)
def test_a_shift_is_seen(name):
    found = [
        TESTS[name](pool(X, Y, rng=rng), permutations=39, rng=rng).p
        for X, Y, rng in (sides(seed, shift=2.5) for seed in range(20))
    ]
    assert np.mean(np.array(found) <= 0.05) >= 0.9
    assert min(found) == 1 / 40


def test_joined_units_are_made_of_as_many_blocks_on_both_sides():
    X, Y, rng = sides(11, n=1300, m=520)
    pooled = pool(X, Y, rng=rng)
    sizes = np.bincount(pooled.unit[pooled.unit >= 0])
    assert set(sizes.tolist()) == {2}
    assert pooled.units == (1300 + 520) // 2
    assert np.array_equal(pooled.unit_is_batch[pooled.unit], pooled.batch)
    assert classifier_test(pooled, permutations=9, rng=rng).units == (650, 260)


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10_000), name=st.sampled_from(sorted(TESTS)), blocks=st.booleans())
def test_order_of_rows_changes_no_bit_and_sides_may_change_places(seed, name, blocks):
    X, Y, rng = sides(seed, n=14, m=11, shift=1.0)
    x, y = (np.arange(14) // 2, np.arange(11) // 3) if blocks else (np.arange(14), np.arange(11))

    def result(X, x, Y, y):
        rng = np.random.default_rng(1)
        return TESTS[name](pool(X, Y, blocks=(x, y), rng=rng), permutations=29, rng=rng)

    first = result(X, x, Y, y)
    one, two = rng.permutation(14), rng.permutation(11)
    assert result(X[one], x[one], Y[two], y[two]) == first
    other = result(Y, y, X, x)
    assert other.p == first.p
    assert other.statistic == pytest.approx(first.statistic, abs=1e-9)


def test_p_counts_equal_deals():
    assert p_values(np.array([1.0, 1.0 + 1e-12, 0.5, 2.0])).tolist() == [0.75, 0.75, 1.0, 0.25]
    same = pool(np.ones((6, 2)), np.ones((5, 2)), rng=np.random.default_rng(0))
    for test in (mmd_test, energy_test, classifier_test):
        assert test(same, permutations=19, rng=np.random.default_rng(0)).p == 1.0


def test_blocks_follow_how_long_rows_stay_alike():
    rng = np.random.default_rng(12)
    assert block_length(rng.normal(size=(1000, 16))) == 1
    rows = np.empty((3000, 4))
    rows[0] = rng.normal(size=4)
    for t in range(1, 3000):
        rows[t] = 0.9 * rows[t - 1] + np.sqrt(1 - 0.81) * rng.normal(size=4)
    # the correlation time of this process is (1 + .9) / (1 - .9) = 19
    assert 60 <= block_length(rows) <= 130
    both = np.concatenate([rows[:1500], rows[1500:]])
    assert 50 <= block_length(both, np.repeat([0, 1], 1500)) <= 140
    assert block_length(np.ones((50, 3))) == 1
    assert block_length(np.cumsum(rng.normal(size=(500, 2)), axis=0)) == 50
    assert block_length(np.ones((1, 3))) == 1


def test_blocks_in_the_order_of_time_stay_within_a_source():
    blocks = time_order_blocks(10, 4, np.array([0] * 7 + [1] * 3))
    assert blocks.tolist() == [0, 0, 0, 0, 1, 1, 1, 2, 2, 2]


def test_wrong_use_is_refused():
    X, Y, rng = sides(13)
    with pytest.raises(UsageError, match="6 dimensions and the batch 5"):
        pool(X, Y[:, :5], rng=rng)
    with pytest.raises(UsageError, match="40 blocks and the batch 1:"):
        pool(X, Y[:1], rng=rng)
    with pytest.raises(UsageError, match="not finite"):
        pool(X, np.full((3, 6), np.nan), rng=rng)
    with pytest.raises(UsageError, match=r"not of shape \(6,\)"):
        pool(X, Y[0], rng=rng)
    with pytest.raises(UsageError, match="25 rows and 3 blocks"):
        pool(X, Y, blocks=(None, np.arange(3)), rng=rng)
    with pytest.raises(UsageError, match="2 covariates and the batch 1"):
        pool(X, Y, covariates=(np.ones((40, 2)), np.ones(25)), rng=rng)
    with pytest.raises(UsageError, match="at least 1, not 0"):
        deals(np.array([True, False]), 0, rng)
    with pytest.raises(UsageError, match="k must be at least 1, not 0"):
        NeighborStatistic(pool(X, Y, rng=rng), k=0, rng=rng)
    wide = pool(np.zeros((12_001, 1)), np.zeros((4, 1)), rng=rng)
    with pytest.raises(UsageError, match="12000 rows at most, not 12005"):
        EnergyStatistic(wide)
    with pytest.raises(UsageError, match="at least 1 row, not 0"):
        time_order_blocks(3, 0)
    with pytest.raises(UsageError, match="3 rows and 2 sources"):
        time_order_blocks(3, 1, np.zeros(2))
    with pytest.raises(UsageError, match="3 rows and 2 sources"):
        block_length(np.zeros((3, 2)), np.zeros(2))
