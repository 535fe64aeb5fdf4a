"""Class probabilities from cosines."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import softmax

from tamis.algo.zero_shot import zero_shot_posteriors
from tamis.errors import UsageError


def test_it_is_the_softmax_of_scaled_cosines():
    cosines = np.random.default_rng(0).uniform(-1, 1, (20, 4)).astype(np.float32)
    found = zero_shot_posteriors(cosines, 17.5)
    np.testing.assert_allclose(found, softmax(17.5 * cosines.astype(float), axis=1), rtol=1e-12)


def test_a_large_scale_does_not_overflow():
    found = zero_shot_posteriors(np.array([[1.0, -1.0]]), 1e6)
    assert found.tolist() == [[1.0, 0.0]]


@pytest.mark.parametrize("scale", [0, -3, float("nan")])
def test_a_scale_that_is_not_positive_is_refused(scale):
    with pytest.raises(UsageError, match="must be positive"):
        zero_shot_posteriors(np.eye(2), scale)
