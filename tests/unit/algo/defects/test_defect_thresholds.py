"""The conformal threshold, planted flaws, and how well maps agree with masks."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage
from sklearn.metrics import precision_recall_curve, roc_auc_score

from tamis.algo.defects import (
    FLAWS,
    area_under_curve,
    conformal_threshold,
    fewest_for,
    implied_rate,
    localization,
    plant_flaw,
)
from tamis.errors import UsageError


@given(st.integers(1, 400), st.sampled_from([0.01, 0.05, 0.1, 0.3]), st.integers(0, 5))
def test_at_most_the_promised_share_of_new_pictures_is_above(n, rate, seed):
    # of n + 1 exchangeable scores, each is equally likely to be the new one
    scores = np.random.default_rng(seed).permutation(n + 1).astype(float)
    above = [
        scores[new] > conformal_threshold(np.delete(scores, new), np.arange(n), rate).value
        for new in range(0, n + 1, max(1, n // 20))
    ]
    found = conformal_threshold(scores[1:], np.arange(n), rate)
    if n <= 20:
        assert np.mean(above) <= found.promised + 1e-9
    assert found.holds == (n >= fewest_for(rate))
    assert found.promised <= rate + 1e-9 or not found.holds


def test_a_part_counts_once_by_its_worst_picture():
    scores = np.array([1.0, 9.0, 2.0, 3.0])
    groups = np.array([7, 7, 8, 9])
    found = conformal_threshold(scores, groups, 0.25)
    assert (found.groups, found.value, found.holds) == (3, 9.0, True)
    assert implied_rate(scores, groups, 3.0) == 0.5
    assert implied_rate(scores, groups, 10.0) == 0.25


def test_too_few_groups_promise_one_in_one_more_than_there_are():
    found = conformal_threshold(np.array([2.0, 5.0, 3.0]), np.arange(3), 0.05)
    assert (found.value, found.promised, found.fewest, found.holds) == (5.0, 0.25, 19, False)


@pytest.mark.parametrize(("rate", "fewest"), [(0.05, 19), (0.1, 9), (0.01, 99), (0.5, 1)])
def test_the_fewest_pictures_for_a_rate(rate, fewest):
    assert fewest_for(rate) == fewest
    assert (
        not conformal_threshold(np.arange(fewest - 1.0), np.arange(fewest - 1), rate).holds
        if (fewest > 1)
        else True
    )


@pytest.mark.parametrize(("scores", "rate"), [([], 0.1), ([1.0], 0.0), ([1.0], 1.0)])
def test_what_gives_no_threshold_is_refused(scores, rate):
    with pytest.raises(UsageError):
        conformal_threshold(np.array(scores), np.arange(len(scores)), rate)


@settings(max_examples=40)
@given(st.sampled_from(FLAWS), st.integers(8, 80), st.integers(8, 80), st.integers(0, 1000))
def test_a_planted_flaw_changes_its_mask_only(kind, height, width, seed):
    pixels = np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)
    before = pixels.copy()
    made = plant_flaw(pixels, kind, np.random.default_rng(seed))
    np.testing.assert_array_equal(pixels, before)
    assert made.pixels.shape == pixels.shape
    assert made.pixels.dtype == np.uint8
    np.testing.assert_array_equal(made.pixels[~made.mask], pixels[~made.mask])
    assert 0 < made.mask.sum() < 0.5 * made.mask.size
    assert (made.pixels != pixels).any()
    again = plant_flaw(pixels, kind, np.random.default_rng(seed))
    np.testing.assert_array_equal(made.pixels, again.pixels)


def test_area_under_curve_is_scikit_learns():
    rng = np.random.default_rng(0)
    positive, negative = rng.integers(0, 6, 40) + 1.0, rng.integers(0, 6, 60) * 1.0
    truth = np.r_[np.ones(40), np.zeros(60)]
    expected = roc_auc_score(truth, np.r_[positive, negative])
    assert area_under_curve(positive, negative) == pytest.approx(expected)
    with pytest.raises(UsageError):
        area_under_curve(positive, negative[:0])


@pytest.fixture
def maps_and_masks():
    rng = np.random.default_rng(3)
    masks = [np.zeros((40, 30), bool) for _ in range(4)]
    masks[0][5:10, 5:12] = True
    masks[0][20:22, 20:22] = True
    masks[2][30:38, 3:9] = True
    maps = [(rng.random((40, 30)) + mask * 0.6).astype(np.float32) for mask in masks]
    return maps, masks


def test_pixel_figures_are_scikit_learns(maps_and_masks):
    maps, masks = maps_and_masks
    heat, truth = np.concatenate(maps).ravel(), np.concatenate(masks).ravel()
    found = localization(maps, masks)
    assert found.pixel_auroc == pytest.approx(roc_auc_score(truth, heat), abs=2e-3)
    precision, recall, _ = precision_recall_curve(truth, heat)
    best = np.max(2 * precision * recall / np.maximum(precision + recall, 1e-12))
    assert found.f1 == pytest.approx(best, abs=0.02)
    called = heat >= found.f1_threshold
    f1 = 2 * (called & truth).sum() / (called.sum() + truth.sum())
    assert f1 == pytest.approx(found.f1, abs=0.02)


def test_pro_is_that_of_a_slow_loop(maps_and_masks):
    maps, masks = maps_and_masks
    negative = np.concatenate([heat[~mask] for heat, mask in zip(maps, masks, strict=True)])
    rates, shares = [], []
    for threshold in np.quantile(negative, np.linspace(1, 0.65, 300)):
        each = []
        for heat, mask in zip(maps, masks, strict=True):
            labels, count = ndimage.label(mask, np.ones((3, 3)))
            each += [(heat[labels == n] >= threshold).mean() for n in range(1, count + 1)]
        rates.append((negative >= threshold).mean())
        shares.append(np.mean(each))
    inside = np.array(rates) <= 0.3
    expected = np.trapezoid(np.array(shares)[inside], np.array(rates)[inside]) / 0.3
    assert localization(maps, masks).pro == pytest.approx(expected, abs=0.02)


def test_pixels_that_touch_at_a_corner_are_one_flaw():
    mask = np.zeros((40, 30), np.bool_)
    mask[5:9, 5:9] = True
    heat = mask.astype(np.float32)
    mask[9, 9] = True
    assert localization([heat], [mask]).pro == pytest.approx(16 / 17, abs=0.02)


def test_a_perfect_map_and_none(maps_and_masks):
    _, masks = maps_and_masks
    perfect = localization([mask.astype(np.float32) for mask in masks], masks)
    assert (perfect.pixel_auroc, perfect.f1) == pytest.approx((1, 1))
    assert perfect.pro == pytest.approx(1, abs=0.01)
    flat = localization([np.zeros((40, 30), np.float32) for _ in masks], masks)
    assert flat.pixel_auroc == pytest.approx(0.5)


def test_masks_that_do_not_fit_are_refused(maps_and_masks):
    maps, masks = maps_and_masks
    with pytest.raises(UsageError, match="does not fit"):
        localization(maps, [mask[1:] for mask in masks])
    with pytest.raises(UsageError, match="flawed"):
        localization(maps[1:2], masks[1:2])
