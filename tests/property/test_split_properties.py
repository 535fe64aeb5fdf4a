"""What holds of splits for any groups and categories."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from tamis.algo.splits import assign_splits, split_targets

FRACTIONS = st.sampled_from(
    [(0.8, 0.1, 0.1), (0.5, 0.5), (0.7, 0.3, 0.0), (1.0,), (0.25, 0.25, 0.25, 0.25)]
)


@st.composite
def problems(draw, most_in_group=12):
    rng = np.random.default_rng(draw(st.integers(0, 2**16)))
    fractions = draw(FRACTIONS)
    least = int(np.count_nonzero(fractions))
    sizes = rng.integers(
        1, draw(st.integers(1, most_in_group)) + 1, size=draw(st.integers(least, 40))
    )
    groups = rng.permutation(np.repeat(np.arange(sizes.size), sizes))
    categories = [
        rng.integers(-1, draw(st.integers(1, 6)), size=groups.size)
        for _ in range(draw(st.integers(0, 2)))
    ]
    return groups, categories, fractions


@settings(max_examples=150, deadline=None)
@given(problem=problems())
def test_every_row_is_placed_and_no_group_is_divided(problem):
    groups, categories, fractions = problem
    placed = assign_splits(groups, categories, fractions, rng=np.random.default_rng(0))
    assert len(placed) == len(groups)
    for group in np.unique(groups):
        assert len(set(placed[groups == group].tolist())) == 1
    share = np.asarray(fractions)
    assert set(placed.tolist()) == set(np.flatnonzero(share).tolist())


@settings(max_examples=150, deadline=None)
@given(problem=problems())
def test_sizes_miss_their_targets_by_less_than_the_largest_groups(problem):
    groups, categories, fractions = problem
    placed = assign_splits(groups, categories, fractions, rng=np.random.default_rng(0))
    counts = np.bincount(placed, minlength=len(fractions))
    missed = np.abs(counts - split_targets(len(groups), fractions))
    assert missed.max() <= len(fractions) * np.bincount(groups).max()


@settings(max_examples=100, deadline=None)
@given(problem=problems(most_in_group=1))
def test_single_rows_meet_every_target_that_is_not_nothing(problem):
    groups, categories, fractions = problem
    placed = assign_splits(groups, categories, fractions, rng=np.random.default_rng(0))
    counts = np.bincount(placed, minlength=len(fractions))
    targets = split_targets(len(groups), fractions)
    if (targets[np.asarray(fractions) > 0] > 0).all():
        assert counts.tolist() == targets.tolist()


@settings(max_examples=60, deadline=None)
@given(problem=problems(), seed=st.integers(0, 1000))
def test_rows_may_come_in_any_order(problem, seed):
    groups, categories, fractions = problem
    order = np.random.default_rng(seed).permutation(len(groups))
    placed = assign_splits(groups, categories, fractions, rng=np.random.default_rng(0))
    moved = assign_splits(
        groups[order], [c[order] for c in categories], fractions, rng=np.random.default_rng(0)
    )
    assert np.array_equal(placed[order], moved)
