"""Matching all pictures at once gives what matching them one by one, object by object, gives."""

from __future__ import annotations

from unittest import mock

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from tamis.algo.detection import mask_pairs
from tamis.algo.detection.average_precision import evaluate_objects
from tamis.algo.detection.objects import Objects
from tamis.algo.detection.outcomes import IN_CROWD, outcomes
from tamis.algo.detection.run_masks import RunMask
from tamis.algo.run_lengths import counts_of

# few places, so that boxes often overlap in the same amount
CORNER = st.sampled_from([0.0, 2.0, 3.0, 20.0])
BOX = st.tuples(CORNER, CORNER, st.sampled_from([6.0, 8.0]), st.sampled_from([6.0, 8.0]))
ROWS = st.lists(
    st.tuples(st.integers(0, 2), st.integers(0, 1), BOX, st.sampled_from([0.2, 0.5, 0.9]),
              st.sampled_from([False, False, False, True])),
    max_size=9,
)  # fmt: skip


def objects(rows, true):
    box = np.array([row[2] for row in rows], float).reshape(-1, 4)
    return Objects(
        picture=np.array([row[0] for row in rows], np.int64),
        label=np.array([row[1] for row in rows], np.int64),
        box=box,
        score=np.array([row[3] for row in rows], float),
        area=box[:, 2] * box[:, 3],
        crowd=np.array([row[4] and true for row in rows], bool),
    )


def overlap(one, other, crowd):
    width = min(one[0] + one[2], other[0] + other[2]) - max(one[0], other[0])
    height = min(one[1] + one[3], other[1] + other[3]) - max(one[1], other[1])
    shared = max(width, 0) * max(height, 0)
    own = one[2] * one[3]
    return shared / (own if crowd else own + other[2] * other[3] - shared)


def one_by_one(true, predicted, least):
    """The partner of each prediction, as the docstring of `outcomes` says it."""
    found = [-1] * len(predicted)
    for picture in {row[0] for row in predicted}:
        order = [n for n, row in enumerate(predicted) if row[0] == picture]
        order.sort(key=lambda n: -predicted[n][3])
        there = [n for n, row in enumerate(true) if row[0] == picture]
        for alike in (True, False):
            for guess in order:
                able = [
                    (overlap(predicted[guess][2], true[n][2], False), n)
                    for n in there
                    if not true[n][4] and n not in found
                    and (true[n][1] == predicted[guess][1]) == alike
                ]  # fmt: skip
                if found[guess] == -1 and able and max(able)[0] >= least:
                    found[guess] = max(able)[1]
        for guess in order:
            crowds = [n for n in there if true[n][4]]
            inside = any(overlap(predicted[guess][2], true[n][2], True) >= least for n in crowds)
            if found[guess] == -1 and inside:
                found[guess] = IN_CROWD
    return found


@settings(max_examples=150, deadline=None)
@given(true=ROWS, predicted=ROWS, least=st.sampled_from([0.3, 0.5, 0.75]))
def test_partners_are_those_found_one_by_one(true, predicted, least):
    found = outcomes(objects(true, True), objects(predicted, False), least)
    assert found.predicted.tolist() == one_by_one(true, predicted, least)
    for row, partner in enumerate(found.true.tolist()):
        assert partner == -1 or found.predicted[partner] == row
    for guess, partner in enumerate(found.predicted.tolist()):
        of_pair = overlap(predicted[guess][2], true[partner][2], False) if partner >= 0 else 0
        assert abs(found.overlap[guess] - of_pair) < 1e-12


@settings(max_examples=40, deadline=None)
@given(true=ROWS, predicted=ROWS, seed=st.integers(0, 99))
def test_pictures_may_come_in_any_order(true, predicted, seed):
    once = evaluate_objects(objects(true, True), objects(predicted, False), 2)
    rng = np.random.default_rng(seed)
    renamed = rng.permutation(3)
    # within a picture the order breaks ties of equal confidence, as in pycocotools
    moved = [
        sorted(((int(renamed[row[0]]), *row[1:]) for row in rows), key=lambda row: row[0])
        for rows in (true, predicted)
    ]
    scores = {row[3] for row in predicted}
    again = evaluate_objects(objects(moved[0], True), objects(moved[1], False), 2)
    np.testing.assert_array_equal(np.isnan(once.precision), np.isnan(again.precision))
    np.testing.assert_allclose(once.recall, again.recall)
    if len(scores) == len(predicted):
        np.testing.assert_allclose(once.precision, again.precision)


@settings(max_examples=60, deadline=None)
@given(
    bits=st.lists(st.booleans(), min_size=24, max_size=24),
    other=st.lists(st.booleans(), min_size=24, max_size=24),
)
def test_runs_share_the_pixels_that_masks_share(bits, other):
    masks = [np.array(one, bool).reshape(4, 6) for one in (bits, other)]
    one, two = (RunMask.of_counts(counts_of(mask)) for mask in masks)
    assert one.area == masks[0].sum()
    assert one.shared(two) == two.shared(one) == (masks[0] & masks[1]).sum()
    if masks[0].any():
        left, top, width, height = map(int, one.box(4))
        inside = np.zeros((4, 6), bool)
        inside[top : top + height, left : left + width] = True
        assert not (masks[0] & ~inside).any()


@settings(max_examples=40, deadline=None)
@given(
    each=st.lists(st.lists(st.booleans(), min_size=24, max_size=24), min_size=1, max_size=5),
    data=st.data(),
)
def test_many_pairs_share_what_each_shares(each, data):
    masks = [RunMask.of_counts(counts_of(np.array(one, bool).reshape(4, 6))) for one in each]
    row = st.integers(0, len(masks) - 1)
    pairs = data.draw(st.lists(st.tuples(row, row), max_size=9))
    p, t = (np.array(side, np.int64) for side in (zip(*pairs, strict=True) if pairs else ([], [])))
    with mock.patch.object(mask_pairs, "_BOUNDS_AT_ONCE", data.draw(st.sampled_from([1, 9, 99]))):
        shared = mask_pairs.shared_pixels(masks, masks[::-1], p, t)
    assert shared.tolist() == [masks[a].shared(masks[::-1][b]) for a, b in pairs]
    boxes = mask_pairs.boxes_of_masks(masks, np.full(len(masks), 4))
    assert boxes.tolist() == [list(mask.box(4)) for mask in masks]
