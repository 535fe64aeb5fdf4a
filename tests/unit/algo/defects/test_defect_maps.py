"""Matrices that resample and smooth, joined levels, regions and brightness."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import gaussian_filter1d, uniform_filter1d

from tamis.algo.defects import (
    at_brightness,
    brightness_of,
    gained,
    gaussian_matrix,
    heat_map,
    highest_count,
    highest_mean,
    joined_levels,
    pooled_level,
    pooling_matrix,
    regions_of,
    resize_matrix,
    smoothed,
)

lengths = st.integers(1, 40)


@given(lengths, lengths)
def test_resampling_keeps_a_constant_line_and_never_leaves_the_range(before, after):
    matrix = resize_matrix(before, after)
    np.testing.assert_allclose(matrix.sum(axis=1), 1, atol=1e-6)
    assert matrix.min() >= 0


@given(st.integers(1, 30), st.sampled_from([0.5, 1.0, 2.5]))
def test_smoothing_is_scipys(length, sigma):
    line = np.random.default_rng(length).random(length)
    expected = gaussian_filter1d(line, sigma, mode="nearest", truncate=np.ceil(4 * sigma) / sigma)
    np.testing.assert_allclose(gaussian_matrix(length, sigma) @ line, expected, atol=2e-4)


@given(st.integers(1, 30))
def test_pooling_is_scipys_uniform_filter(length):
    line = np.random.default_rng(length).random(length)
    expected = uniform_filter1d(line, 3, mode="nearest")
    np.testing.assert_allclose(pooling_matrix(length, 3) @ line, expected, atol=1e-6)


def test_without_smoothing_a_map_stays_as_it_is():
    values = np.random.default_rng(0).random((5, 7)).astype(np.float32)
    np.testing.assert_array_equal(smoothed(values, 0.0), values)


@settings(max_examples=25)
@given(st.integers(1, 9), st.integers(1, 9), st.integers(1, 30), st.integers(1, 30))
def test_a_heat_map_has_the_size_asked_for_and_no_pixel_above_its_places(h, w, rows, columns):
    values = np.random.default_rng(h * 10 + w).normal(size=(h, w)).astype(np.float32)
    heat = heat_map(values, (rows, columns))
    assert heat.shape == (rows, columns)
    assert heat.max() <= values.max() + 1e-5
    assert heat.min() >= values.min() - 1e-5


@settings(max_examples=25)
@given(st.integers(1, 60), st.integers(1, 60), st.integers(1, 40), st.integers(1, 40))
def test_a_pooled_level_is_the_whole_matrices_product(h, w, rows, columns):
    level = np.random.default_rng(h * 61 + w).normal(size=(h, w, 3)).astype(np.float32)
    down = resize_matrix(h, rows) @ pooling_matrix(h, 3)
    across = resize_matrix(w, columns) @ pooling_matrix(w, 3)
    expected = np.einsum("ya,abc,xb->yxc", down, level, across)
    expected /= np.maximum(np.linalg.norm(expected, axis=2, keepdims=True), 1e-12)
    np.testing.assert_allclose(pooled_level(level, (rows, columns)), expected, atol=2e-3)


@settings(max_examples=40)
@given(st.integers(1, 40), st.integers(1, 40), st.integers(0, 99))
def test_the_highest_half_percent_of_places_is_read(h, w, seed):
    values = np.random.default_rng(seed).normal(size=(h, w)).astype(np.float32)
    count = highest_count(h * w)
    expected = np.sort(values, axis=None)[-count:].mean()
    assert highest_mean(values) == pytest.approx(expected, rel=1e-5, abs=1e-6)
    assert highest_mean(values) <= values.max()
    assert count == max(1, round(h * w / 200))


def test_levels_are_unit_vectors_and_the_joined_cosine_is_the_mean_of_theirs():
    rng = np.random.default_rng(1)
    fine, coarse = (
        pooled_level(rng.normal(size=shape).astype(np.float32), (8, 6))
        for shape in ((8, 6, 4), (4, 3, 10))
    )
    assert fine.shape == (8, 6, 4)
    assert coarse.shape == (8, 6, 10)
    np.testing.assert_allclose(np.linalg.norm(coarse, axis=2), 1, atol=1e-5)
    both = joined_levels([fine, coarse])
    a, b = both[0, 0] @ both[3, 4], (fine[0, 0] @ fine[3, 4] + coarse[0, 0] @ coarse[3, 4]) / 2
    assert a == pytest.approx(b, abs=1e-6)


def test_regions_are_the_parts_above_the_threshold_worst_first():
    heat = np.zeros((20, 30), np.float32)
    heat[2:5, 3:9] = 2
    heat[10:12, 20:21] = 5
    heat[12, 21] = 4  # touches by a corner
    small, large = regions_of(heat, 1)
    assert (small.box, small.area, small.peak) == ((20, 10, 2, 3), 3, 5)
    assert (large.box, large.area) == ((3, 2, 6, 3), 18)
    np.testing.assert_array_equal(small.mask | large.mask, heat > 1)
    assert regions_of(heat, 6) == []
    assert len(regions_of(heat, 1, most=1)) == 1


@given(st.floats(0.5, 2))
def test_a_gain_is_rounded_and_clipped(gain):
    pixels = np.arange(255, -1, -1, dtype=np.uint8).reshape(8, 32)[:, ::2]
    expected = np.clip(np.rint(pixels * gain), 0, 255)
    np.testing.assert_array_equal(gained(pixels, gain), expected)


@given(st.floats(0.8, 1.2))
def test_exposures_of_one_picture_come_to_one_brightness(gain):
    pixels = np.random.default_rng(2).integers(30, 180, (16, 16, 3), np.uint8)
    darker = at_brightness(gained(pixels, gain), 100.0)
    assert brightness_of(darker) == pytest.approx(100, abs=1)
    as_it_is = at_brightness(pixels, 100.0)
    assert np.abs(darker.astype(int) - as_it_is.astype(int)).max() <= 2


def test_a_black_picture_stays_dark():
    black = np.zeros((4, 4, 3), np.uint8)
    assert at_brightness(black, 120.0).max() == 0
