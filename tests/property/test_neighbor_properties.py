"""What holds of neighbours and pairs for any vectors."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from tamis.algo.canonical_order import canonical_order
from tamis.algo.near_components import near_components
from tamis.algo.neighbors import knn_graph, pairs_over
from tamis.algo.neighbors.inverted_file import build, inverted_tiles


@st.composite
def vectors(draw, least=2, most=40):
    """Unit vectors with repeats, from a seed, so that examples stay small to draw and shrink."""
    n = draw(st.integers(least, most))
    distinct = draw(st.integers(1, n))
    rng = np.random.default_rng(draw(st.integers(0, 2**16)))
    base = rng.standard_normal((distinct, draw(st.integers(2, 6))))
    rows = base[rng.integers(distinct, size=n)].astype(np.float32)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def rng():
    return np.random.default_rng(0)


@settings(max_examples=60, deadline=None)
@given(X=vectors(), k=st.integers(1, 12))
def test_graph_holds_the_k_largest_similarities_of_others(X, k):
    graph = knn_graph(X, k, rng=rng())
    similarity = X @ X.T
    np.fill_diagonal(similarity, -np.inf)
    best = -np.sort(-similarity, axis=1)[:, : min(k, len(X) - 1)]
    np.testing.assert_allclose(graph.similarities, best, atol=2e-6)
    for row, near in enumerate(graph.indices):
        assert row not in near
        assert len(set(near.tolist())) == len(near)


@settings(max_examples=60, deadline=None)
@given(X=vectors(), threshold=st.floats(-1, 1), seed=st.integers(0, 1000))
def test_pairs_do_not_depend_on_the_order_of_rows(X, threshold, seed):
    order = np.random.default_rng(seed).permutation(len(X))
    similarity = X @ X.T
    # A similarity within rounding of the threshold may fall on either side.
    if np.abs(similarity - threshold).min() < 2e-5:
        return
    pairs = pairs_over(X, threshold, rng=rng())
    moved = pairs_over(X[order], threshold, rng=rng())
    found = {
        frozenset(pair) for pair in zip(pairs.left.tolist(), pairs.right.tolist(), strict=True)
    }
    again = {
        frozenset(order[list(pair)].tolist()) for pair in zip(moved.left, moved.right, strict=True)
    }
    assert found == again
    assert len(found) == len(pairs.left)


@settings(max_examples=40, deadline=None)
@given(X=vectors(), method=st.sampled_from(["exact", "ivf"]))
def test_two_identical_rows_are_always_found(X, method):
    pairs = pairs_over(X, 1.0, method=method, recall=1.0, rng=rng())
    found = set(zip(pairs.left.tolist(), pairs.right.tolist(), strict=True))
    same = {(i, j) for i in range(len(X)) for j in range(i) if np.array_equal(X[i], X[j])}
    assert {(j, i) for i, j in same} <= found


@settings(max_examples=40, deadline=None)
@given(X=vectors(), threshold=st.floats(-1, 1))
def test_components_join_exactly_what_chains_of_pairs_join(X, threshold):
    labels = near_components(X, threshold, rng=rng()).labels
    pairs = pairs_over(X, threshold, rng=rng())
    assert (labels[pairs.left] == labels[pairs.right]).all()
    parent = list(range(len(X)))

    def root(row):
        while parent[row] != row:
            row = parent[row]
        return row

    for left, right in zip(pairs.left.tolist(), pairs.right.tolist(), strict=True):
        parent[root(left)] = root(right)
    roots = [root(row) for row in range(len(X))]
    assert len(set(roots)) == len(set(labels.tolist())) == labels.max() + 1
    assert len(set(zip(roots, labels.tolist(), strict=True))) == len(set(roots))


@settings(max_examples=40, deadline=None)
@given(X=vectors(), seed=st.integers(0, 1000))
def test_canonical_order_forgets_the_order_of_rows(X, seed):
    shuffled = np.ascontiguousarray(np.random.default_rng(seed).permutation(X))
    assert np.array_equal(X[canonical_order(X)], shuffled[canonical_order(shuffled)])


@settings(max_examples=25, deadline=None)
@given(X=vectors(most=60), reach=st.floats(0, 1), seed=st.integers(0, 100))
def test_an_inverted_file_meets_each_pair_once_and_leaves_no_near_one_out(X, reach, seed):
    met = np.zeros((len(X), len(X)), int)
    for tile in inverted_tiles(X, build(X, np.random.default_rng(seed)), reach):
        i, j = np.nonzero(np.isfinite(tile.similarities))
        np.add.at(met, (tile.rows[i], tile.columns[j]), 1)
    assert (np.diag(met) == 0).all()
    met += met.T
    assert met.max() <= 1
    wide = X.astype(np.float64)
    distance = np.linalg.norm(wide[:, None] - wide, axis=2)
    np.fill_diagonal(distance, np.inf)
    assert (met[distance <= 2 * reach] == 1).all()


@settings(max_examples=25, deadline=None)
@given(X=vectors(most=60), threshold=st.floats(-1, 1), seed=st.integers(0, 100))
def test_pairs_do_not_depend_on_the_kernel_or_its_chance(X, threshold, seed):
    if np.abs(X @ X.T - threshold).min() < 2e-5:
        return
    exact = pairs_over(X, threshold, method="exact", rng=rng())
    found = pairs_over(X, threshold, method="ivf", rng=np.random.default_rng(seed))
    assert np.array_equal(found.left, exact.left)
    assert np.array_equal(found.right, exact.right)
    joined = near_components(X, threshold, method="ivf", rng=np.random.default_rng(seed))
    assert np.array_equal(joined.labels, near_components(X, threshold, rng=rng()).labels)
