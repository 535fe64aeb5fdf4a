"""Connected components and the union of groups."""

from __future__ import annotations

import numpy as np
import pytest

from tamis.algo.components import connected_components, join_groups
from tamis.errors import UsageError


def test_components_are_numbered_by_their_lowest_row():
    assert connected_components(7, [6, 2, 5], [2, 1, 4]).tolist() == [0, 1, 1, 2, 3, 3, 1]


def test_order_and_direction_of_pairs_do_not_matter():
    rng = np.random.default_rng(0)
    left, right = rng.integers(200, size=(2, 120))
    order = rng.permutation(120)
    assert np.array_equal(
        connected_components(200, left, right),
        connected_components(200, right[order], left[order]),
    )


def test_repeated_pairs_and_self_pairs_join_nothing_more():
    assert connected_components(3, [0] * 512 + [2], [1] * 512 + [2]).tolist() == [0, 0, 1]


def test_no_rows_and_no_pairs():
    assert connected_components(0, [], []).size == 0
    assert connected_components(3, [], []).tolist() == [0, 1, 2]


@pytest.mark.parametrize(
    ("n", "left", "right", "sentence"),
    [
        (-1, [], [], "must be 0 or more, not -1"),
        (2, [0], [0, 1], "two lists of one length"),
        (2, [0], [2], "rows from 0 to 1"),
        (2, [-1], [0], "rows from 0 to 1"),
    ],
)
def test_impossible_pairs_are_refused(n, left, right, sentence):
    with pytest.raises(UsageError, match=sentence):
        connected_components(n, left, right)


def test_groups_are_joined_across_columns():
    video = np.array([3, 3, -1, -1, 9, -1])
    patient = np.array([-1, 1, 1, -1, -1, -1])
    assert join_groups([video, patient]).tolist() == [0, 0, 0, 1, 2, 3]


def test_a_negative_number_is_no_group():
    assert join_groups([np.array([-1, -1, -5, -5])]).tolist() == [0, 1, 2, 3]


def test_columns_have_to_agree_in_length():
    with pytest.raises(UsageError, match="at least one column"):
        join_groups([])
    with pytest.raises(UsageError, match="2 and 3"):
        join_groups([np.zeros(2, int), np.zeros(3, int)])
