"""The threshold of near vectors follows the vectors."""

from __future__ import annotations

import numpy as np
import pytest

from tamis.algo.near_threshold import near_threshold


def unit(rows):
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def rng():
    return np.random.default_rng(0)


def rows_with_a_near_one(X, threshold):
    similarity = X @ X.T
    np.fill_diagonal(similarity, -1)
    return (similarity >= threshold).any(axis=1).mean()


@pytest.mark.parametrize("alike", [0.0, 1.0, 4.0])
@pytest.mark.parametrize("n", [150, 1500, 3000])
def test_few_different_rows_are_as_near_however_alike_all_are(n, alike):
    X = unit(np.random.default_rng(1).standard_normal((n, 24)) + alike)
    assert rows_with_a_near_one(X, near_threshold(X, rng=rng())) <= 0.06


def test_copies_do_not_move_it_and_are_over_it():
    X = unit(np.random.default_rng(2).standard_normal((1000, 32)))
    alone = near_threshold(X, rng=rng())
    copies = unit(X[:300] + 0.05 * np.random.default_rng(3).standard_normal((300, 32)))
    both = near_threshold(np.concatenate([X, copies]), rng=rng())
    assert both == pytest.approx(alone, abs=0.02)
    assert (np.einsum("md,md->m", X[:300], copies) >= both).all()


def test_too_few_rows_and_equal_rows():
    assert near_threshold(unit(np.ones((99, 4))), rng=rng()) is None
    assert near_threshold(unit(np.ones((120, 4))), rng=rng()) == pytest.approx(1, abs=1e-6)
