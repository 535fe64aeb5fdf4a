"""Whether a batch drifted, what changed, what it costs, and what a stored reference keeps."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from tamis.algo.drift import (
    Covariate,
    DriftReference,
    accuracy_change,
    changed_clusters,
    class_shares,
    decide_drift,
    drifted_rows,
    fit_reference,
    shift_kind,
)
from tamis.algo.two_sample import pool
from tamis.errors import UsageError

FIGURES = [Covariate("brightness"), Covariate("sharpness"), Covariate("camera", is_category=True)]


def figures(rng, n):
    light = rng.random(n)
    return np.column_stack([light, light + rng.normal(size=n), rng.integers(0, 3, n)])


def most_by_chance(runs, level=0.05):
    return int(stats.binom.isf(1e-4, runs, level))


def decided(rng, X, Y, a=None, b=None, **options):
    both = None if a is None else (a, b)
    names = [] if a is None else FIGURES
    return decide_drift(
        pool(X, Y, covariates=both, rng=rng), names, permutations=99, rng=rng, **options
    )


def test_the_one_decision_raises_no_more_false_alarms_than_stated():
    runs, alarms = 120, 0
    for seed in range(runs):
        rng = np.random.default_rng(seed)
        X, Y = rng.normal(size=(60, 5)), rng.normal(size=(40, 5))
        alarms += decided(rng, X, Y, figures(rng, 60), figures(rng, 40)).drift
    assert alarms <= most_by_chance(runs)


def test_what_drifted_is_told_apart():
    vectors, light, camera = [], [], []
    for seed in range(12):
        rng = np.random.default_rng(seed)
        X, Y = rng.normal(size=(80, 5)), rng.normal(size=(60, 5))
        a, b = figures(rng, 80), figures(rng, 60)
        vectors.append(decided(rng, X, Y + np.array([2, 0, 0, 0, 0]), a, b))
        light.append(decided(rng, X, Y, a, b + np.array([0.6, 0, 0])))
        camera.append(decided(rng, X, Y, a, np.where([False, False, True], 7, b)))
    for found in vectors:
        assert found.drift
        assert found.p_vectors == 0.01
        assert found.area_under_curve > 0.8
    assert np.mean([one.p_covariates > 0.05 for one in vectors]) > 0.7
    assert np.mean([one.p_vectors > 0.05 for one in light + camera]) > 0.7
    for place, found in ((0, light), (2, camera)):
        for one in found:
            assert one.drift
            assert one.p == one.p_covariates == 0.01
            assert one.covariates[place].adjusted <= 0.05
    assert np.mean([one.covariates[1].adjusted > 0.05 for one in camera]) > 0.7
    assert camera[0].covariates[2].batch == 7
    assert light[0].covariates[0].batch > light[0].covariates[0].reference


def test_half_of_the_level_is_the_vectors_however_many_covariates_there_are():
    """With 40 idle covariates a clear drift of the vectors keeps its p-value."""
    rng = np.random.default_rng(0)
    X, Y = rng.normal(size=(80, 5)), rng.normal(1.5, size=(60, 5))
    a, b = rng.normal(size=(80, 40)), rng.normal(size=(60, 40))
    pooled = pool(X, Y, covariates=(a, b), rng=rng)
    found = decide_drift(pooled, [Covariate(f"c{n}") for n in range(40)], permutations=99, rng=rng)
    assert found.p_vectors == 0.01
    assert found.p == 0.01


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_the_order_of_rows_changes_no_bit(seed):
    rng = np.random.default_rng(seed)
    X, Y = rng.normal(size=(20, 3)), rng.normal(0.5, size=(15, 3))
    a, b = figures(rng, 20), figures(rng, 15)
    one, two = rng.permutation(20), rng.permutation(15)

    def found(X, a, Y, b):
        rng = np.random.default_rng(1)
        pooled = pool(X, Y, covariates=(a, b), rng=rng)
        return (
            decide_drift(pooled, FIGURES, permutations=29, rng=rng),
            changed_clusters(pooled, 3, permutations=29, rng=rng).clusters,
            drifted_rows(pooled, 3, rng=rng).threshold,
        )

    assert found(X, a, Y, b) == found(X[one], a[one], Y[two], b[two])


def test_decisions_of_nothing_are_refused():
    rng = np.random.default_rng(0)
    pooled = pool(rng.normal(size=(9, 2)), rng.normal(size=(9, 2)), rng=rng)
    with pytest.raises(UsageError, match="0 columns and 1 covariates"):
        decide_drift(pooled, [Covariate("hour")], rng=rng)
    with pytest.raises(UsageError, match="between 0 and 1, not at 1"):
        decide_drift(pooled, level=1, rng=rng)
    with pytest.raises(UsageError, match=r"with 9 permutations no p-value can reach 0\.05"):
        decide_drift(pooled, permutations=9, rng=rng)


def kinds(rng, counts, dim=6):
    rows = np.repeat(np.eye(dim)[: len(counts)], counts, axis=0)
    return rows + 0.1 * rng.normal(size=rows.shape)


def test_clusters_that_grew_shrank_are_new_or_gone():
    rng = np.random.default_rng(1)
    X, Y = kinds(rng, [60, 60, 60, 60, 0]), kinds(rng, [60, 120, 20, 0, 60])
    pooled = pool(X, Y, rng=rng)
    found = changed_clusters(pooled, 5, rng=rng)
    by_kind = {int(np.argmax(pooled.X[one.medoid])): one for one in found.clusters}
    assert [by_kind[k].change for k in range(5)] == ["same", "grew", "shrank", "gone", "new"]
    assert by_kind[1].reference == 60
    assert by_kind[1].batch == 120
    assert all(pooled.batch[by_kind[k].medoid] for k in (0, 1, 2, 4))
    assert found.clusters[-1].change == "same"
    assert np.array_equal(np.sort(np.unique(found.cluster)), np.arange(5))


def test_clusters_are_rarely_said_to_change_where_nothing_did():
    runs, alarms = 100, 0
    for seed in range(runs):
        rng = np.random.default_rng(seed)
        pooled = pool(rng.normal(size=(80, 4)), rng.normal(size=(50, 4)), rng=rng)
        found = changed_clusters(pooled, permutations=99, rng=rng)
        alarms += any(one.change != "same" for one in found.clusters)
    assert alarms <= most_by_chance(runs)


def test_rows_that_show_a_drift_are_the_new_ones():
    rng = np.random.default_rng(2)
    X, Y = kinds(rng, [80, 80, 40]), kinds(rng, [80, 80, 0, 24, 24])
    pooled = pool(X, Y, rng=rng)
    found = drifted_rows(pooled, 8, rng=rng)
    new = pooled.row[found.shown] - 200
    assert new.min() >= 160
    picks = pooled.row[found.picks] - 200
    assert {(row - 160) // 24 for row in picks[:2]} == {0, 1}
    assert (pooled.row[found.missing] >= 160).all()
    assert (pooled.row[found.missing] < 200).all()
    assert found.threshold < found.witness[found.shown].min()
    assert len(np.unique(found.picks)) == 8


def test_the_witness_leaves_a_rows_own_block_out():
    rng = np.random.default_rng(3)
    X, Y = rng.normal(size=(12, 3)), rng.normal(size=(8, 3))
    blocks = (np.arange(12) // 3, np.arange(8) // 2)
    pooled = pool(X, Y, blocks=blocks, rng=rng)
    rng = np.random.default_rng(4)
    found = drifted_rows(pooled, 2, rng=np.random.default_rng(4)).witness
    pairs = rng.integers(0, 20, (2, 5000))
    distance = np.linalg.norm(pooled.X[pairs[0]] - pooled.X[pairs[1]], axis=1)
    median = np.median(distance[distance > 0])
    squared = ((pooled.X[:, None] - pooled.X) ** 2).sum(axis=2)
    kernel = np.mean([np.exp(-squared / (2 * (b * median) ** 2)) for b in (0.5, 1, 2)], axis=0)
    for row in range(20):
        apart = pooled.block != pooled.block[row]
        here = kernel[row, apart & pooled.batch].mean() - kernel[row, apart & ~pooled.batch].mean()
        assert found[row] == pytest.approx(here, abs=0.2)


def test_a_reference_is_small_whatever_it_is_fitted_on():
    rng = np.random.default_rng(5)
    for n, dim in ((3000, 16), (200, 2000), (1500, 500)):
        X = rng.normal(size=(n, dim)).astype(np.float32)
        reference = fit_reference(
            X,
            covariates=rng.random((n, 5)),
            probabilities=rng.random((n, 10)),
            classes=rng.integers(0, 10, n),
            most_bytes=100_000,
            rng=rng,
        )
        assert 90_000 * min(1, n / 250) < reference.nbytes <= 100_000
        assert reference.codes.shape[1] == min(384, dim)
        assert reference.fitted_rows == n


def test_a_reference_keeps_whole_blocks_and_what_belongs_to_them():
    rng = np.random.default_rng(6)
    X, light = rng.normal(size=(600, 20)), rng.random(600)
    block = np.arange(600) // 6
    reference = fit_reference(X, blocks=block, covariates=light, most_bytes=10_000, rng=rng)
    rows = reference.rows
    kept = np.unique(block[rows])
    assert 20 < kept.size < 100
    assert np.array_equal(np.sort(rows), np.flatnonzero(np.isin(block, kept)))
    pairs = np.unique(np.stack([block[rows], reference.blocks]), axis=1)
    assert pairs.shape[1] == kept.size
    assert np.allclose(reference.covariates[:, 0], light[rows])
    assert np.abs(reference.vectors() - X[rows]).max() < np.abs(X).max() / 127
    assert np.array_equal(reference.seen_as(X[rows]), reference.vectors())


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10_000), dim=st.sampled_from([3, 400]), n=st.integers(4, 40))
def test_references_do_not_depend_on_the_order_of_rows_and_come_back_from_arrays(seed, dim, n):
    rng = np.random.default_rng(seed)
    X, order = rng.normal(size=(n, dim)), rng.permutation(n)
    block = np.arange(n) // 2

    def fitted(X, block):
        return fit_reference(X, blocks=block, most_bytes=6000, rng=np.random.default_rng(1))

    one, two = fitted(X, block), fitted(X[order], block[order])
    assert np.array_equal(one.codes, two.codes)
    assert np.array_equal(one.blocks, two.blocks)
    assert np.array_equal(one.rows, order[two.rows])
    back = DriftReference.from_arrays(one.arrays())
    assert np.array_equal(back.seen_as(X), one.seen_as(X))
    assert back.arrays().keys() == one.arrays().keys()
    assert all(np.array_equal(back.arrays()[name], array) for name, array in one.arrays().items())


def test_storage_is_no_drift():
    """What rounding and projection take is taken from both sides."""
    runs, alarms = 40, 0
    for seed in range(runs):
        rng = np.random.default_rng(seed)
        X = rng.normal(size=(70, 390)) * np.linspace(0.01, 1, 390)
        light = rng.random(70)
        reference = fit_reference(X[:40], covariates=light[:40], rng=rng)
        pooled = reference.pooled_with(X[40:], covariates=light[40:], rng=rng)
        found = decide_drift(pooled, FIGURES[:1], permutations=39, rng=rng)
        alarms += found.drift
    assert alarms <= most_by_chance(runs)


def test_damaged_references_are_refused():
    rng = np.random.default_rng(7)
    reference = fit_reference(rng.normal(size=(9, 3)), rng=rng)
    arrays = reference.arrays()
    with pytest.raises(UsageError, match="lacks its array 'scales'"):
        DriftReference.from_arrays({k: v for k, v in arrays.items() if k != "scales"})
    with pytest.raises(UsageError, match="'blocks' of a drift reference is int64"):
        DriftReference.from_arrays(arrays | {"blocks": np.zeros(9, np.int64)})
    with pytest.raises(UsageError, match="fit its 9 rows"):
        DriftReference.from_arrays(arrays | {"scales": arrays["scales"][:5]})
    with pytest.raises(UsageError, match="3 dimensions"):
        reference.seen_as(np.ones((2, 4)))
    with pytest.raises(UsageError, match="9 rows and 2 classes"):
        fit_reference(rng.normal(size=(9, 3)), classes=np.zeros(2), rng=rng)
    with pytest.raises(UsageError, match="finite numbers"):
        fit_reference(np.full((9, 3), np.inf), rng=rng)
    with pytest.raises(UsageError, match="under two blocks"):
        fit_reference(rng.normal(size=(9, 3)), most_bytes=10, rng=rng)


def test_the_interval_of_the_change_of_accuracy_holds_the_truth():
    runs, missed = 150, 0
    for seed in range(runs):
        rng = np.random.default_rng(seed)
        found = accuracy_change(rng.beta(8, 2, 100), rng.beta(5, 2, 80))
        missed += not found.low <= 5 / 7 - 0.8 <= found.high
    assert missed <= most_by_chance(runs, 0.06)
    assert len(found.assumptions) == 3


def test_accuracy_counts_blocks_once_and_what_was_right():
    rng = np.random.default_rng(8)
    one, two = rng.random(50), rng.random(50)
    right = one > 0.3
    plain = accuracy_change(one, two, right=right)
    assert plain.reference == right.mean()
    assert plain.batch == pytest.approx(right.mean() + two.mean() - one.mean())
    five = (np.repeat(one, 5), np.repeat(two, 5))
    block = np.repeat(np.arange(50), 5)
    again = accuracy_change(*five, blocks=(block, block))
    assert (again.low, again.high) == pytest.approx((plain.low, plain.high))
    assert accuracy_change(*five).high - accuracy_change(*five).low < 0.5 * (again.high - again.low)
    with pytest.raises(UsageError, match=r"not at 1\.2"):
        accuracy_change(np.array([1.2, 0.5]), two)
    with pytest.raises(UsageError, match="two blocks a side, not 1"):
        accuracy_change(one, two[:1])
    with pytest.raises(UsageError, match="50 probabilities and 2 rights"):
        accuracy_change(one, two, right=right[:2])
    with pytest.raises(UsageError, match="50 probabilities and 3 blocks"):
        accuracy_change(one, two, blocks=(np.arange(3), None))


def classified(rng, classes, k=3):
    """Calibrated probabilities of rows whose classes are equally frequent where fitted."""
    means = 2.0 * np.eye(k)
    X = means[classes] + rng.normal(size=(len(classes), k))
    logits = X @ means.T
    p = np.exp(logits - logits.max(axis=1, keepdims=True))
    return X, p / p.sum(axis=1, keepdims=True)


def test_shares_of_classes_are_found_without_labels():
    rng = np.random.default_rng(9)
    y, z = rng.integers(0, 3, 900), rng.choice(3, 600, p=[0.7, 0.2, 0.1])
    (_, p), (_, q) = classified(rng, y), classified(rng, z)
    found = class_shares(p, y, q)
    truth = np.bincount(z) / 600
    assert found.batch == pytest.approx(truth, abs=0.05)
    assert found.confusion == pytest.approx(truth, abs=0.08)
    assert ((found.low <= truth) & (truth <= found.high)).all()
    assert found.batch.sum() == pytest.approx(1)
    assert found.batch == pytest.approx(found.likeliest, abs=0.03)
    # the likelihood is highest at the likeliest
    prior = np.bincount(y) / 900

    def likelihood(shares):
        return np.log(q @ (shares / prior)).sum()

    for other in rng.dirichlet(30 * found.likeliest + 0.1, 50):
        assert likelihood(other) <= likelihood(found.likeliest) + 1e-6


def test_shares_hold_where_the_classes_of_the_reference_are_uneven():
    rng = np.random.default_rng(10)
    y, z = rng.choice(3, 900, p=[0.7, 0.2, 0.1]), rng.integers(0, 3, 600)
    (_, p), (_, q) = classified(rng, y), classified(rng, z)
    found = class_shares(p, y, q)
    prior, truth = np.bincount(y) / 900, np.bincount(z) / 600
    np.testing.assert_allclose(found.reference, prior)
    assert found.batch == pytest.approx(truth, abs=0.06)
    assert found.confusion == pytest.approx(truth, abs=0.08)
    for other in rng.dirichlet(30 * found.likeliest + 0.1, 50):
        assert np.log(q @ (other / prior)).sum() <= np.log(q @ (found.likeliest / prior)).sum()


def shares_missed(rng, *, frames=1, temperature=1.0):
    """Which of the intervals of three classes' shares miss the truth."""
    truth = np.array([0.75, 0.2, 0.05])
    y = np.repeat(rng.integers(0, 3, 240 // frames), frames)
    z = np.repeat(rng.choice(3, 120, p=truth), frames)
    sides = []
    for classes in (y, z):
        X = 2.0 * np.eye(3)[classes]
        X += np.repeat(rng.normal(size=(len(classes) // frames, 3)), frames, axis=0)
        logits = 2.0 * X / temperature
        p = np.exp(logits - logits.max(axis=1, keepdims=True))
        sides.append(p / p.sum(axis=1, keepdims=True))
    blocks = (np.arange(len(y)) // frames, np.arange(len(z)) // frames)
    found = class_shares(sides[0], y, sides[1], blocks=blocks)
    return ~((found.low <= truth) & (truth <= found.high))


@pytest.mark.parametrize("setting", [{}, {"frames": 4}, {"temperature": 0.4}])
def test_intervals_of_shares_miss_the_truth_as_often_as_they_say(setting):
    # frames of a scene are one draw; a probe may be too sure of itself, or not sure enough
    missed = [shares_missed(np.random.default_rng([12, run]), **setting) for run in range(200)]
    assert np.sum(missed) <= stats.binom.ppf(0.9999, 600, 0.05)
    assert np.sum(missed) >= stats.binom.ppf(0.0001, 600, 0.05)


def test_a_share_of_classes_that_look_the_same_is_anything():
    p = np.full((40, 2), 0.5)
    found = class_shares(p, np.repeat([0, 1], 20), p)
    assert (found.low == 0).all()
    assert (found.high == 1).all()


def test_intervals_of_shares_go_by_blocks_where_a_batch_is_of_one_class():
    p = np.array([[1.0, 0.0], [0.0, 1.0]])[np.repeat([0, 1], 50)]
    batch = np.tile([1.0, 0.0], (200, 1))
    rows = class_shares(p, np.repeat([0, 1], 50), batch)
    scenes = class_shares(p, np.repeat([0, 1], 50), batch, blocks=(None, np.arange(200) // 20))
    assert 0.97 < rows.low[0] < 1 == rows.high[0]
    assert 0.6 < scenes.low[0] < 0.75


def test_kinds_of_shift_are_told_apart():
    said = {"none": [], "label": [], "covariate": []}
    for seed in range(6):
        for kind, kept in said.items():
            rng = np.random.default_rng(seed)
            y = rng.integers(0, 3, 400)
            z = rng.choice(3, 300, p=[0.7, 0.2, 0.1] if kind == "label" else [1 / 3] * 3)
            (X, p), (Y, q) = classified(rng, y), classified(rng, z)
            if kind == "covariate":
                Y = np.column_stack([Y, rng.normal(2, size=300)])
                X = np.column_stack([X, rng.normal(size=400)])
            shares = class_shares(p, y, q).batch
            kept.append(
                shift_kind(
                    X,
                    y,
                    p.argmax(axis=1),
                    Y,
                    q.argmax(axis=1),
                    shares=shares,
                    permutations=99,
                    rng=rng,
                ).kind
            )
    for kind, found in said.items():
        assert found.count(kind) >= 4, (kind, found)


def test_shares_of_nothing_are_refused():
    rng = np.random.default_rng(10)
    p = np.full((4, 2), 0.5)
    with pytest.raises(UsageError, match=r"each of 2 classes .* \[4, 0\]"):
        class_shares(p, np.zeros(4, int), p)
    with pytest.raises(UsageError, match="3 classes do not"):
        class_shares(p, np.zeros(3, int), p)
    with pytest.raises(UsageError, match="batch has 0 independent"):
        class_shares(p, np.array([0, 1, 0, 1]), p[:0])
    with pytest.raises(UsageError, match="at least 1, not 0"):
        drifted_rows(pool(p, p, rng=rng), 0, rng=rng)
    with pytest.raises(UsageError, match="at least 2, not 1"):
        changed_clusters(pool(p, p, rng=rng), 1, rng=rng)
    one = class_shares(p, np.array([0, 1, 0, 1]), p)
    assert np.isnan(one.confusion).all()
