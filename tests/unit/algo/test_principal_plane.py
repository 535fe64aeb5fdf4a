"""The plane of largest variance is scikit-learn's, whatever the order of rows."""

from __future__ import annotations

import numpy as np
from sklearn.decomposition import PCA

from tamis.algo.principal_plane import principal_plane


def spread(rows: int = 300, dim: int = 12) -> np.ndarray:
    rng = np.random.default_rng(0)
    scales = np.array([9.0, 5.0, *np.ones(dim - 2)])
    return (rng.normal(size=(rows, dim)) * scales + 3).astype(np.float32)


def test_the_axes_are_those_of_principal_component_analysis():
    vectors = spread()
    ours = principal_plane(vectors).axes
    theirs = PCA(2).fit(vectors).components_
    np.testing.assert_allclose(np.abs((ours * theirs).sum(axis=1)), 1, atol=1e-6)


def test_the_order_of_rows_and_later_rows_move_nothing():
    vectors = spread()
    plane = principal_plane(vectors)
    turned = principal_plane(vectors[::-1])
    np.testing.assert_allclose(plane.place(vectors), turned.place(vectors), atol=1e-5)
    np.testing.assert_array_equal(plane.place(vectors)[:10], plane.place(vectors[:10]))


def test_nearly_all_lie_inside_and_none_outside():
    places = principal_plane(spread()).place(spread())
    assert np.abs(places).max() <= 1
    assert (np.abs(places) < 1).all(axis=1).mean() > 0.97


def test_few_and_equal_vectors_have_places():
    for vectors in (np.zeros((0, 4)), np.ones((1, 4)), np.ones((5, 4)), np.ones((3, 1))):
        given = vectors.astype(np.float32)
        places = principal_plane(given).place(given)
        assert places.shape == (len(vectors), 2)
        assert np.isfinite(places).all()
