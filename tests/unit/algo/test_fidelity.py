"""How well vectors stand in for others, on arrays made by hand."""

from __future__ import annotations

import numpy as np
import pytest

from tamis.algo.fidelity import Fidelity, fidelity, neighbours_for
from tamis.errors import UsageError


def on_circle(*degrees):
    angles = np.deg2rad(degrees)
    return np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)


def test_the_same_vectors_stand_in_perfectly():
    X = on_circle(0, 10, 25, 60, 100)
    assert fidelity(X, X, 2) == Fidelity(pytest.approx(1), pytest.approx(1), 1.0, 2)


def test_a_turn_of_all_keeps_the_neighbours_and_costs_its_cosine():
    degrees = np.array([0, 10, 25, 60, 100])
    found = fidelity(on_circle(*degrees), on_circle(*(degrees + 30)), 2)
    assert found.overlap == 1
    assert found.mean_cosine == pytest.approx(np.cos(np.deg2rad(30)), abs=1e-6)
    assert found.worst_cosine == pytest.approx(np.cos(np.deg2rad(30)), abs=1e-6)


def test_one_row_that_moves_is_counted_by_hand():
    # nearest before: 0-10, 10-0, 90-100, 100-90; the last moves to 5, between the first two
    found = fidelity(on_circle(0, 10, 90, 100), on_circle(0, 10, 90, 5), 1)
    # nearest after: 0-5, 10-5, 90-10, 5-0: none stays
    assert found.overlap == 0
    assert found.worst_cosine == pytest.approx(np.cos(np.deg2rad(95)), abs=1e-6)
    assert found.mean_cosine == pytest.approx((3 + np.cos(np.deg2rad(95))) / 4, abs=1e-6)


def test_half_of_two_neighbours_is_a_half():
    before, after = on_circle(0, 1, 2, 90, 91), on_circle(0, 1, 92, 90, 91)
    # by row: {1, 2} and {1, 3}; {0, 2} and {0, 3}; {1, 0} and {4, 3}; {4, 2} and {4, 2}, twice
    assert fidelity(before, after, 2).overlap == pytest.approx((1 + 1 + 0 + 2 + 2) / 10)


def test_rows_that_break_count_as_nothing():
    X = on_circle(0, 10, 25, 60, 100)
    Y = X.copy()
    Y[1] = np.nan
    Y[4] = 0
    found = fidelity(X, Y, 4)
    assert found.worst_cosine == 0
    assert found.mean_cosine == pytest.approx(3 / 5)
    assert found.overlap == pytest.approx(3 / 5)


def test_few_rows_have_few_neighbours():
    assert [neighbours_for(rows) for rows in (1, 3, 20, 49, 50, 500)] == [1, 1, 4, 9, 10, 10]
    assert fidelity(on_circle(*range(20)), on_circle(*range(20))).neighbours == 4


@pytest.mark.parametrize(
    ("reference", "other", "neighbours", "sentence"),
    [
        (on_circle(0, 1, 2), on_circle(0, 1), None, r"shape \(2, 2\) cannot stand in"),
        (on_circle(0, 1), on_circle(0, 1), None, "2 vectors are too few"),
        (on_circle(0, 1, 2), on_circle(0, 1, 2), 3, "neighbours is 3; .* 1 to 2"),
        (2 * on_circle(0, 1, 2), on_circle(0, 1, 2), 1, "the reference must have rows of length"),
    ],
)
def test_what_cannot_be_compared_is_refused(reference, other, neighbours, sentence):
    with pytest.raises(UsageError, match=sentence):
        fidelity(reference, other, neighbours)
