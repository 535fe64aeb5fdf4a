"""Models of nominal patches, and what is trusted, against scikit-learn."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.decomposition import PCA
from sklearn.neighbors import NearestNeighbors

from tamis.algo.defects import (
    MODELS,
    MemoryBank,
    Residual,
    Scale,
    cross_distances,
    fit_patch_model,
    lowest_share,
    suspects,
    with_more,
)
from tamis.errors import UsageError


def unit(rows):
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.fixture
def folds(rng):
    base = rng.normal(size=(4, 12))
    return [unit(rng.normal(size=(n, 4)) @ base + 0.01) for n in (60, 50, 40)]


def test_a_bank_that_holds_everything_is_the_nearest_neighbor(folds, rng):
    model, _ = fit_patch_model("bank", folds, size=1000, rng=rng)
    queries = unit(rng.normal(size=(30, 12)))
    nearest = NearestNeighbors(n_neighbors=1, metric="cosine").fit(np.concatenate(folds))
    expected = nearest.kneighbors(queries)[0][:, 0]
    np.testing.assert_allclose(model.distances(queries), expected, atol=1e-5)


def test_a_small_bank_covers_better_than_a_random_one(folds, rng):
    everything = np.concatenate(folds)
    model, _ = fit_patch_model("bank", folds, size=30, rng=rng)
    drawn = MemoryBank(everything[rng.choice(len(everything), 30, replace=False)])
    assert model.distances(everything).max() < drawn.distances(everything).max()
    assert len(model.patches) == 30


def test_the_residual_is_what_a_pca_leaves(folds, rng):
    model, _ = fit_patch_model("residual", folds, size=0, rng=rng)
    everything = np.concatenate(folds)
    pca = PCA(model.basis.shape[1]).fit(everything.astype(np.float64))
    queries = unit(rng.normal(size=(30, 12)))
    left = queries - pca.inverse_transform(pca.transform(queries.astype(np.float64)))
    np.testing.assert_allclose(model.distances(queries), (left**2).sum(axis=1), atol=1e-4)
    kept = PCA().fit(everything).explained_variance_ratio_[: model.basis.shape[1]].sum()
    assert kept >= 0.99


@pytest.mark.parametrize("name", MODELS)
def test_a_model_without_a_fold_does_not_know_it(name, folds, rng):
    changed = [folds[0], unit(rng.normal(size=(50, 12))), folds[2]]
    queries = unit(rng.normal(size=(20, 12)))

    def without(given):
        fitted = fit_patch_model(name, given, size=60, rng=np.random.default_rng(1))
        return fitted[1][1].distances(queries)

    np.testing.assert_array_equal(without(folds), without(changed))


def test_a_bank_without_a_fold_is_as_near_to_new_patches_as_the_whole(rng):
    base = rng.normal(size=(8, 64))

    def drawn(count):
        return unit(rng.normal(size=(count, 8)) @ base)

    model, without = fit_patch_model("bank", [drawn(400) for _ in range(5)], size=100, rng=rng)
    assert [len(one.patches) for one in (model, *without)] == [100] * 6
    new = drawn(2000)
    unseen = np.mean([one.distances(new).mean() for one in without])
    # banks of four fifths of the patches would be a tenth farther away
    assert unseen == pytest.approx(model.distances(new).mean(), rel=0.04)


@pytest.mark.parametrize("name", MODELS)
def test_what_is_unlike_all_folds_is_farther(name, folds, rng):
    model, without = fit_patch_model(name, folds, size=60, rng=rng)
    odd = unit(rng.normal(size=(40, 12)))
    for one in (model, *without):
        assert np.median(one.distances(odd)) > 3 * np.median(one.distances(np.concatenate(folds)))


def test_one_fold_is_left_out_of_nothing(folds, rng):
    assert fit_patch_model("bank", folds[:1], size=10, rng=rng)[1] == []
    assert fit_patch_model("residual", folds[:1], size=10, rng=rng)[1] == []


def test_patches_of_one_fold_only_are_not_trusted(folds, rng):
    odd = unit(rng.normal(size=(3, 12)))
    given = [np.concatenate([odd, folds[0]]), *folds[1:]]
    distances = np.concatenate(cross_distances(given, rng))
    kept = lowest_share(distances, 1 - 3 / len(distances))
    assert not kept[:3].any()
    assert kept[3:].all()


def test_without_a_second_fold_all_is_trusted(folds, rng):
    (distances,) = cross_distances(folds[:1], rng)
    assert lowest_share(distances, 0.9).all()


def test_suspects_lie_far_above_the_others(rng):
    scores = np.append(rng.normal(size=200), [30.0, 12.0])
    assert suspects(scores).nonzero()[0].tolist() == [200, 201]
    assert not suspects(np.zeros(5)).any()


def test_a_scale_makes_deviations_and_equal_pictures_give_no_huge_ones(rng):
    figures = rng.normal(5, 2, 1000)
    scaled = Scale.of(figures).scaled(figures)
    assert np.median(scaled) == pytest.approx(0, abs=1e-9)
    assert np.std(scaled) == pytest.approx(1, abs=0.15)
    assert Scale.of(np.full(9, 0.25)).scaled(np.array([0.25 + 1e-6]))[0] < 0.01


@pytest.mark.parametrize("lower", [0.01, 1.0, 20])
def test_the_scale_of_what_is_above_does_not_ask_what_is_below(rng, lower):
    upper = np.abs(rng.normal(0, 2, 2000))
    figures = np.concatenate([upper, [0.0], -lower * upper])
    scaled = Scale.above(figures).scaled(figures)
    assert np.sqrt(np.mean(scaled[scaled > 0] ** 2)) == pytest.approx(1, abs=0.1)


def test_a_figure_far_above_all_others_hardly_changes_the_scale(rng):
    figures = rng.normal(5, 2, 100)
    before, after = Scale.above(figures), Scale.above(np.append(figures, 1e9))
    assert after.spread < 1.5 * before.spread
    assert Scale.above(np.full(9, 0.25)).scaled(np.array([0.25 + 1e-6]))[0] < 0.01
    assert Scale.above(np.array([0.5])) == Scale.of(np.array([0.5]))


def test_a_residual_that_learns_more_is_that_of_all_patches_and_keeps_its_scale():
    rng = np.random.default_rng(3)
    rows = unit(rng.normal(size=(300, 12)) * np.linspace(2, 0.1, 12))
    first, _ = fit_patch_model("residual", [rows[:100]], size=0, rng=rng)
    more = with_more(first, rows[100:], 0)
    assert more.moments.count == 300
    np.testing.assert_allclose(more.mean, rows.mean(axis=0), atol=1e-6)
    assert more.distances(rows).mean() <= first.distances(rows[:100]).mean() * 1.01
    # what varies in a new way is inside as well, and does not push the rest out
    other = rows.copy()
    other[:, 11] += rng.normal(size=300) * 3
    wider = with_more(first, unit(other), 0)
    assert wider.distances(unit(other)).mean() < 0.2 * first.distances(unit(other)).mean()
    assert wider.distances(rows).mean() <= first.distances(rows).mean() * 1.5
    with pytest.raises(UsageError, match="fit it again"):
        with_more(Residual(first.mean, first.basis), rows, 0)


@given(st.integers(1, 40), st.integers(0, 60))
def test_a_bank_that_learns_more_is_bounded_and_nearer_to_everything(count, size):
    rng = np.random.default_rng(count)
    bank = MemoryBank(unit(rng.normal(size=(20, 6))))
    more, places = (unit(rng.normal(size=(n, 6))) for n in (count, 50))
    grown = with_more(bank, more, size)
    assert len(grown.patches) == max(20, min(size, 20 + count))
    assert np.all(grown.distances(places) <= bank.distances(places) + 1e-6)
    if size >= 20 + count:
        np.testing.assert_allclose(grown.distances(more), 0, atol=1e-6)
    elif size > 20:
        # the first to be learned is the one that was farthest
        assert grown.distances(more)[np.argmax(bank.distances(more))] < 1e-6
