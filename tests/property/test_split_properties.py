"""What holds of splits for any groups and categories."""

from __future__ import annotations

import numpy as np
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_array

from tamis.algo.splits import assign_splits, split_targets
from tamis.algo.splits.by_time import split_by_time

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
@example(problem=(np.array([0, 0, 2, 0, 1, 2, 2, 1, 1]), [], (0.8, 0.1, 0.1)))
def test_sizes_miss_their_targets_by_a_group_or_two(problem):
    groups, categories, fractions = problem
    largest = np.bincount(groups).max()
    targets = split_targets(len(groups), fractions)

    def missed(categories):
        placed = assign_splits(groups, categories, fractions, rng=np.random.default_rng(0))
        return np.abs(np.bincount(placed, minlength=len(fractions)) - targets).max()

    # Without categories by one at most; to bring a rare category into each split, by a second.
    # A split that is to have a share gets a group, though its share be less than any group.
    smallest = np.bincount(groups).min()
    forced = np.count_nonzero((targets < smallest) & (np.asarray(fractions) > 0))
    assert missed([]) <= (1 + forced) * largest
    assert missed(categories) <= (2 + forced) * largest


@settings(max_examples=100, deadline=None)
@given(problem=problems())
def test_no_move_of_one_group_brings_the_sizes_nearer(problem):
    groups, _, fractions = problem
    placed = assign_splits(groups, [], fractions, rng=np.random.default_rng(0))
    targets = split_targets(len(groups), fractions)
    off = np.bincount(placed, minlength=len(fractions)) - targets
    for group in np.unique(groups):
        size, here = int((groups == group).sum()), int(placed[groups == group][0])
        if np.unique(groups[placed == here]).size == 1:
            continue  # the last group of a split stays
        for there in np.flatnonzero(np.asarray(fractions)):
            if there != here:
                moved = (off[here] - size) ** 2 + (off[there] + size) ** 2
                assert moved >= off[here] ** 2 + off[there] ** 2


@settings(max_examples=150, deadline=None)
@given(seed=st.integers(0, 2**16), labels=st.integers(1, 6), more=st.integers(0, 60))
def test_a_label_of_enough_pictures_is_in_every_split(seed, labels, more):
    rng = np.random.default_rng(seed)
    label = np.concatenate([np.repeat(np.arange(labels), 3), rng.integers(0, labels, more)])
    cluster = rng.integers(0, 3, label.size)
    fractions = [0.6, 0.2, 0.2]
    placed = assign_splits(np.arange(label.size), [label, cluster], fractions, rng=rng)
    targets = split_targets(label.size, fractions)
    if targets.min() >= labels:  # else there is no room for each
        for one in range(labels):
            assert set(placed[label == one].tolist()) == {0, 1, 2}


@settings(max_examples=60, deadline=None)
@given(problem=problems(), width=st.integers(1, 5), seed=st.integers(0, 1000))
def test_rows_of_several_labels_are_placed_like_any(problem, width, seed):
    groups, _, fractions = problem
    rng = np.random.default_rng(seed)
    labels = csr_array((rng.random((len(groups), width)) < 0.4).astype(np.int64))
    placed = assign_splits(groups, [labels], fractions, rng=np.random.default_rng(0))
    order = rng.permutation(len(groups))
    moved = assign_splits(groups[order], [labels[order]], fractions, rng=np.random.default_rng(0))
    assert np.array_equal(placed[order], moved)
    for group in np.unique(groups):
        assert len(set(placed[groups == group].tolist())) == 1


@settings(max_examples=100, deadline=None)
@given(problem=problems(), seed=st.integers(0, 1000))
def test_no_split_by_time_holds_what_is_later_than_its_cut(problem, seed):
    groups, _, fractions = problem
    wanted = [share for share in fractions if share > 0]
    rng = np.random.default_rng(seed)
    times = rng.permutation(len(groups))
    found = split_by_time(groups, times, wanted)
    assert set(found.split.tolist()) == set(range(len(wanted)))
    latest = np.array([times[groups == group].max() for group in groups])
    for earlier in range(len(wanted) - 1):
        assert latest[found.split == earlier].max() < latest[found.split > earlier].min()
    for group in np.unique(groups):
        assert len(set(found.split[groups == group].tolist())) == 1
    order = rng.permutation(len(groups))
    moved = split_by_time(groups[order], times[order], wanted)
    assert np.array_equal(found.split[order], moved.split)


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
