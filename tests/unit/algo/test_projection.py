"""Maps of vectors: neighbors stay neighbors, later rows join theirs, and the figure is right."""

from __future__ import annotations

import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.manifold import trustworthiness

from labeled_vectors import EACH, made_vectors
from tamis.algo.principal_plane import principal_plane
from tamis.algo.projection import Placement, neighbor_layout, preservation
from tamis.algo.projection import placement as placement_module
from tamis.errors import MissingExtraError, UsageError


def rng():
    return np.random.default_rng(0)


def groups(count: int, each: int, dim: int = 24, seed: int = 3) -> np.ndarray:
    chance = np.random.default_rng(seed)
    rows = np.repeat(chance.standard_normal((count, dim)), each, axis=0)
    rows += 0.3 * chance.standard_normal(rows.shape)
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def test_a_layout_keeps_neighbors_better_than_a_plane_and_comes_again_bit_for_bit():
    rows = groups(12, 20)
    places = neighbor_layout(rows, rng=rng())
    plane = principal_plane(rows)
    assert places.shape == (240, 2)
    assert places.dtype == np.float32
    assert np.abs(places).max() <= 1
    flat = preservation(rows, plane.place(rows), rng=rng())
    kept = preservation(rows, places, rng=rng())
    assert kept.trustworthiness > flat.trustworthiness
    assert kept.neighbors_kept > flat.neighbors_kept + 0.1
    assert np.array_equal(places, neighbor_layout(rows, rng=rng()))


def test_copies_lie_together_and_everything_equal_is_no_crash():
    rows = np.concatenate([made_vectors()] * 2)
    places = neighbor_layout(rows, rng=rng())
    apart = np.linalg.norm(places[: 3 * EACH] - places[3 * EACH :], axis=1)
    assert np.median(apart) < 0.1
    assert np.isfinite(neighbor_layout(np.ones((20, 1), np.float32), rng=rng())).all()


def test_what_cannot_be_laid_out_is_refused(monkeypatch):
    with pytest.raises(UsageError, match="11 pictures have no neighborhoods"):
        neighbor_layout(made_vectors()[:11], rng=rng())
    monkeypatch.setitem(sys.modules, "openTSNE", None)
    with pytest.raises(MissingExtraError, match=r"tamis\[map\]"):
        neighbor_layout(made_vectors(), rng=rng())


def test_new_rows_come_to_lie_in_their_group_and_copies_on_their_originals():
    rows = groups(6, 30)
    old = np.arange(len(rows)) % 3 > 0
    grid = np.stack(np.divmod(np.repeat(np.arange(6), 30), 3), axis=1).astype(np.float32)
    places = grid + 0.05 * rng().standard_normal(grid.shape).astype(np.float32)
    placement = Placement(rows[old], places[old], expected=60, rng=rng())
    found = placement.of(rows[~old])
    assert np.linalg.norm(found - grid[~old], axis=1).max() < 0.2
    assert np.abs(placement.of(rows[old]) - places[old]).max() < 1e-3
    # one by one, whatever comes with it
    assert np.allclose(placement.of(rows[~old][7:9]), found[7:9], atol=1e-5)


def test_a_row_between_two_groups_goes_to_one_of_them():
    rows = np.concatenate([np.tile([1.0, 0.0], (6, 1)), np.tile([0.0, 1.0], (5, 1))])
    rows = rows + 0.01 * rng().standard_normal(rows.shape)
    rows = (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)
    places = np.repeat([[-1.0, 0.0], [1.0, 0.0]], [6, 5], axis=0).astype(np.float32)
    between = np.array([[np.sqrt(0.5), np.sqrt(0.5)]], np.float32)
    (x, y) = Placement(rows, places, expected=1, rng=rng()).of(between)[0]
    assert abs(abs(x) - 1) < 0.05
    assert abs(y) < 0.05


def test_of_very_many_only_near_cells_are_read(monkeypatch):
    rows = groups(30, 40)
    places = rng().random((len(rows), 2), np.float32)
    exact = Placement(rows, places, expected=1, rng=rng())
    monkeypatch.setattr(placement_module, "_MOST_EXACT", 1)
    fast = Placement(rows, places, expected=1, rng=rng())
    assert fast._cells is not None
    new = groups(30, 10, seed=3)
    same = np.linalg.norm(exact.of(new) - fast.of(new), axis=1) < 1e-4
    assert same.mean() > 0.9
    # fewer rows in the cells than are looked for
    few = Placement(rows[:3], places[:3], expected=1, rng=rng()).of(rows[:3])
    assert np.allclose(few, places[:3], atol=1e-3)


def test_there_has_to_be_something_to_place_by():
    with pytest.raises(UsageError, match="no picture on the map"):
        Placement(np.empty((0, 2), np.float32), np.empty((0, 2)), expected=1, rng=rng())


@given(st.integers(8, 60), st.integers(0, 2**31))
def test_trustworthiness_is_that_of_scikit_learn(count, seed):
    chance = np.random.default_rng(seed)
    rows = chance.standard_normal((count, 6))
    rows = (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)
    places = chance.random((count, 2), np.float32)
    found = preservation(rows, places, rng=rng())
    theirs = trustworthiness(rows, places, n_neighbors=found.neighbors)
    assert found.trustworthiness == pytest.approx(theirs, abs=1e-9)
    assert found.measured == count
    assert 0 <= found.neighbors_kept <= 1


def test_copies_cost_nothing_and_two_rows_are_too_few():
    rows = np.repeat(groups(2, 3), 10, axis=0)
    assert preservation(rows, rows[:, :2], rng=rng()).neighbors_kept > 0.5
    with pytest.raises(UsageError, match="2 rows have no neighborhoods"):
        preservation(rows[:2], rows[:2, :2], rng=rng())


@given(st.integers(8, 60), st.integers(0, 2**31))
def test_neighbors_kept_is_the_share_that_counting_gives(count, seed):
    chance = np.random.default_rng(seed)
    rows = chance.standard_normal((count, 6))
    rows = (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)
    places = chance.random((count, 2), np.float32)
    found = preservation(rows, places, rng=rng())
    near = []
    for far in (-rows @ rows.T, np.linalg.norm(places[:, None] - places[None], axis=2)):
        np.fill_diagonal(far, np.inf)
        near.append(np.argsort(far, axis=1)[:, : found.neighbors])
    shared = [len(set(a) & set(b)) / found.neighbors for a, b in zip(*near, strict=True)]
    assert found.neighbors_kept == pytest.approx(np.mean(shared), abs=1e-9)
