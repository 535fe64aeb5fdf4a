"""Linear discriminant analysis: classes as clouds of one shape, fitted in one step."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tamis.algo.probe.heads import LinearHead

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from tamis.types import Indices

__all__ = ["fit_discriminants"]


def fit_discriminants(
    X: NDArray[np.float64], classes: Indices, shrinkages: Sequence[float]
) -> list[LinearHead]:
    """Fit Fisher's linear discriminant with a shrunken covariance, once for each shrinkage.

    Each class is a normal distribution around its mean; all have one covariance, to which so many
    times its mean variance is added along every axis (Friedman, JASA 1989). A few wrong labels
    hardly move means and covariance, so that it is harder to mislead than a regression. One
    decomposition serves all shrinkages: O(N D² + D³).

    Args:
        X: `[N, D]` rows.
        classes: `[N]` from 0 to K - 1, each taken at least once.
        shrinkages: over 0.

    Example:
        >>> X = np.array([[0.0, 0.1], [0.1, 0.0], [1.0, 0.9], [0.9, 1.0]])
        >>> (head,) = fit_discriminants(X, np.array([0, 0, 1, 1]), [1.0])
        >>> head.logits(X).argmax(axis=1)
        array([0, 0, 1, 1])
    """
    counts = np.bincount(classes)
    means = (np.eye(counts.size)[classes].T @ X) / counts[:, None]
    within = X - means[classes]
    values, axes = np.linalg.eigh(within.T @ within / len(X))
    values = np.maximum(values, 0.0)
    level = float(values.mean()) or 1.0
    along = means @ axes
    heads = []
    for shrinkage in shrinkages:
        weights = along / (values + shrinkage * level)
        offset = np.log(counts / len(X)) - 0.5 * (weights * along).sum(axis=1)
        heads.append(LinearHead(weights @ axes.T, offset))
    return heads
