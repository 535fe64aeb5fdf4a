"""Fingerprints and unit rows."""

from __future__ import annotations

import numpy as np
import pytest

from tamis.algo.unit_vectors import normalise_rows
from tamis.encoders.base import fingerprint_of


def test_fingerprints_depend_on_content_and_not_on_order():
    assert fingerprint_of({"a": 1, "b": [1.5, "x"]}) == fingerprint_of({"b": [1.5, "x"], "a": 1})
    assert fingerprint_of({"a": 1}) != fingerprint_of({"a": 2})
    assert fingerprint_of({"a": "1"}) != fingerprint_of({"a": 1})


def test_fingerprints_stay_what_they_were():
    assert fingerprint_of({"weights": "w", "pooling": "mean"}) == "005353985f0bdcf5786aeef59336d909"


def test_a_number_that_is_none_has_no_fingerprint():
    with pytest.raises(ValueError, match="not JSON compliant"):
        fingerprint_of({"scale": float("nan")})


def test_rows_get_length_one_and_zero_rows_stay():
    rows = normalise_rows(np.float32([[3, 4], [0, 0], [1e-10, 0]]))
    assert rows.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(rows, axis=1), [1, 0, 1], rtol=1e-6)
