"""How typical a picture is, against plain NumPy."""

from __future__ import annotations

import numpy as np
import pytest

from tamis.services.report.typicality import typicality


@pytest.fixture
def vectors() -> np.ndarray:
    drawn = np.random.default_rng(3).normal(size=(40, 6)).astype(np.float32)
    return drawn / np.linalg.norm(drawn, axis=1, keepdims=True)


def test_typicality_is_the_mean_over_the_nearest(vectors: np.ndarray) -> None:
    found = typicality(vectors, np.random.default_rng(0))
    products = vectors.astype(float) @ vectors.T.astype(float)
    np.fill_diagonal(products, -2)
    top = np.sort(products, axis=1)[:, ::-1]
    assert found is not None
    np.testing.assert_allclose(found.nearest, top[:, 0], atol=1e-6)
    np.testing.assert_allclose(found.typical, top[:, :10].mean(axis=1), atol=1e-6)
    assert found.recall == 1


def test_one_picture_has_no_neighbours(vectors: np.ndarray) -> None:
    assert typicality(vectors[:1], np.random.default_rng(0)) is None
