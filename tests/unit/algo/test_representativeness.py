"""Scores point the right way: the middle represents, copies are not unique."""

from __future__ import annotations

import numpy as np
import pytest

from tamis.algo import outliers as outlier_module
from tamis.algo import representativeness as module
from tamis.algo.canonical_order import canonical_order
from tamis.algo.neighbors import knn_graph
from tamis.algo.outliers import distance_outliers, sampled_outliers
from tamis.algo.representativeness import score_rows


def unit(rows):
    rows = np.asarray(rows, dtype=np.float32)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def rng():
    return np.random.default_rng(0)


def crowd(n=200, dim=12, spread=0.1, seed=0):
    generator = np.random.default_rng(seed)
    return unit(np.eye(1, dim) + spread * generator.standard_normal((n, dim)))


@pytest.mark.parametrize("seed", range(5))
def test_equal_pictures_represent_each_other_wholly(seed):
    X = np.repeat(crowd(1, dim=1280, spread=1.0, seed=seed), 50, axis=0)
    assert score_rows(X, rng=rng()).representativeness.tolist() == [1.0] * 50


def test_the_middle_of_a_cluster_represents_more_than_its_rim():
    X = crowd()
    middle = X @ unit(X.mean(axis=0)[None])[0]
    scores = score_rows(X, rng=rng()).representativeness
    near, far = np.argsort(-middle)[:20], np.argsort(middle)[:20]
    assert scores[near].min() > scores[far].max()
    assert np.corrcoef(scores, middle)[0, 1] > 0.9


def test_the_larger_cluster_represents_more_and_a_loner_next_to_nothing():
    X = np.concatenate([crowd(100), -crowd(30, seed=1), unit(np.eye(1, 12, 5))])
    scores = score_rows(X, rng=rng())
    median = [np.median(scores.representativeness[part]) for part in (slice(100), slice(100, 130))]
    assert median[0] > 2 * median[1] > 20 * scores.representativeness[130]
    assert scores.uniqueness.argmax() == 130


def test_identical_pictures_are_not_unique():
    X = np.concatenate([crowd(50), crowd(50)[:1]])
    unique = score_rows(X, rng=rng()).uniqueness
    assert unique[0] == unique[50] == 0
    assert (unique[1:50] > 0).all()
    distance = 1 - X.astype(np.float64) @ X.T
    np.fill_diagonal(distance, 3)
    np.testing.assert_allclose(unique, distance.min(axis=1), atol=2e-6)


def test_representativeness_by_hand():
    X = crowd(40)
    squared = np.square(X.astype(np.float64)[:, None] - X[None]).sum(axis=2)
    scores = score_rows(X, rng=rng())
    width = np.sqrt(np.median(np.sort(squared, axis=1)[:, 10]))
    assert scores.width == pytest.approx(width, rel=1e-5)
    likeness = np.exp(-squared / width**2)
    np.fill_diagonal(likeness, 0)
    np.testing.assert_allclose(scores.representativeness, likeness.sum(axis=1) / 39, rtol=1e-4)


def test_a_sample_of_rows_estimates_the_same(monkeypatch):
    X = np.concatenate([crowd(600), -crowd(300, seed=1)])
    whole = score_rows(X, rng=rng()).representativeness
    monkeypatch.setattr(module, "_REFERENCE_ROWS", 400)
    part = score_rows(X, rng=rng())
    assert part.reference == 400
    assert np.corrcoef(whole, part.representativeness)[0, 1] > 0.97
    assert part.representativeness.mean() == pytest.approx(whole.mean(), rel=0.1)


@pytest.mark.parametrize("n", [0, 1])
def test_no_row_and_one_row(n):
    scores = score_rows(crowd(1)[:n], rng=rng())
    assert scores.uniqueness.tolist() == [2.0] * n
    assert scores.representativeness.tolist() == [0.0] * n


def test_scores_do_not_depend_on_the_order_of_rows():
    X = crowd(90)
    order = np.random.default_rng(3).permutation(90)
    a, b = score_rows(X, rng=rng()), score_rows(X[order], rng=rng())
    np.testing.assert_allclose(a.representativeness[order], b.representativeness, rtol=1e-5)
    np.testing.assert_allclose(a.uniqueness[order], b.uniqueness, atol=1e-6)


def test_outliers_of_a_whole_sample_are_those_of_the_graph():
    X = np.concatenate([crowd(300), unit(np.random.default_rng(4).standard_normal((6, 12)))])
    whole = distance_outliers(knn_graph(X, 10, rng=rng()))
    rows = np.arange(len(X))
    found, share = sampled_outliers(X, rows, size=len(X), rng=rng())
    assert np.array_equal(found, whole)
    assert share == pytest.approx(whole.mean())
    part, share = sampled_outliers(X, rows, size=200, rng=rng())
    assert part[300:].all()
    assert share < 0.1
    assert outlier_module.__all__ == [
        "distance_outliers",
        "neighbor_distances",
        "sampled_outliers",
    ]


@pytest.mark.parametrize("dim", [1, 2, 3, 7])
def test_the_canonical_order_is_that_of_the_bytes(dim):
    # Few values, so that the first bytes of many rows are equal.
    X = np.random.default_rng(dim).integers(-2, 3, (200, dim)).astype(np.float32)
    X[X == 0] = np.float32(-0.0)
    keys = [(row + np.float32(0)).tobytes() for row in X]
    assert canonical_order(X).tolist() == sorted(range(200), key=lambda row: (keys[row], row))
