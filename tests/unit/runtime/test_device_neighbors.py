"""The graph of neighbors on a device: as exact as on the processor, also in crowds."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tamis.algo.exact_neighbors import exact_graph
from tamis.algo.neighbors import knn_graph
from tamis.algo.neighbors.device_kernel import offer_kernel
from tamis.runtime import device_offer
from tamis.runtime.device_neighbors import TorchKernel

pytest.importorskip("torch")

ROUNDING = 2e-6


def unit(vectors):
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def spread(rows, dim, seed=0):
    return unit(np.random.default_rng(seed).standard_normal((rows, dim)))


def crowds(sizes, dim, cosine, seed=0):
    """Crowds of rows that are at about a cosine to each other, far from other crowds."""
    rng = np.random.default_rng(seed)
    centers = unit(rng.standard_normal((len(sizes), dim)))
    noise = unit(rng.standard_normal((sum(sizes), dim)))
    return unit(np.repeat(centers, sizes, axis=0) + np.sqrt(1 / cosine - 1) * noise)


def assert_same(found, expected, X):
    """Each row has the same cosines; other rows only where these are equal but for rounding."""
    numbers, cosines = found
    true_numbers, true_cosines = expected
    np.testing.assert_allclose(cosines, true_cosines, atol=ROUNDING)
    claimed = np.einsum("nd,nkd->nk", X, X[numbers])
    np.testing.assert_allclose(claimed, cosines, atol=ROUNDING)
    assert not (numbers == np.arange(len(X))[:, None]).any()
    assert all(len(set(row)) == len(row) for row in numbers.tolist())
    told_apart = np.abs(true_cosines - true_cosines[:, -1:]) > ROUNDING
    for row, other, apart in zip(numbers, true_numbers, told_apart, strict=True):
        assert set(other[apart].tolist()) <= set(row.tolist())


def kernel(**blocks):
    return TorchKernel("cpu", **{"rows": 64, "columns": 150, "worthwhile": 0, **blocks})


def test_spread_rows_are_settled_by_their_candidates():
    X = spread(500, 24)
    device = kernel()
    assert_same(device.graph(X, 10), exact_graph(X, 10), X)
    assert device.repeated < 50


@pytest.mark.parametrize("cosine", [0.999, 0.9995, 0.99999])
def test_crowds_lose_nothing(cosine):
    X = crowds([200, 200, 30], 48, cosine)
    device = kernel()
    assert_same(device.graph(X, 10), exact_graph(X, 10), X)
    # without the second look these rows would lack neighbors
    assert device.repeated >= 300


def test_equal_rows_are_neighbors_and_none_is_its_own():
    X = np.repeat(spread(30, 16), 20, axis=0)
    assert_same(kernel().graph(X, 5), exact_graph(X, 5), X)


@settings(max_examples=25, deadline=None)
@given(
    rows=st.integers(2, 70),
    k=st.integers(1, 20),
    blocks=st.tuples(st.integers(1, 40), st.integers(1, 80)),
    seed=st.integers(0, 9),
    closeness=st.sampled_from([0.0, 0.9, 0.9999]),
)
def test_blocks_of_any_size_give_the_same(rows, k, blocks, seed, closeness):
    k = min(k, rows - 1)
    X = spread(rows, 8, seed)
    X = unit((1 - closeness) * X + closeness * X[:1])
    found = kernel(rows=blocks[0], columns=blocks[1]).graph(X, k)
    assert found[0].shape == (rows, k)
    assert_same(found, exact_graph(X, k), X)


@pytest.fixture
def offered():
    device = kernel(worthwhile=100)
    offer_kernel(device)
    yield device
    offer_kernel(None)


def test_a_graph_is_computed_there_where_size_pays(offered, monkeypatch):
    asked = []
    inner = offered.graph
    monkeypatch.setattr(offered, "graph", lambda X, k: asked.append(len(X)) or inner(X, k))
    rng = np.random.default_rng(0)
    for rows in (99, 100):
        X = spread(rows, 8)
        graph = knn_graph(X, 3, rng=rng)
        assert_same((graph.indices, graph.similarities), exact_graph(X, 3), X)
        assert (graph.method, graph.recall_estimate) == ("exact", 1.0)
    assert asked == [100]
    knn_graph(spread(200, 8), 3, method="ivf", rng=rng)
    assert asked == [100]


def test_without_a_driver_no_device_is_offered(tmp_path, monkeypatch):
    monkeypatch.setattr(device_offer, "_DRIVER", tmp_path / "none")
    device_offer.offer_device.cache_clear()
    try:
        assert not device_offer.offer_device()
    finally:
        device_offer.offer_device.cache_clear()
