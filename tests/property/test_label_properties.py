"""What must not matter to clusters, propagation and wrong labels: the order of rows."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from tamis.algo.clusters import adjusted_rand, cluster
from tamis.algo.mislabels import find_mislabels
from tamis.algo.propagation import propagate


def rows_of(seed, n=40):
    rng = np.random.default_rng(seed)
    truth = np.arange(n) % 3
    rows = np.random.default_rng(99).standard_normal((3, 6))[truth] + rng.standard_normal((n, 6))
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32), truth


def rng():
    return np.random.default_rng(5)


@settings(max_examples=3, deadline=None)
@given(seed=st.integers(0, 99))
def test_the_order_of_rows_changes_no_label(seed):
    X, truth = rows_of(seed)
    order = np.random.default_rng(seed).permutation(len(X))
    place = np.argsort(order)
    given_rows = np.arange(12)
    names = np.array(["a", "b", "c"])[truth]
    a = propagate(X, given_rows, names[:12], rng=rng())
    b = propagate(X[order], place[given_rows], names[:12], rng=rng())
    assert a.method == b.method
    assert np.array_equal(a.probabilities[order], b.probabilities)
    assert np.array_equal(a.labels[order], b.labels)
    assert (a.expected.low, a.expected.high) == (b.expected.low, b.expected.high)
    assert a.expected.low <= a.expected.high


@settings(max_examples=2, deadline=None)
@given(seed=st.integers(0, 99))
def test_the_order_of_rows_changes_no_suspicion_and_no_cluster(seed):
    X, truth = rows_of(seed)
    order = np.random.default_rng(seed).permutation(len(X))
    a = find_mislabels(X, truth, rng=rng())
    b = find_mislabels(X[order], truth[order], rng=rng())
    assert np.array_equal(a.scores[order], b.scores)
    assert np.array_equal(a.kinds[order], b.kinds)
    one, two = cluster(X, 4, rng=rng()), cluster(X[order], 4, rng=rng())
    assert np.array_equal(one.labels[order], two.labels)
    assert np.array_equal(one.centroids, two.centroids)


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=2, max_size=30))
def test_the_rand_index_is_symmetric_and_blind_to_names(pairs):
    a, b = np.array(pairs).T
    assert adjusted_rand(a, b) == adjusted_rand(b, a) <= 1
    assert adjusted_rand(a, a * 7 + 3) == 1
