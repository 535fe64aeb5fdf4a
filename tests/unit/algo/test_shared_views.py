"""When changed versions of one view are rare enough to be kept together."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tamis.algo.splits.shared_views import MOST_PAIRS, divisible, joined_share, shared_views

TARGETS = np.array([80, 10, 10])
ALONE = np.arange(100)


def grouped(*sizes, n=100):
    """Groups of these sizes, and all other rows alone."""
    alone = n - sum(sizes)
    return np.repeat(np.arange(len(sizes) + alone), [*sizes, *[1] * alone])


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        (ALONE, "no"),
        (grouped(3, 3, 2, 5), "no"),  # bursts
        (grouped(*[4] * 25), "no"),  # bursts and nothing else
        (grouped(22), "no"),
        (grouped(24), "common"),
        (grouped(*[5] * 20), "no"),
        (grouped(*[10] * 10), "common"),  # ten cameras
        (grouped(100), "common"),
    ],
)
def test_the_share_of_pairs_decides(changed, said):
    assert shared_views(ALONE, changed, TARGETS) == said


def test_random_pairs_tell_what_groups_did_not_find():
    assert shared_views(ALONE, ALONE, TARGETS, random_share=0.04) == "no"
    assert shared_views(ALONE, ALONE, TARGETS, random_share=0.06) == "common"


def test_copies_are_not_held_against_the_view():
    eight_copies = np.arange(1350) // 9
    assert shared_views(eight_copies, eight_copies, np.array([1080, 135, 135])) == "no"
    half = grouped(50)
    assert shared_views(half, half, TARGETS) == "no"


@pytest.mark.parametrize("n", [5, 10, 20, 40])
def test_few_rows_may_have_two_changed_versions_each(n):
    targets = np.array([n - 2, 1, 1])
    assert shared_views(np.arange(n), np.arange(n) // 3, targets) == "no"
    assert shared_views(np.arange(n), np.zeros(n, int), targets) != "no"


def test_what_no_split_can_take_is_told():
    many = np.full(10, 10)
    users = grouped(45)
    # Two of the user's groups, each near what can be divided, and one changed pair between them.
    users = np.where(np.arange(100) < 45, 0, np.where(np.arange(100) < 90, 1, np.arange(100)))
    changed = np.where(users <= 1, 0, users)
    assert shared_views(users, changed, many) == "common"
    assert shared_views(grouped(50, n=1000), grouped(170, n=1000), np.full(100, 10)) == "no"
    wide = np.full(1000, 1)
    assert divisible(grouped(480, n=1000), wide)
    assert shared_views(grouped(480, n=1000), grouped(510, n=1000), wide) == "one group"
    # If the copies alone cannot be divided, changed versions are not the reason.
    assert shared_views(grouped(510, n=1000), grouped(520, n=1000), wide) == "no"


@given(
    fine=st.lists(st.integers(0, 8), min_size=2, max_size=30),
    merge=st.lists(st.integers(0, 3), min_size=9, max_size=9),
)
def test_the_share_is_that_of_pairs_counted_one_by_one(fine, merge):
    groups = np.array(fine)
    coarse = np.array(merge)[groups]
    pairs = list(combinations(range(len(fine)), 2))
    told = [coarse[a] == coarse[b] for a, b in pairs]
    new = [coarse[a] == coarse[b] and groups[a] != groups[b] for a, b in pairs]
    assert joined_share(coarse) == pytest.approx(np.mean(told))
    assert joined_share(coarse, groups) == pytest.approx(np.mean(new))


@given(sizes=st.lists(st.integers(1, 40), min_size=3, max_size=40), folds=st.booleans())
def test_what_is_kept_together_can_be_divided(sizes, folds):
    groups = np.repeat(np.arange(len(sizes)), sizes)
    n = len(groups)
    cuts = [n // 5] * 4 if folds else [n * 8 // 10, n // 10]
    targets = np.array([*cuts, n - sum(cuts)])
    if shared_views(np.arange(n), groups, targets) == "no":
        assert divisible(groups, targets)
        assert joined_share(groups) <= max(MOST_PAIRS, 2 / (n - 1))


def test_one_row_is_no_pair():
    assert joined_share(np.array([0])) == 0.0
    assert shared_views(np.array([0]), np.array([0]), np.array([1])) == "no"
