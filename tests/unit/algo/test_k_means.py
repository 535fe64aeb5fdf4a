"""Spherical k-means."""

from __future__ import annotations

import numpy as np
import pytest

from tamis.algo.k_means import spherical_k_means
from tamis.errors import UsageError


def clusters(seed=0, k=6, each=50, dim=16):
    rng = np.random.default_rng(seed)
    rows = np.repeat(np.eye(k, dim), each, axis=0) + 0.05 * rng.standard_normal((k * each, dim))
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def rng():
    return np.random.default_rng(0)


def test_every_row_is_in_the_cluster_of_its_nearest_centroid():
    X = clusters()
    found = spherical_k_means(X, 9, rng=rng())
    assert np.array_equal(found.labels, np.argmax(X @ found.centroids.T, axis=1))
    np.testing.assert_allclose(np.linalg.norm(found.centroids, axis=1), 1, atol=1e-5)


def test_separate_clusters_are_not_mixed():
    labels = spherical_k_means(clusters(), 30, rng=rng()).labels
    for label in np.unique(labels):
        assert len(set((np.flatnonzero(labels == label) // 50).tolist())) == 1


def test_repeatable_and_trained_on_a_sample():
    X = clusters(each=200)
    first, again = (
        spherical_k_means(X, 6, rows_per_cluster=20, rng=rng()).labels for _ in range(2)
    )
    assert np.array_equal(first, again)


def test_edges(capfd):
    X = clusters()
    assert spherical_k_means(X[:0], 3, rng=rng()).labels.size == 0
    assert spherical_k_means(X[:2], 5, rng=rng()).centroids.shape == (2, 16)
    assert set(spherical_k_means(X, 1, rng=rng()).labels.tolist()) == {0}
    assert len(spherical_k_means(np.repeat(X[:1], 9, axis=0), 3, rng=rng()).labels) == 9
    assert capfd.readouterr() == ("", "")
    with pytest.raises(UsageError, match="at least 1, not 0"):
        spherical_k_means(X, 0, rng=rng())
