"""Vectors of several encoders as one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tamis.algo.unit_vectors import unit_vectors
from tamis.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from tamis.types import Vectors

__all__ = ["join_vectors"]


def join_vectors(columns: Sequence[NDArray[Any]]) -> Vectors:
    """Return unit vectors whose cosines are the means of the cosines in each column.

    Each column is divided by the root of their number and put beside the others, so that an
    encoder of many dimensions counts no more than one of few. O(N D) time and memory.

    Args:
        columns: one or more `[N, D_i]` unit vectors of the same rows.

    Returns:
        `[N, sum of D_i]` float32.

    Raises:
        UsageError: there is no column, they differ in length, or rows are not unit vectors.

    Example:
        >>> joined = join_vectors([np.eye(2), np.array([[1.0], [1.0]])])
        >>> (joined @ joined.T).round(3).tolist()
        [[1.0, 0.5], [0.5, 1.0]]
    """
    parts = [unit_vectors(column) for column in columns]
    lengths = [len(part) for part in parts]
    if len(set(lengths)) != 1:
        raise UsageError(f"columns of vectors to join must have one length, not {lengths}")
    joined: Vectors = np.concatenate(parts, axis=1) / np.float32(np.sqrt(len(parts)))
    return joined
