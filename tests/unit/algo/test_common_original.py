"""Two copies of one picture are told by it, and only by a picture that shows all of both."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tamis.algo.common_original import through_common_original

BOTH, NEITHER = (True, True), 0
ORIGINAL, MARKED, SMALL = range(3)
PIXELS = np.array([100, 100, 25])


def bound(
    edges: dict[tuple[int, int], tuple[float, tuple[bool, bool], int]],
    pixels=PIXELS,
    *,
    unclear: bool = False,
):
    """Return the bound of the pair of a marked and of a small copy, the first of the edges."""
    left, right = np.array(list(edges)).T
    excess, covers, sharper = zip(*edges.values(), strict=True)
    found = through_common_original(
        left,
        right,
        np.array(excess),
        np.array(covers),
        np.array(sharper, np.int8),
        pixels,
        np.arange(len(left)) < unclear,
    )
    return found[0]


def test_what_differs_from_the_original_bounds_what_differs_between_copies():
    edges = {
        (MARKED, SMALL): (20.0, BOTH, NEITHER),
        (ORIGINAL, MARKED): (3.0, BOTH, NEITHER),
        (ORIGINAL, SMALL): (2.0, BOTH, -1),
    }
    assert bound(edges) == pytest.approx(np.hypot(3, 2))
    # where the pair itself does not tell, being a copy is transitive
    assert bound(edges, unclear=True) == 3


@pytest.mark.parametrize(
    "spoiled",
    [
        {(ORIGINAL, MARKED): (3.0, (False, True), NEITHER)},  # a crop of the marked one
        {(ORIGINAL, MARKED): (3.0, BOTH, 1)},  # less sharp than the marked one
        {(ORIGINAL, MARKED): (7.0, BOTH, NEITHER)},  # over every line for copies
        {(ORIGINAL, MARKED): (np.inf, BOTH, NEITHER)},  # undecided
        {(MARKED, SMALL): (8.0, (False, False), NEITHER)},  # each shows what the other lacks
        {  # crops of different parts
            (ORIGINAL, MARKED): (3.0, (True, False), NEITHER),
            (ORIGINAL, SMALL): (2.0, (True, False), -1),
        },
    ],
)
def test_a_third_picture_that_does_not_show_all_of_both_tells_nothing(spoiled):
    edges = {
        (MARKED, SMALL): (20.0, BOTH, NEITHER),
        (ORIGINAL, MARKED): (3.0, BOTH, NEITHER),
        (ORIGINAL, SMALL): (2.0, BOTH, -1),
    } | spoiled
    assert np.isinf(bound(edges))
    assert np.isinf(bound(edges, unclear=True))


def test_a_smaller_picture_tells_nothing():
    edges = {
        (MARKED, SMALL): (20.0, BOTH, NEITHER),
        (ORIGINAL, MARKED): (3.0, BOTH, NEITHER),
        (ORIGINAL, SMALL): (2.0, BOTH, NEITHER),
    }
    assert np.isinf(bound(edges, np.array([64, 100, 25])))


@given(st.integers(0, 2**32 - 1))
def test_the_order_of_pairs_and_of_each_pair_does_not_matter(seed):
    rng = np.random.default_rng(seed)
    n = 7
    left, right = np.triu_indices(n, 1)
    excess = rng.uniform(0, 9, left.size)
    covers = rng.random((left.size, 2)) < 0.8
    sharper = rng.integers(-1, 2, left.size).astype(np.int8)
    pixels = rng.integers(1, 4, n)
    found = through_common_original(left, right, excess, covers, sharper, pixels)
    order, turned = rng.permutation(left.size), rng.random(left.size) < 0.5
    again = through_common_original(
        np.where(turned, right, left)[order],
        np.where(turned, left, right)[order],
        excess[order],
        np.where(turned[:, None], covers[:, ::-1], covers)[order],
        np.where(turned, -sharper, sharper)[order].astype(np.int8),
        pixels,
    )
    assert np.array_equal(found[order], again)
