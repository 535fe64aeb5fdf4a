"""Fréchet distance between two clouds of vectors: how large a shift is, not whether it is one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tamis.errors import UsageError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tamis.types import Indices

__all__ = ["frechet_distance", "frechet_distances"]


def frechet_distance(X: NDArray[Any], Y: NDArray[Any]) -> float:
    """Return the squared Fréchet distance of Gaussians with the moments of both samples.

    `|m - n|² + tr(C + D - 2 (C D)^½)` (Dowson and Landau 1982). A magnitude, not a test: it is
    above 0 for two samples of one distribution, the more so the fewer rows they have, so compare
    it only between batches of one size. O(N D² + D³).

    Args:
        X: `[N, D]`, N at least 2.
        Y: `[M, D]`, M at least 2.

    Raises:
        UsageError: a sample has under two rows.

    Example:
        >>> X = np.random.default_rng(0).normal(size=(500, 3))
        >>> round(frechet_distance(X, X + [2, 0, 0]), 6)
        4.0
    """
    if min(len(X), len(Y)) < 2:  # noqa: PLR2004 - one row has no covariance
        raise UsageError(
            f"a Fréchet distance takes at least two rows a side, not {len(X)} and {len(Y)}"
        )
    first, second = np.asarray(X, np.float64), np.asarray(Y, np.float64)
    offset = first.mean(axis=0) - second.mean(axis=0)
    # (C D)^½ has the trace of the singular values of A Bᵀ, where C = AᵀA and D = BᵀB; of each the
    # triangular factor does.
    roots = [
        np.linalg.qr(side - side.mean(axis=0), mode="r") / np.sqrt(len(side) - 1)
        for side in (first, second)
    ]
    traces = [float((root**2).sum()) for root in roots]
    shared = float(np.linalg.svd(roots[0] @ roots[1].T, compute_uv=False).sum())
    return max(0.0, float(offset @ offset) + sum(traces) - 2 * shared)


def frechet_distances(
    X: NDArray[Any], x_cluster: Indices, Y: NDArray[Any], y_cluster: Indices, *, least: int = 5
) -> dict[int, float]:
    """Return the squared Fréchet distance within each cluster, class or label.

    DriftLens (Greco and others 2024) calls these the per-label distances of a window; clusters
    with under `least` rows on a side are left out.

    Args:
        X: `[N, D]` reference.
        x_cluster: `[N]` cluster of each row.
        Y: `[M, D]` batch.
        y_cluster: `[M]` cluster of each row.
        least: rows that a side must have.
    """
    found: dict[int, float] = {}
    for name in np.intersect1d(x_cluster, y_cluster).tolist():
        mine, theirs = X[x_cluster == name], Y[y_cluster == name]
        if min(len(mine), len(theirs)) >= max(2, least):
            found[int(name)] = frechet_distance(mine, theirs)
    return found
