"""Input validation for embeddings: finite float32 rows of length 1."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from tamis.errors import UsageError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tamis.types import Vectors

__all__ = ["LENGTH_TOLERANCE", "normalise_rows", "unit_vectors"]

_Float = TypeVar("_Float", np.float32, np.float64)

LENGTH_TOLERANCE = 1e-2
"""Largest deviation of a row's length from 1; float16 storage costs about 1e-3."""

_ROUNDING = 1e-6
"""Rows normalized in float32 are within this of length 1."""


def unit_vectors(X: NDArray[Any], name: str = "the vectors") -> Vectors:
    """Check that the rows of `X` are unit vectors and return it as C-ordered float32 `[N, D]`.

    float16 and float64 input is converted, and rows whose length is off by rounding are
    normalized, each independently; both make a copy. Other input is returned as is. O(ND).

    Args:
        X: `[N, D]` floating point, rows of Euclidean length 1 within `LENGTH_TOLERANCE`.
        name: the name of the array in error messages.

    Raises:
        UsageError: `X` is not a floating-point matrix, has no columns, or a row is not finite or
            not of length 1.

    Example:
        >>> unit_vectors(np.array([[0.6, 0.8]])).dtype
        dtype('float32')
    """
    array = np.asarray(X)
    if array.ndim != 2 or array.shape[1] == 0:  # noqa: PLR2004 - a matrix has two axes
        raise UsageError(f"{name} must have the shape [N, D] with D > 0, not {array.shape}")
    if not np.issubdtype(array.dtype, np.floating):
        raise UsageError(f"{name} must be floating point, not {array.dtype}")
    rows: Vectors = np.ascontiguousarray(array, dtype=np.float32)
    lengths = np.sqrt(np.einsum("nd,nd->n", rows, rows))
    wrong = np.flatnonzero(~(np.abs(lengths - 1.0) <= LENGTH_TOLERANCE))
    if wrong.size:
        first = int(wrong[0])
        if not np.isfinite(lengths[first]):
            raise UsageError(
                f"{name} must be finite, but row {first} holds NaN or infinity "
                f"({wrong.size} bad rows in all): drop or embed those rows again"
            )
        raise UsageError(
            f"{name} must have rows of length 1, but row {first} has length {lengths[first]:.4g} "
            f"({wrong.size} such rows): divide each row by its length"
        )
    off = np.abs(lengths - 1.0) > _ROUNDING
    if off.any():
        # Leave the other rows alone: the result for a row must not depend on other rows.
        rows = np.where(off[:, None], rows / lengths[:, None], rows)
    return rows


def normalise_rows(features: NDArray[_Float]) -> NDArray[_Float]:
    """Divide vectors by their Euclidean length; zero vectors stay zero. O(ND).

    Args:
        features: `[..., D]` floating point.

    Returns:
        An array of the same shape and dtype.

    Example:
        >>> normalise_rows(np.float32([[3, 4], [0, 0]])).round(2).tolist()
        [[0.6000000238418579, 0.800000011920929], [0.0, 0.0]]
    """
    lengths = np.linalg.norm(features, axis=-1, keepdims=True)
    unit: NDArray[_Float] = np.divide(
        features, lengths, out=np.zeros_like(features), where=lengths > 0
    )
    return unit
