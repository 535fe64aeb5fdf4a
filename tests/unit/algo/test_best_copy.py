"""Copies of one picture compared by figures, and orders by several keys."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tamis.algo.best_copy import copy_quality, ordered

# Figures as photographs have them: sharp, sharpened by radius 2, blurred by 1 and by 2 pixels.
SHARP, SHARPENED, BLURRED, VERY_BLURRED = (0.1, -1.0), (0.7, 0.7), (-1.6, -1.6), (-2.7, -2.0)
ONE_SIZE = 400 * 300


def faults(*figures: tuple[float, float]) -> list[int]:
    fineness, boost = np.array(figures).T
    pixels = [ONE_SIZE] * len(figures)
    return copy_quality(pixels, pixels, fineness, boost).fault.tolist()


def test_oversharpened_copy_is_at_fault_not_its_original():
    assert faults(SHARP, SHARPENED) == [0, 1]
    assert faults(SHARPENED, SHARP, SHARPENED) == [1, 0, 1]


def test_blurred_copies_are_at_fault_the_more_the_blurrier():
    one, two = faults(SHARP, BLURRED)
    assert (one, two > 0) == (0, True)
    original, blurred, very = faults(SHARP, BLURRED, VERY_BLURRED)
    assert original == 0 < blurred < very


def test_original_stands_out_between_blurred_and_sharpened_copies():
    assert faults(BLURRED, SHARP, SHARPENED, VERY_BLURRED).index(0) == 1


def test_a_noisy_copy_is_at_fault():
    assert faults(SHARP, (SHARP[0] + 2.5, SHARP[1] + 0.1)) == [0, 1]


def test_what_was_not_measured_has_no_fault():
    nan = float("nan")
    assert faults(SHARP, (nan, nan), SHARPENED) == [0, 0, 1]
    assert faults((nan, nan), (nan, nan)) == [0, 0]


def test_enlarged_copy_counts_as_what_it_was_enlarged_from():
    quality = copy_quality([100, 400, 400], [100, 100, 400], *np.full((2, 3), np.nan))
    assert quality.resolution.tolist()[2] == 0
    assert quality.resolution[0] == quality.resolution[1] > 0
    assert quality.enlarged.tolist() == [False, True, False]


def test_sizes_within_a_tenth_are_one():
    quality = copy_quality([1000, 985, 500], [1000, 985, 500], *np.full((2, 3), np.nan))
    assert quality.resolution.tolist()[:2] == [0, 0]
    assert quality.resolution[2] > 0


def test_no_copies():
    quality = copy_quality([], [], [], [])
    assert quality.resolution.tolist() == quality.fault.tolist() == []


figure = st.one_of(st.just(float("nan")), st.floats(-4, 3))
copies = st.lists(st.tuples(st.integers(1, 10**7), figure, figure), min_size=1, max_size=12)


@given(copies, st.randoms(use_true_random=False))
def test_order_of_rows_does_not_matter(rows, random):
    numbered = [(*row, number) for number, row in enumerate(rows)]
    shuffled = list(numbered)
    random.shuffle(shuffled)

    def ranked(some):
        pixels, fineness, boost, number = (np.array(values) for values in zip(*some, strict=True))
        quality = copy_quality(pixels, pixels, fineness, boost)
        keys = [quality.resolution, quality.enlarged, quality.fault, number]
        return number[ordered(keys)].tolist()

    assert ranked(numbered) == ranked(shuffled)
    assert sorted(ranked(numbered)) == list(range(len(rows)))


@given(copies)
def test_some_copy_is_without_fault_and_of_full_resolution(rows):
    pixels, fineness, boost = (np.array(values) for values in zip(*rows, strict=True))
    quality = copy_quality(pixels, pixels, fineness, boost)
    assert ((quality.resolution == 0) & (quality.fault == 0)).any()


@given(st.lists(st.tuples(st.integers(0, 2), st.booleans(), st.text(max_size=2)), min_size=1))
def test_ordered_is_the_order_of_tuples(rows):
    numbered = [(*row, number) for number, row in enumerate(rows)]
    keys = [np.array(values) for values in zip(*numbered, strict=True)]
    assert ordered(keys).tolist() == [row[-1] for row in sorted(numbered)]


@pytest.mark.parametrize("keys", [[[2, 0, 1]], [[0, 0, 0], [2, 0, 1]]])
def test_later_keys_decide_ties(keys):
    assert ordered(keys).tolist() == [1, 2, 0]
