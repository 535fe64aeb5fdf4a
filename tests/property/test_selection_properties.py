"""The guarantees that the literature gives for greedy selection, and indifference to row order."""

from __future__ import annotations

from contextlib import contextmanager
from itertools import combinations
from unittest import mock

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tamis.algo.selection import Quotas, select
from tamis.algo.strategies import STRATEGIES
from tamis.algo.strategies.vectors import dpp as determinantal_module
from tamis.algo.strategies.vectors import facility_location as facility_module
from tamis.algo.strategies.vectors.facility_location import facility_location
from tamis.algo.strategies.vectors.k_center import k_center
from tamis.errors import UsageError


@st.composite
def vectors(draw, most=9, repeats=True):
    n = draw(st.integers(1, most))
    distinct = draw(st.integers(1, n)) if repeats else n
    rng = np.random.default_rng(draw(st.integers(0, 2**16)))
    base = rng.standard_normal((distinct, draw(st.integers(2, 5))))
    rows = base[rng.permutation(np.arange(n) % distinct)].astype(np.float32)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def chances(X, seed=0):
    """Class probabilities by a random linear model, so that alike rows have alike ones."""
    scores = 3 * X @ np.random.default_rng(seed).standard_normal((X.shape[1], 3))
    return np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)


@contextmanager
def small_parts():
    """Make parts of four rows, each compared with all rows of its part."""
    with (
        mock.patch.object(facility_module, "DENSE_LIMIT", 4),
        mock.patch.object(facility_module, "_LEAST_SAMPLE", 1000),
        mock.patch.object(facility_module, "_ROWS_A_PICK", 0),
        mock.patch.object(determinantal_module, "CELLS", 12),
    ):
        yield


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
    likely = chances(X, seed)
    picks = select(X, n, strategy=strategy, probabilities=likely, must=must, rng=rng())
    moved = select(
        X[order], n, strategy=strategy, probabilities=likely[order], must=place[must], rng=rng()
    )
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


@settings(max_examples=150, deadline=None)
@given(
    X=vectors(most=30),
    n=st.integers(0, 25),
    strategy=st.sampled_from([*STRATEGIES, {"typicality": 0.4, "dpp": 0.3, "random": 0.3}]),
    data=st.data(),
)
def test_quotas_are_met_or_refused(X, n, strategy, data):
    size = len(X)
    groups = np.array(data.draw(st.lists(st.integers(-1, 2), min_size=size, max_size=size)))
    least = np.array(data.draw(st.lists(st.integers(0, 6), min_size=3, max_size=3)))
    most = least + np.array(data.draw(st.lists(st.integers(0, 8), min_size=3, max_size=3)))
    rows = st.sets(st.integers(0, size - 1), max_size=size // 3)
    must, excluded = (np.array(sorted(data.draw(rows)), dtype=np.int64) for _ in range(2))
    free = np.setdiff1d(np.arange(size), np.concatenate([must, excluded]))
    wanted = data.draw(st.integers(0, min(4, free.size)))
    include = np.random.default_rng(0).choice(free, wanted, replace=False)
    n = min(n, free.size)
    have = np.array([np.sum(groups[free] == group) for group in range(3)])
    given = np.array([np.sum(groups[include] == group) for group in range(3)])
    outside = np.sum(groups[free] == -1)
    possible = (
        (have >= least).all()
        and (given <= most).all()
        and wanted <= n
        and np.maximum(least, given).sum() + np.sum(groups[include] == -1) <= n
        and np.minimum(most, have).sum() + outside >= n
    )
    options = {"strategy": strategy, "probabilities": chances(X), "must": must}
    options |= {"excluded": excluded, "include": include, "rng": rng()}
    quotas = Quotas(groups, ("a", "b", "c"), least, most)
    if not possible:
        with pytest.raises(UsageError, match=r"cannot be met|to be included"):
            select(X, n, quotas=quotas, **options)
        return
    picks = select(X, n, quotas=quotas, **options)
    picked = picks.indices.tolist()
    assert len(picked) == len(set(picked)) == n
    assert set(picked) <= set(free.tolist())
    assert set(include.tolist()) == set(picked[:wanted])
    for group in range(3):
        assert least[group] <= np.sum(groups[picked] == group) <= most[group]


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 500),
    n=st.integers(1, 8),
    strategy=st.sampled_from(
        ["facility-location", "k-center", "max-herding", "dpp", "uncertainty-herding", "entropy"]
    ),
)
def test_turning_all_rows_changes_nothing(seed, n, strategy):
    generator = np.random.default_rng(seed)
    X = generator.standard_normal((40, 4))
    X = (X / np.linalg.norm(X, axis=1, keepdims=True)).astype(np.float32)
    turn = np.linalg.qr(generator.standard_normal((4, 4)))[0]
    turned = X.astype(np.float64) @ turn
    turned = (turned / np.linalg.norm(turned, axis=1, keepdims=True)).astype(np.float32)
    likely = chances(X)
    picks, again = (
        select(rows, n, strategy=strategy, probabilities=likely, rng=rng()) for rows in (X, turned)
    )
    # Two rows may add the same, such as the last two of a neighbourhood, and rounding decides
    # between them; what follows then is another choice.
    same = picks.indices == again.indices
    upto = n if same.all() else int(np.argmin(same)) + 1
    np.testing.assert_allclose(picks.scores[:upto], again.scores[:upto], atol=1e-4)


@settings(max_examples=40, deadline=None)
@given(X=vectors(most=14), n=st.integers(1, 4), seed=st.integers(0, 100))
def test_random_parts_reach_their_share_of_the_best(X, n, seed):
    """Parts of four rows; the bound holds in expectation, and here it is met by each division."""
    with (
        mock.patch.object(facility_module, "DENSE_LIMIT", 4),
        mock.patch.object(facility_module, "_LEAST_SAMPLE", 1000),
        mock.patch.object(facility_module, "_ROWS_A_PICK", 0),
    ):
        picks = facility_location(X, n, rng=np.random.default_rng(seed))
    similarity = np.maximum(X.astype(np.float64) @ X.T, 0)
    n = min(n, len(X))
    best = max(similarity[list(rows)].max(axis=0).sum() for rows in combinations(range(len(X)), n))
    assert len(set(picks.indices.tolist())) == n
    assert similarity[picks.indices].max(axis=0).sum() >= 0.5 * (1 - 1 / np.e) * best - 1e-5


@settings(max_examples=80, deadline=None)
@given(
    X=vectors(most=40, repeats=False),
    n=st.integers(1, 3),
    seed=st.integers(0, 1000),
    strategy=st.sampled_from(
        ["facility-location", "dpp", "default", {"max-herding": 0.5, "random": 0.5}]
    ),
    data=st.data(),
)
def test_quotas_are_met_in_random_parts_too(X, n, seed, strategy, data):
    size = len(X)
    generator = np.random.default_rng(seed)
    groups = generator.integers(-1, 3, size)
    have = np.array([np.sum(groups == group) for group in range(3)])
    left = n = min(n, size)
    least = np.zeros(3, dtype=np.int64)
    for group in range(3):
        least[group] = data.draw(st.integers(0, min(left, int(have[group]))))
        left -= least[group]
    most = least + data.draw(st.integers(0, 2))
    if np.minimum(most, have).sum() + np.sum(groups == -1) < n:
        most = np.full(3, n)
    quotas = Quotas(groups, ("a", "b", "c"), least, most)
    with small_parts():
        picks = select(X, n, strategy=strategy, quotas=quotas, rng=np.random.default_rng(seed))
    picked = picks.indices
    assert len(set(picked.tolist())) == n
    for group in range(3):
        assert least[group] <= np.sum(groups[picked] == group) <= most[group]
    if strategy in ("facility-location", "dpp") and size > 30:
        part = 4 if strategy == "facility-location" else max(2 * n, 12 // n)
        # Where parts would pick three in four of all rows, dividing leads nowhere.
        assert (picks.parts > 1) == (-(-size // part) * n <= 0.75 * size)
