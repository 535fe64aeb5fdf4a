"""Figures of encoders, against what they are by definition."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tamis.algo.encoder_figures import (
    distance_ranks,
    effective_rank,
    neighbor_votes,
    partner_ranks,
    probe_votes,
    shared_neighbors,
)
from tamis.algo.paired_bootstrap import bootstrap_mean
from tamis.algo.pasted_patches import paste_patch, paste_scar
from tamis.algo.symmetry import layout_of, share_told_apart
from tamis.errors import UsageError


def unit(rows):
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def drawn(seed, count, width=4):
    return unit(np.random.default_rng(seed).normal(size=(count, width)))


@given(st.integers(0, 50), st.integers(3, 12))
def test_effective_rank_lies_between_one_and_the_dimension(seed, count):
    rows = drawn(seed, count)
    assert 1 <= effective_rank(rows) <= min(count, 4) + 1e-6
    # turning all rows changes nothing
    turn, _ = np.linalg.qr(np.random.default_rng(seed).normal(size=(4, 4)))
    assert effective_rank(rows @ turn.astype(np.float32)) == pytest.approx(
        effective_rank(rows), rel=1e-4
    )


def test_collapsed_rows_have_rank_one():
    assert effective_rank(np.tile(drawn(0, 1), (9, 1))) == pytest.approx(1, abs=1e-3)


def test_votes_and_probe_find_classes_that_are_apart():
    rng = np.random.default_rng(0)
    classes = np.arange(60) % 3
    rows = unit(np.eye(4)[classes] + rng.normal(0, 0.1, (60, 4)))
    known, asked = np.arange(0, 60, 2), np.arange(1, 60, 2)
    right, share = neighbor_votes(rows[known], classes[known], rows[asked], classes[asked])
    assert right.mean() == 1
    assert share.min() > 0.7
    assert probe_votes(rows[known], classes[known], rows[asked], classes[asked]).mean() == 1
    wrong, _ = neighbor_votes(rows[known], classes[known], rows[asked], (classes[asked] + 1) % 3)
    assert wrong.mean() == 0


@given(st.integers(0, 99), st.lists(st.integers(0, 3), min_size=2, max_size=8))
def test_partner_ranks_are_counted_among_other_groups(seed, groups):
    left, right = drawn(seed, len(groups)), drawn(seed + 100, len(groups))
    found = partner_ranks(left, right, np.array(groups))
    for row, group in enumerate(groups):
        ranks = []
        for one, other in ((left, right), (right, left)):
            own = one[row].astype(float) @ other[row]
            rivals = [
                k
                for k in range(len(groups))
                if groups[k] != group and one[row].astype(float) @ other[k] > own
            ]
            ranks.append(1 / (1 + len(rivals)))
        assert found[row] == pytest.approx(np.mean(ranks), abs=1e-9)


def test_flaws_that_lead_away_from_all_known_pictures_are_found():
    known, whole = drawn(0, 20), drawn(1, 6)
    groups = np.arange(6)
    same = distance_ranks(known, whole, whole, groups)
    assert same.mean() == pytest.approx(0.5)
    assert distance_ranks(whole, whole, drawn(3, 6), groups).mean() == 1
    # a picture of one's own group is no other picture
    assert distance_ranks(known, whole, whole, np.zeros(6, int)).tolist() == [0.5] * 6


def test_the_same_vectors_share_all_neighbors():
    rows = drawn(0, 50, 8)
    assert shared_neighbors(rows, rows).tolist() == [1.0] * 50
    assert shared_neighbors(rows, drawn(1, 50, 3)).mean() < 0.5


@settings(max_examples=20)
@given(st.integers(0, 30), st.integers(2, 30))
def test_an_interval_holds_its_mean_and_repeats(seed, count):
    values = np.random.default_rng(seed).random(count)
    found = [
        bootstrap_mean(values, np.arange(count), np.random.default_rng(1), draws=200)
        for _ in range(2)
    ]
    assert found[0] == found[1]
    assert found[0].low <= found[0].value <= found[0].high


def test_copies_of_rows_are_no_further_evidence():
    values = np.random.default_rng(0).random(20)
    own = bootstrap_mean(values, np.arange(20), np.random.default_rng(1))
    tenfold = bootstrap_mean(
        np.repeat(values, 10), np.repeat(np.arange(20), 10), np.random.default_rng(1)
    )
    assert (tenfold.low, tenfold.high) == pytest.approx((own.low, own.high))
    alone = bootstrap_mean(values, np.zeros(20), np.random.default_rng(1))
    assert alone.low == alone.high == alone.value
    with pytest.raises(UsageError, match="at least one row"):
        bootstrap_mean(np.empty(0), np.empty(0), np.random.default_rng(1))


def test_intervals_hold_the_truth_as_often_as_they_say():
    rng = np.random.default_rng(0)
    held = 0
    for _ in range(200):
        values = (rng.random(60) < 0.6).astype(float)
        found = bootstrap_mean(values, np.arange(60), rng, draws=400)
        held += found.low <= 0.6 <= found.high
    assert 180 <= held <= 199


@given(st.integers(0, 40), st.integers(8, 40), st.integers(8, 40))
def test_pasted_pieces_are_small_and_come_from_the_picture(seed, height, width):
    rng = np.random.default_rng(seed)
    pixels = rng.integers(0, 256, (height, width, 3), dtype=np.uint8)
    kept = pixels.copy()
    for paste in (paste_patch, paste_scar):
        made = paste(pixels, np.random.default_rng(seed))
        np.testing.assert_array_equal(pixels, kept)
        np.testing.assert_array_equal(made, paste(pixels, np.random.default_rng(seed)))
        changed = (made != pixels).any(axis=2).mean()
        assert changed <= max(0.06, 16 / (height * width))
        assert made.shape == pixels.shape


def scenes(count, *, lit_from_above):
    rng = np.random.default_rng(0)
    pictures = rng.normal(128, 25, (count, 64, 64))
    if lit_from_above:
        pictures += np.linspace(40, -40, 64)[:, None]
    return pictures.astype(np.float32)


@pytest.mark.parametrize("lit_from_above", [True, False])
def test_pictures_with_an_up_and_a_down_are_told_from_their_upside_down(lit_from_above):
    pictures = scenes(80, lit_from_above=lit_from_above)
    original = np.stack([layout_of(one) for one in pictures])

    def told(change):
        changed = [layout_of(np.ascontiguousarray(change(one))) for one in pictures]
        return share_told_apart(original, np.stack(changed))

    assert (told(lambda one: one[::-1]) > 0.9) == lit_from_above
    assert (told(np.rot90) > 0.9) == lit_from_above
    assert told(lambda one: one[:, ::-1]) < 0.65


def test_effective_rank_is_the_exponential_of_the_entropy_of_singular_values():
    rows = np.diag([3.0, 1.0]).astype(np.float32)
    entropy = -(0.75 * np.log(0.75) + 0.25 * np.log(0.25))
    assert effective_rank(rows) == pytest.approx(np.exp(entropy), abs=1e-6)


def test_a_partner_among_equals_is_found_half_way_through_them():
    """Four equal rows: three rivals, none better, half of them before: 1 / (1 + 1.5)."""
    rows = np.ones((4, 1), np.float32)
    assert partner_ranks(rows, rows, np.arange(4)) == pytest.approx([0.4] * 4)


def test_an_interval_is_of_the_mean_of_rows_when_groups_differ_in_size():
    """Of one large group and two small ones, the draws weigh rows and not groups."""
    values = np.array([1.0] * 8 + [0.0, 0.0])
    groups = np.array([0] * 8 + [1, 2])
    found = bootstrap_mean(values, groups, np.random.default_rng(5), level=0.5)
    times = np.random.default_rng(5).multinomial(3, [1 / 3] * 3, size=2000)
    means = [8 * a / (8 * a + b + c) for a, b, c in times]
    assert (found.value, found.low, found.high) == pytest.approx(
        (0.8, *np.quantile(means, [0.25, 0.75]))
    )
