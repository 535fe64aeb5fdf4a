"""Filters and samplers of pictures give what SciPy gives, at any shape."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from tamis.algo.affine_sampling import AffineSampler
from tamis.algo.picture_filters import blurred, halved


def picture(seed: int, height: int, width: int) -> np.ndarray:
    rough = np.random.default_rng(seed).uniform(0, 255, (height, width))
    return ndimage.gaussian_filter(rough, 0.8).astype(np.float32)


@settings(max_examples=40, deadline=None)
@given(
    st.integers(0, 99),
    st.integers(2, 70),
    st.integers(2, 70),
    st.sampled_from([0.5, 0.6, 0.9, 1.2, 1.5, 2.5, 3.0]),
    st.sampled_from([1, 2, 3]),
)
def test_blurs_are_gaussians_cut_off_at_three_deviations(seed, height, width, sigma, step):
    values = picture(seed, height, width)
    expected = ndimage.gaussian_filter(values.astype(float), sigma, mode="nearest", truncate=3.0)
    found = blurred(values, sigma, step)
    np.testing.assert_allclose(found, expected[::step, ::step], atol=0.02)
    assert found.dtype == np.float32


def test_a_blur_of_nothing_and_of_a_stack():
    values = np.stack([picture(1, 33, 47), picture(2, 33, 47)])
    np.testing.assert_array_equal(blurred(values, 0), values)
    np.testing.assert_allclose(blurred(values, 1.2)[1], blurred(values[1], 1.2), atol=1e-3)
    np.testing.assert_allclose(halved(values[0]), blurred(values[0], 0.9)[::2, ::2], atol=1e-3)


@pytest.mark.parametrize("turned", [0.0, 0.03, -0.05])
@pytest.mark.parametrize("shape", [(40, 56), (61, 37)])
def test_samples_are_those_of_splines(turned, shape):
    values = picture(3, *shape)
    linear = 0.97 * np.array([[np.cos(turned), -np.sin(turned)], [np.sin(turned), np.cos(turned)]])
    offset = np.array([1.3, 2.6])
    here = (shape[0] - 8, shape[1] - 8)
    sampler = AffineSampler(linear, offset, here, shape)
    inside = (slice(6, -6), slice(6, -6))
    for order, found in ((1, sampler.linear(values)), (3, sampler.cubic(values))):
        expected = ndimage.affine_transform(
            values.astype(float), linear, offset, here, order=order, mode="nearest"
        )
        np.testing.assert_allclose(found[inside], expected[inside], atol=0.1)
