"""The guarantees that the literature gives for greedy selection, and indifference to row order."""

from __future__ import annotations

from itertools import combinations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from tamis.algo.facility_location import facility_location
from tamis.algo.k_center import k_center
from tamis.algo.selection import STRATEGIES, select


@st.composite
def vectors(draw, most=9, repeats=True):
    n = draw(st.integers(1, most))
    distinct = draw(st.integers(1, n)) if repeats else n
    rng = np.random.default_rng(draw(st.integers(0, 2**16)))
    base = rng.standard_normal((distinct, draw(st.integers(2, 5))))
    rows = base[rng.permutation(np.arange(n) % distinct)].astype(np.float32)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def rng():
    return np.random.default_rng(0)


@settings(max_examples=80, deadline=None)
@given(X=vectors(), n=st.integers(1, 4))
def test_facility_location_reaches_its_share_of_the_best(X, n):
    picks = facility_location(X, n, rng=rng())
    similarity = np.maximum(X.astype(np.float64) @ X.T, 0)
    n = min(n, len(X))
    best = max(similarity[list(rows)].max(axis=0).sum() for rows in combinations(range(len(X)), n))
    reached = similarity[picks.indices].max(axis=0).sum()
    assert reached >= (1 - 1 / np.e) * best - 1e-5
    assert abs(picks.gains.sum() - reached) < 1e-4
    assert len(set(picks.indices.tolist())) == n


@settings(max_examples=60, deadline=None)
@given(X=vectors(most=30), n=st.integers(1, 30))
def test_gains_never_rise(X, n):
    gains = facility_location(X, n, rng=rng()).gains
    assert (np.diff(gains) <= 0).all()
    assert (gains >= 0).all()
    assert (np.diff(k_center(X, n).gains) <= 1e-5).all()


@settings(max_examples=80, deadline=None)
@given(X=vectors(), n=st.integers(1, 4))
def test_k_center_is_within_twice_of_the_best(X, n):
    picks = k_center(X, n)
    exact = X.astype(np.float64)
    distance = np.linalg.norm(exact[:, None] - exact[None, :], axis=2)
    n = min(n, len(X))
    best = min(distance[list(rows)].min(axis=0).max() for rows in combinations(range(len(X)), n))
    assert distance[picks.indices].min(axis=0).max() <= 2 * best + 1e-3


@settings(max_examples=60, deadline=None)
@given(
    X=vectors(most=40, repeats=False),
    n=st.integers(1, 12),
    strategy=st.sampled_from(STRATEGIES),
    seed=st.integers(0, 1000),
    data=st.data(),
)
def test_the_same_rows_are_picked_in_whatever_order_they_come(X, n, strategy, seed, data):
    order = np.random.default_rng(seed).permutation(len(X))
    place = np.argsort(order)
    must = np.array(
        sorted(data.draw(st.sets(st.integers(0, len(X) - 1), max_size=len(X) // 3))), dtype=np.int64
    )
    picks = select(X, n, strategy=strategy, must=must, rng=rng())
    moved = select(X[order], n, strategy=strategy, must=place[must], rng=rng())
    assert order[moved.indices].tolist() == picks.indices.tolist()
    assert moved.scores.tolist() == picks.scores.tolist()
    assert moved.represents.tolist() == picks.represents.tolist()
    assert moved.coverage == picks.coverage
    assert not set(must.tolist()) & set(picks.indices.tolist())


@settings(max_examples=40, deadline=None)
@given(X=vectors(most=30), n=st.integers(0, 40), diverse=st.floats(0, 1))
def test_the_number_asked_for_without_repeats(X, n, diverse):
    picks = select(X, n, diverse=diverse, rng=rng())
    assert len(picks.indices) == len(set(picks.indices.tolist())) == min(n, len(X))
    assert len(picks.kinds) == len(picks.scores) == len(picks.indices)
