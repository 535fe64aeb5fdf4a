"""The normal equations of weighted least squares, for batches of long and thin systems."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["normal_equations"]

_PIECE = 1024


def normal_equations(
    jacobian: NDArray[np.float32], weight: NDArray[np.float32], residual: NDArray[np.float32]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return `J W Jᵀ` `[..., k, k]` and `J W r` `[..., k]` in float64, by products in pieces.

    BLAS would split one long product over threads, which wait for each other longer than they work.

    Args:
        jacobian: `[..., k, n]`.
        weight: `[..., n]`.
        residual: `[..., n]`.

    Example:
        >>> line = np.stack([np.ones(5), np.arange(5)]).astype(np.float32)
        >>> matrix, right = normal_equations(line, np.ones(5, np.float32), 2 * line[1])
        >>> np.linalg.solve(matrix, right).round(6).tolist()
        [0.0, 2.0]
    """
    weighted = jacobian * weight[..., None, :]
    with_residual = np.concatenate([jacobian, residual[..., None, :]], axis=-2)
    n = residual.shape[-1]
    whole = n // _PIECE * _PIECE
    total = np.zeros((*jacobian.shape[:-1], jacobian.shape[-2] + 1))
    if whole:
        first, second = (
            part[..., :whole].reshape(*part.shape[:-1], whole // _PIECE, _PIECE).swapaxes(-2, -3)
            for part in (weighted, with_residual)
        )
        total += (first @ second.swapaxes(-1, -2)).sum(axis=-3, dtype=np.float64)
    if whole < n:
        total += weighted[..., whole:] @ with_residual[..., whole:].swapaxes(-1, -2)
    return total[..., :-1].copy(), total[..., -1].copy()
