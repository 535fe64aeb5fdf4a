"""What must not matter to the probe: the order of rows, what classes are called, the seed's use."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from tamis.algo.probe import train_probe


@st.composite
def problems(draw):
    n_classes = draw(st.integers(2, 4))
    n = draw(st.integers(n_classes, 20))
    rng = np.random.default_rng(draw(st.integers(0, 2**16)))
    rows = rng.standard_normal((n, draw(st.integers(2, 8)))).astype(np.float32)
    classes = np.concatenate([np.arange(n_classes), rng.integers(0, n_classes, n - n_classes)])
    groups = rng.integers(0, n, n)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True), classes, groups


def train(X, labels, groups, method):
    return train_probe(X, labels, groups=groups, method=method, rng=np.random.default_rng(1))


methods = st.sampled_from(["auto", "prototypes", "logistic"])


@settings(max_examples=15, deadline=None)
@given(problem=problems(), method=methods, seed=st.integers(0, 1000))
def test_the_order_of_rows_changes_no_bit(problem, method, seed):
    X, classes, groups = problem
    order = np.random.default_rng(seed).permutation(len(X))
    a = train(X, classes, groups, method)
    b = train(X[order], classes[order], groups[order], method)
    assert np.array_equal(a.head.weights, b.head.weights)
    assert np.array_equal(a.head.offset, b.head.offset)
    assert (a.temperature, a.setting, a.method) == (b.temperature, b.setting, b.method)
    assert np.array_equal(a.held_out.predicted[order], b.held_out.predicted)
    assert a.held_out.right == b.held_out.right


@settings(max_examples=15, deadline=None)
@given(problem=problems(), method=methods, data=st.data())
def test_names_of_classes_and_groups_change_no_bit(problem, method, data):
    X, classes, groups = problem
    names = np.array(data.draw(st.permutations(["ant", "bee", "cat", "dog"])))
    turned = np.random.default_rng(0).permutation(len(X))
    a = train(X, classes, groups, method)
    b = train(X, names[classes], turned[groups], method)
    place = np.searchsorted(b.classes, names[a.classes])
    assert np.array_equal(a.head.weights, b.head.weights[place])
    assert np.array_equal(a.head.offset, b.head.offset[place])
    assert (a.temperature, a.setting) == (b.temperature, b.setting)
    assert names[a.predict(X)].tolist() == b.predict(X).tolist()


@settings(max_examples=8, deadline=None)
@given(problem=problems(), method=methods)
def test_the_same_seed_gives_the_same_probe(problem, method):
    a, b = train(*problem, method), train(*problem, method)
    assert np.array_equal(a.probabilities(problem[0]), b.probabilities(problem[0]))
    assert np.isfinite(a.probabilities(problem[0])).all()
