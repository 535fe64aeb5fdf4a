"""The threshold that keeps about so many a period."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tamis.algo.sieve import Sieve
from tamis.algo.sieve.rules import RateThreshold
from tamis.errors import UsageError


def sift(X, times, rate):
    sieve = Sieve(0.9)
    kept = []
    for x, time in zip(X, times, strict=True):
        sieve.threshold = rate.at(time)
        if sieve.offer(x):
            rate.kept(time)
            kept.append(time)
    return np.array(kept)


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    target=st.floats(1, 60),
    period=st.floats(10, 200),
    finest=st.floats(0.5, 0.999),
)
def test_never_more_than_the_target_and_a_burst(seed, target, period, finest):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(400, 6)).astype(np.float32)
    X /= np.linalg.norm(X, axis=1, keepdims=True)
    times = np.cumsum(rng.exponential(size=400))
    rate = RateThreshold(target, period, finest=finest)
    kept = sift(X, times, rate)
    for start in kept[::5]:
        within = (kept >= start).sum()
        assert within <= target * (kept[-1] - start) / period + rate.burst + 2


def test_a_lively_stream_is_kept_at_about_the_target():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(6000, 16)).astype(np.float32)
    X /= np.linalg.norm(X, axis=1, keepdims=True)
    kept = sift(X, np.arange(6000.0), RateThreshold(50, 1000.0, finest=0.99))
    assert 250 <= len(kept) <= 320


def test_where_nothing_new_happens_nothing_is_kept():
    X = np.tile(np.eye(3, dtype=np.float32)[0], (2000, 1))
    kept = sift(X, np.arange(2000.0), RateThreshold(50, 1000.0, finest=0.99))
    assert len(kept) == 1


def test_out_of_range_is_refused():
    with pytest.raises(UsageError, match="cannot keep 0"):
        RateThreshold(0, 10, finest=0.9)
    with pytest.raises(UsageError, match=r"finest is 1\.0"):
        RateThreshold(10, 10, finest=1.0)
