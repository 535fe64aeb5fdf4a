"""Cosine threshold above which two rows are closer than unrelated pictures usually are."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from tamis.types import Vectors

__all__ = ["FEW_ROWS_THRESHOLD", "LEAST_ROWS", "near_threshold"]

LEAST_ROWS = 100
"""Fewer rows have too few pairs to estimate the tail of their similarities."""

FEW_ROWS_THRESHOLD = 0.95
"""The threshold to use if there are too few rows to estimate one."""

_FALSE_PER_ROW = 0.02
_LOW, _HIGH = 0.9, 0.99
_SAMPLED_ROWS, _SAMPLED_PAIRS = 2000, 2_000_000
_CHUNK = 50_000
_NEARLY_ONE = 1 - 1e-7


def near_threshold(X: Vectors, *, rng: np.random.Generator) -> float | None:
    """Return the similarity that a row exceeds with 0.02 unrelated rows on average.

    The tail of the similarities of random pairs, after Fisher's z, is taken to be exponential
    above the 0.9 quantile. It is fitted up to the 0.99 quantile, which a few near-duplicates do
    not affect, and extrapolated to the rate 0.02 / N. So the threshold adapts to the encoder and
    to how similar all rows are. It is deliberately low: joining one row in fifty wrongly costs a
    split little, a missed leak costs much. If more than a hundredth of all pairs are
    near-duplicates, it is too high. O(D min(N², 2,000,000)) time, O(D) memory besides `X`.

    Args:
        X: `[N, D]` float32 unit vectors.
        rng: draws the pairs if there are more than 2,000 rows.

    Returns:
        A cosine similarity, or None for fewer than 100 rows.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> X = rng.standard_normal((500, 64)).astype(np.float32)
        >>> X /= np.linalg.norm(X, axis=1, keepdims=True)
        >>> 0.5 < near_threshold(X, rng=rng) < 0.7
        True
    """
    n = X.shape[0]
    if n < LEAST_ROWS:
        return None
    if n <= _SAMPLED_ROWS:
        similarity = (X @ X.T)[np.triu_indices(n, 1)]
    else:
        left, right = rng.integers(0, n, (2, _SAMPLED_PAIRS))
        left, right = left[left != right], right[left != right]
        similarity = np.concatenate(
            [
                np.einsum("md,md->m", X[left[at : at + _CHUNK]], X[right[at : at + _CHUNK]])
                for at in range(0, left.size, _CHUNK)
            ]
        )
    z = np.arctanh(np.quantile(similarity.astype(np.float64), [_LOW, _HIGH]).clip(-1, _NEARLY_ONE))
    slope = (z[1] - z[0]) / np.log((1 - _LOW) / (1 - _HIGH))
    beyond = slope * np.log((1 - _LOW) * n / _FALSE_PER_ROW)
    return float(np.tanh(z[0] + beyond))
