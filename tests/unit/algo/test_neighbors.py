"""Nearest neighbours and near pairs: the exact kernel, the inverted file, and their edges."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest

from tamis.algo import exact_neighbors, top_k
from tamis.algo.neighbors import knn_graph, knn_search, pairs_over
from tamis.algo.neighbors.inverted_file import build
from tamis.algo.neighbors.reach import reach_for_neighbors
from tamis.errors import UsageError


def unit(rows):
    rows = np.asarray(rows, dtype=np.float32)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def cloud(n, dim=16, seed=0):
    return unit(np.random.default_rng(seed).standard_normal((n, dim)))


def clusters(n, seed=0, centers=40, spread=0.25, dim=24):
    rng = np.random.default_rng(seed)
    middle = unit(rng.standard_normal((centers, dim)))
    noise = rng.standard_normal((n, dim)) * spread / np.sqrt(dim)
    return unit(middle[rng.integers(centers, size=n)] + noise)


def grid(n, dim=4, seed=0):
    """Rows with many exact ties: half of the entries of each are +-1, so products are exact."""
    rng = np.random.default_rng(seed)
    signs = rng.choice([-0.5, 0.5], size=(n, dim))
    return signs.astype(np.float32)


def brute_graph(X, k):
    similarity = (X.astype(np.float64) @ X.T.astype(np.float64)).astype(np.float32)
    np.fill_diagonal(similarity, -np.inf)
    order = np.argsort(-similarity, axis=1, kind="stable")[:, :k]
    return order, np.take_along_axis(similarity, order, axis=1)


def rng():
    return np.random.default_rng(0)


def test_graph_agrees_with_scikit_learn():
    from sklearn.neighbors import NearestNeighbors

    X = cloud(700)
    graph = knn_graph(X, 10, rng=rng())
    search = NearestNeighbors(n_neighbors=10, metric="cosine", algorithm="brute").fit(X)
    distance, index = search.kneighbors()
    assert np.array_equal(graph.indices, index)
    np.testing.assert_allclose(1 - graph.similarities, distance, atol=2e-6)
    assert (graph.method, graph.recall_estimate) == ("exact", 1.0)


@pytest.mark.parametrize("tile", [3, 7, 64])
def test_ties_go_to_the_lower_row_whatever_the_tiles(tile, monkeypatch):
    monkeypatch.setattr(exact_neighbors, "_TILE_ROWS", tile)
    X = grid(50)
    graph = knn_graph(X, 9, rng=rng())
    expected, similarity = brute_graph(X, 9)
    assert np.array_equal(graph.indices, expected)
    assert np.array_equal(graph.similarities, similarity)


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_dense_and_sparse_offers_keep_the_same_candidates(share, monkeypatch):
    monkeypatch.setattr(top_k, "_DENSE_SHARE", share)
    monkeypatch.setattr(exact_neighbors, "_TILE_ROWS", 11)
    X = grid(60, seed=1)
    assert np.array_equal(knn_graph(X, 5, rng=rng()).indices, brute_graph(X, 5)[0])


@pytest.mark.parametrize(("n", "k", "width"), [(0, 3, 0), (1, 3, 0), (2, 3, 1), (4, 3, 3)])
@pytest.mark.parametrize("method", ["auto", "exact", "ivf"])
def test_fewer_rows_than_neighbours(n, k, width, method):
    graph = knn_graph(cloud(n), k, method=method, rng=rng())
    assert graph.indices.shape == graph.similarities.shape == (n, width)
    assert graph.indices.dtype == np.int64
    assert graph.similarities.dtype == np.float32
    for row, near in enumerate(graph.indices):
        assert sorted([row, *near]) == sorted(set(near) | {row})
    pairs = pairs_over(cloud(n), -1.0, method=method, rng=rng())
    assert len(pairs.left) == n * (n - 1) // 2


@pytest.mark.parametrize("method", ["exact", "ivf"])
def test_identical_rows_are_neighbours_and_pairs(method):
    X = np.repeat(cloud(30), 2, axis=0)
    graph = knn_graph(X, 1, method=method, rng=rng())
    assert graph.indices[:, 0].tolist() == [row ^ 1 for row in range(60)]
    pairs = pairs_over(X, 1.0, method=method, rng=rng())
    assert pairs.left.tolist() == list(range(0, 60, 2))
    assert pairs.right.tolist() == list(range(1, 60, 2))
    assert pairs.similarity.max() <= 1.0


def test_all_rows_identical():
    X = np.repeat(cloud(1), 40, axis=0)
    for method in ("exact", "ivf"):
        graph = knn_graph(X, 5, method=method, rng=rng())
        assert all(row not in near for row, near in enumerate(graph.indices))
        assert len(pairs_over(X, 1.0, method=method, rng=rng()).left) == 40 * 39 // 2


@pytest.mark.parametrize("kind", [np.float64, np.float16, "strided", "fortran"])
def test_other_layouts_give_the_same_neighbours(kind):
    X = cloud(80)
    expected = knn_graph(X, 3, rng=rng()).indices
    if kind == "strided":
        given = np.repeat(np.repeat(X, 2, axis=0), 2, axis=1)[::2, ::2]
        assert not given.flags.c_contiguous
    elif kind == "fortran":
        given = np.asfortranarray(X)
    else:
        given = X.astype(kind)
    before = given.copy()
    found = knn_graph(given, 3, rng=rng()).indices
    assert np.array_equal(given, before)
    assert np.mean(found == expected) > (0.95 if kind is np.float16 else 0.999)


@pytest.mark.parametrize(
    ("X", "sentence"),
    [
        (np.full((3, 4), np.nan, np.float32), "row 0 holds NaN"),
        (np.eye(3, dtype=np.float32) * 2, "row 0 has length 2"),
        (np.zeros((2, 3), np.float32), "row 0 has length 0"),
        (np.eye(3, dtype=np.int64), "must be floating point, not int64"),
        (np.ones(3, np.float32), r"\[N, D\]"),
        (np.empty((3, 0), np.float32), r"\[N, D\]"),
    ],
)
def test_rows_that_are_no_unit_vectors_are_refused(X, sentence):
    with pytest.raises(UsageError, match=sentence):
        knn_graph(X, 1, rng=rng())
    with pytest.raises(UsageError, match=sentence):
        pairs_over(X, 0.9, rng=rng())


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"k": 0}, "k must be at least 1, not 0"),
        ({"k": 1, "method": "hnsw"}, "method must be auto, exact or ivf, not 'hnsw'"),
        ({"k": 1, "recall": 0.0}, "recall must be over 0"),
        ({"k": 1, "recall": 1.1}, "recall must be over 0"),
    ],
)
def test_graph_options_out_of_range_are_refused(options, sentence):
    with pytest.raises(UsageError, match=sentence):
        knn_graph(cloud(5), **options, rng=rng())


def test_memory_stays_far_under_all_similarities():
    X = cloud(9000, dim=8)
    for call in (lambda: knn_graph(X, 5, rng=rng()), lambda: pairs_over(X, 0.99, rng=rng())):
        tracemalloc.start()
        call()
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < 9000**2 * 4 / 3


def test_inverted_file_reaches_the_recall_it_reports():
    X = clusters(3000)
    exact = knn_graph(X, 10, rng=rng())
    found = knn_graph(X, 10, method="ivf", recall=0.95, rng=rng())
    shared = np.mean(
        [np.isin(a, b).mean() for a, b in zip(found.indices, exact.indices, strict=True)]
    )
    assert found.method == "ivf"
    assert shared >= 0.94
    assert found.recall_estimate == pytest.approx(shared, abs=0.03)
    again = knn_graph(X, 10, method="ivf", recall=0.95, rng=rng())
    assert np.array_equal(found.indices, again.indices)


def test_full_recall_by_inverted_file_is_exact():
    X = clusters(900)
    exact = knn_graph(X, 6, rng=rng())
    found = knn_graph(X, 6, method="ivf", recall=1.0, rng=rng())
    assert np.mean(found.indices == exact.indices) > 0.99


def test_more_recall_needs_more_reach():
    X = cloud(2000)
    file = build(X, rng())
    few = reach_for_neighbors(X, file, 10, 0.5, rng())
    many = reach_for_neighbors(X, file, 10, 0.95, rng())
    assert 0 < few.reach < many.reach
    assert 0.5 <= few.low < few.recall < many.recall <= 1.0
    assert many.low >= 0.95
    assert few.sure_from > many.sure_from


def test_every_row_gets_all_its_neighbours_from_an_inverted_file():
    # More neighbours than any cell holds, so some rows must be looked up exactly.
    X = clusters(400, centers=100, spread=0.05)
    graph = knn_graph(X, 60, method="ivf", recall=0.05, rng=rng())
    assert graph.indices.min() >= 0
    assert np.isfinite(graph.similarities).all()
    for row, near in enumerate(graph.indices):
        assert len(set(near.tolist()) - {row}) == 60


def test_auto_turns_to_the_inverted_file_for_many_clustered_rows(monkeypatch):
    from tamis.algo.neighbors import inverted_file

    monkeypatch.setattr(inverted_file, "EXACT_LIMIT", 1000)
    assert knn_graph(clusters(900), 5, rng=rng()).method == "exact"
    assert knn_graph(clusters(2500), 5, rng=rng()).method == "ivf"
    assert knn_graph(clusters(2500), 5, recall=1.0, rng=rng()).method == "exact"
    # Without clusters most cells would have to be read.
    assert knn_graph(cloud(2500, dim=64), 5, rng=rng()).method == "exact"


def test_search_finds_the_nearest_rows_exactly():
    Q, X = cloud(33, seed=1), cloud(450, seed=2)
    index, similarity = knn_search(Q, X, 7)
    expected = np.argsort(-(Q @ X.T), axis=1, kind="stable")[:, :7]
    assert np.array_equal(index, expected)
    assert (np.diff(similarity, axis=1) <= 0).all()


def test_search_edges():
    X = cloud(3)
    assert knn_search(X, X, 9)[0].shape == (3, 3)
    assert knn_search(X[:0], X, 2)[0].shape == (0, 2)
    assert knn_search(X, X[:0], 2)[0].shape == (3, 0)
    with pytest.raises(UsageError, match="4 dimensions and the vectors 16"):
        knn_search(cloud(2, dim=4), X, 1)


@pytest.mark.parametrize("tile", [5, 2000])
def test_pairs_are_each_found_once(tile, monkeypatch):
    monkeypatch.setattr(exact_neighbors, "_TILE_ROWS", tile)
    X = clusters(120)
    pairs = pairs_over(X, 0.8, rng=rng())
    similarity = X @ X.T
    left, right = np.nonzero(np.triu(similarity >= 0.8, 1))
    assert pairs.left.tolist() == left.tolist()
    assert pairs.right.tolist() == right.tolist()
    np.testing.assert_allclose(pairs.similarity, similarity[left, right], atol=1e-6)
    assert len(left) > 50


def test_inverted_file_finds_the_pairs():
    X = clusters(3000)
    exact = pairs_over(X, 0.95, rng=rng())
    found = pairs_over(X, 0.95, method="ivf", rng=rng())
    assert found.method == "ivf"
    true = set(zip(exact.left.tolist(), exact.right.tolist(), strict=True))
    got = set(zip(found.left.tolist(), found.right.tolist(), strict=True))
    assert got <= true
    assert len(got) >= 0.97 * len(true) > 100
    assert (found.left < found.right).all()


def test_too_many_pairs_are_refused_before_they_fill_the_memory():
    X = np.repeat(cloud(1), 200, axis=0)
    for method in ("exact", "ivf"):
        with pytest.raises(UsageError, match=r"more than 1,000 pairs .* among 200 rows"):
            pairs_over(X, 0.9, max_pairs=1000, method=method, rng=rng())


def test_a_cap_a_row_bounds_the_pairs_and_says_which_rows_were_cut():
    X = clusters(400, centers=4, spread=0.05)
    capped = pairs_over(X, 0.9, per_row=3, rng=rng())
    assert 0 < len(capped.left) <= 400 * 3
    assert capped.capped_rows == 400
    graph = knn_graph(X, 3, rng=rng())
    near = {
        frozenset(pair)
        for row, found in enumerate(graph.indices)
        for pair in ((row, int(other)) for other in found)
    }
    got = {
        frozenset(pair) for pair in zip(capped.left.tolist(), capped.right.tolist(), strict=True)
    }
    assert got == near
    whole = pairs_over(cloud(6), -1.0, per_row=5, rng=rng())
    assert (len(whole.left), whole.capped_rows) == (15, 0)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"threshold": 1.5}, r"in \[-1, 1\], not 1.5"),
        ({"threshold": float("nan")}, r"in \[-1, 1\], not nan"),
        ({"threshold": 0.5, "max_pairs": 0}, "max_pairs must be at least 1"),
        ({"threshold": 0.5, "per_row": 0}, "k must be at least 1"),
    ],
)
def test_pair_options_out_of_range_are_refused(options, sentence):
    with pytest.raises(UsageError, match=sentence):
        pairs_over(cloud(5), **options, rng=rng())
