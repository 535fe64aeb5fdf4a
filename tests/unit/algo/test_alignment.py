"""Linear maps between spaces: what is planted is found; what they are measured by counts right."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import ortho_group

from tamis.algo.alignment import (
    LinearMap,
    fit_linear_map,
    hold_out,
    neighbour_recall,
    precision_of_queries,
)
from tamis.errors import UsageError


def unit(rows):
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def planted(noise, rows=300, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((rows, 12))
    W = rng.standard_normal((12, 7))
    return X, X @ W + 0.5 + noise * rng.standard_normal((rows, 7)), W


def test_a_planted_map_is_found():
    X, Y, W = planted(0)
    found = fit_linear_map(X, Y)
    np.testing.assert_allclose(found.weights, W, atol=1e-4)
    np.testing.assert_allclose(found.offset, 0.5, atol=1e-4)


def test_a_rotation_is_found_and_kept():
    X = unit(np.random.default_rng(1).standard_normal((400, 16)))
    turn = ortho_group.rvs(16, random_state=2)
    found = fit_linear_map(X, X @ turn, centre=False)
    np.testing.assert_allclose(found.weights, turn, atol=1e-4)
    assert not found.offset.any()
    assert neighbour_recall(unit(X @ turn), found.apply(X), 10) > 0.999


def test_columns_that_depend_on_each_other_do_no_harm():
    X, Y, _ = planted(0.1)
    doubled = np.concatenate([X, X, np.ones((len(X), 1))], axis=1)
    one, two = fit_linear_map(X, Y, penalty=0), fit_linear_map(doubled, Y, penalty=0)
    np.testing.assert_allclose(X @ one.weights, doubled @ two.weights, atol=2e-3)


def test_fewer_pictures_than_dimensions_do_no_harm():
    rng = np.random.default_rng(4)
    found = fit_linear_map(rng.standard_normal((20, 50)), rng.standard_normal((20, 3)))
    assert np.isfinite(found.weights).all()
    assert np.isfinite(found.error)


def test_equal_vectors_give_the_mean():
    Y = np.array([[1.0, 3.0], [3.0, 5.0]])
    found = fit_linear_map(np.ones((2, 4)), Y)
    np.testing.assert_allclose(found.offset, [2, 4])
    assert not found.weights.any()


def test_mapped_vectors_have_length_one():
    X, Y, _ = planted(0.3)
    mapped = fit_linear_map(X, Y).apply(X)
    assert mapped.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(mapped, axis=1), 1, atol=1e-6)
    zero = LinearMap(np.zeros((2, 3), np.float32), np.zeros(3, np.float32), 0, 0)
    assert zero.apply(np.ones((1, 2))).tolist() == [[0, 0, 0]]


@pytest.mark.parametrize(
    ("X", "Y", "penalty", "sentence"),
    [
        (np.ones((3, 2)), np.ones((4, 2)), None, "of the same pictures"),
        (np.ones((1, 2)), np.ones((1, 2)), None, "at least 2 vectors"),
        (np.full((3, 2), np.nan), np.ones((3, 2)), None, "not finite"),
        (np.ones((3, 2)), np.ones((3, 2)), -1.0, "penalty is -1"),
    ],
)
def test_wrong_input_is_refused(X, Y, penalty, sentence):
    with pytest.raises(UsageError, match=sentence):
        fit_linear_map(X, Y, penalty=penalty)


def test_groups_stay_whole_and_a_seed_repeats():
    groups = np.repeat(np.arange(40), np.random.default_rng(0).integers(1, 9, 40))
    fitted, held = hold_out(groups, 0.2, np.random.default_rng(3))
    assert not set(groups[fitted]) & set(groups[held])
    assert sorted([*fitted, *held]) == list(range(len(groups)))
    assert 0.15 * len(groups) < len(held) <= 0.2 * len(groups)
    again = hold_out(groups, 0.2, np.random.default_rng(3))
    assert (again[1] == held).all()


def test_recall_counts_what_stays_near():
    rng = np.random.default_rng(5)
    native = unit(rng.standard_normal((200, 8)))
    assert neighbour_recall(native, native, 10) == 1.0
    other = unit(rng.standard_normal((200, 8)))
    expected = []
    for row in range(200):
        by_native = np.argsort(-(native @ native[row]))
        by_other = np.argsort(-(other @ native[row]))
        near = [set(order[order != row][:10].tolist()) for order in (by_native, by_other)]
        expected.append(len(near[0] & near[1]) / 10)
    assert neighbour_recall(native, other, 10) == pytest.approx(np.mean(expected))
    with pytest.raises(UsageError, match="cannot compare"):
        neighbour_recall(native, other[:, :4], 10)


def test_precision_counts_the_nearest_of_the_class():
    vectors = unit(np.array([[1, 0.0], [1, 0.1], [0, 1], [0.1, 1], [0.7, 0.7]]))
    classes = np.array([0, 0, 1, 0, -1])
    queries = np.eye(3, 2, dtype=np.float32)
    assert precision_of_queries(queries, vectors, classes, 10) == pytest.approx((2 / 3 + 1) / 2)
    assert precision_of_queries(queries, vectors, np.full(5, -1), 10) is None
