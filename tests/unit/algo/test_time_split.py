"""Splits by time: the past first, groups whole, cuts between times."""

from __future__ import annotations

import numpy as np
import pytest

from tamis.algo.splits.by_time import split_by_time
from tamis.errors import UsageError


def test_the_past_trains_and_the_latest_tests():
    times = np.random.default_rng(0).permutation(100)
    found = split_by_time(np.arange(100), times, [0.6, 0.2, 0.2])
    assert np.bincount(found.split).tolist() == [60, 20, 20]
    assert times[found.split == 0].max() == 59
    assert times[found.split == 1].max() == 79
    assert times[found.ends].tolist() == [59, 79, 99]
    assert (found.straddling, found.early) == (0, 0)


def test_a_group_over_a_cut_lies_wholly_on_the_later_side():
    groups = np.array([0, 1, 2, 3, 4, 4, 5, 6, 7, 8])
    times = np.arange(10)
    times[4], times[5] = 2, 8
    found = split_by_time(groups, times, [0.5, 0.5])
    assert found.split[4] == found.split[5] == 1
    assert (found.straddling, found.early) == (1, 1)
    assert times[found.split == 0].max() < 8


def test_pictures_of_one_time_are_not_cut_apart():
    times = np.repeat([1, 2, 3], [4, 5, 3])
    found = split_by_time(np.arange(12), times, [0.5, 0.5])
    assert np.bincount(found.split).tolist() == [4, 8]
    assert found.split[4:9].tolist() == [1] * 5


def test_every_split_gets_something_where_one_moment_holds_nearly_all():
    times = np.repeat([1, 2, 3], [98, 1, 1])
    found = split_by_time(np.arange(100), times, [0.1, 0.1, 0.8])
    assert np.bincount(found.split).tolist() == [98, 1, 1]


def test_wrong_use_is_refused():
    with pytest.raises(UsageError, match=r"end at 2 different times, too few for 3 splits"):
        split_by_time(np.arange(9), np.arange(9) % 2, [0.6, 0.2, 0.2])
    with pytest.raises(UsageError, match="3 groups but 2 times"):
        split_by_time(np.arange(3), np.arange(2), [0.5, 0.5])
