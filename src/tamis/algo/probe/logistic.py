"""Multinomial logistic regression with an L2 penalty, by L-BFGS."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
from scipy.optimize import minimize

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tamis.types import Indices

__all__ = ["LogisticProblem", "LogisticSolution", "balanced_weights"]

_MEMORY: Final = 10
"""Pairs of steps that L-BFGS remembers."""


@dataclass(frozen=True)
class LogisticSolution:
    """Weights of a linear classifier, in the coordinates of its `LogisticProblem`.

    Attributes:
        coordinates: `[K, R]` float64.
        offset: `[K]` float64, of centred rows; the entries sum to 0.
    """

    coordinates: NDArray[np.float64]
    offset: NDArray[np.float64]


class LogisticProblem:
    """Rows and classes to fit `p(k | x) ∝ exp(w_k · x + b_k)` to, for any number of penalties.

    Minimised is `C Σ_i s_i loss_i + ½ |W|²`, with the loss `-log p(y_i | x_i)`, sample weights
    `s_i` of mean 1, and `b` not penalised: the objective of scikit-learn's `LogisticRegression`
    for three classes or more. For two it has one vector, which is the difference of ours; the
    same answer takes there a `C` twice as large.

    The answer lies in the span of the centred rows, so where there are fewer rows than numbers in
    one, rows are turned into their coordinates in it (an exact change of variables: it keeps
    lengths), R = min(N, D) numbers each. Setting up costs O(N² D) then, each step of a fit
    O(N K R); memory O(N D).

    Args:
        X: `[N, D]` rows.
        classes: `[N]` class of each row, from 0 to K - 1, each taken at least once.
        weights: `[N]` positive sample weights; 1 if None.
        single: compute in float32: twice as fast, and the gradient is exact to about 1e-6.

    Example:
        >>> X = np.array([[0.0], [0.2], [0.8], [1.0]])
        >>> problem = LogisticProblem(X, np.array([0, 0, 1, 1]))
        >>> weights, offset = problem.linear(problem.fit(10.0))
        >>> (X @ weights.T + offset).argmax(axis=1)
        array([0, 0, 1, 1])
    """

    def __init__(
        self,
        X: NDArray[np.float64],
        classes: Indices,
        weights: NDArray[np.float64] | None = None,
        *,
        single: bool = False,
    ) -> None:
        self.n = len(X)
        self.n_classes = int(classes.max()) + 1
        self._mean = X.mean(axis=0)
        rows = X - self._mean
        self._axes: NDArray[np.float64] | None = None
        if self.n < X.shape[1]:
            axes, turned = np.linalg.qr(rows.T)
            self._axes, rows = axes.T, np.ascontiguousarray(turned.T)
        self._rows = rows.astype(np.float32 if single else np.float64, copy=False)
        self._classes = classes
        self._share = np.full(self.n, 1 / self.n)
        if weights is not None:
            self.reweigh(weights)

    def reweigh(self, weights: NDArray[np.float64]) -> None:
        """Take other sample weights, without setting the problem up anew."""
        self._share = weights / weights.mean() / self.n

    def objective(
        self, parameters: NDArray[np.float64], C: float
    ) -> tuple[float, NDArray[np.float64]]:
        """Return the objective divided by `C N`, and its gradient.

        Args:
            parameters: `[K R + K]` coordinates, row by row, then offsets.
            C: how much the losses count against the penalty.
        """
        coordinates, offset = self._unpacked(parameters)
        kind = self._rows.dtype
        logits = self._rows @ coordinates.T.astype(kind) + offset.astype(kind)
        logits -= logits.max(axis=1, keepdims=True)
        row = np.arange(self.n)
        own = logits[row, self._classes]
        slope = np.exp(logits, out=logits)
        total = slope.sum(axis=1)
        losses = np.log(total) - own
        slope *= (self._share / total)[:, None].astype(kind)
        slope[row, self._classes] -= self._share.astype(kind)
        penalty = 1.0 / (C * self.n)
        value = float(self._share @ losses + 0.5 * penalty * (coordinates**2).sum())
        along = slope.T @ self._rows + penalty * coordinates
        return value, np.concatenate([along.ravel(), slope.sum(axis=0)]).astype(np.float64)

    def fit(
        self,
        C: float,
        start: LogisticSolution | None = None,
        *,
        tolerance: float = 1e-7,
        steps: int = 1000,
    ) -> LogisticSolution:
        """Minimise the objective.

        Args:
            C: how much the losses count against the penalty; over 0.
            start: where to begin, such as the solution for a `C` near by; else at 0.
            tolerance: the largest entry of the gradient of the objective divided by `C N`.
            steps: of L-BFGS at most.
        """
        begin = np.zeros(self.n_classes * (self._rows.shape[1] + 1))
        if start is not None:
            begin = np.concatenate([start.coordinates.ravel(), start.offset])
        found = minimize(
            self.objective,
            begin,
            args=(C,),
            jac=True,
            method="L-BFGS-B",
            options={"maxiter": steps, "gtol": tolerance, "ftol": 0.0, "maxcor": _MEMORY},
        )
        coordinates, offset = self._unpacked(found.x)
        # a number added to all offsets changes no probability
        return LogisticSolution(coordinates, offset - offset.mean())

    def linear(self, solution: LogisticSolution) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return weights `[K, D]` and offsets `[K]` for rows as they were given."""
        weights = solution.coordinates if self._axes is None else solution.coordinates @ self._axes
        return weights, solution.offset - weights @ self._mean

    def solution(
        self, weights: NDArray[np.float64], offset: NDArray[np.float64]
    ) -> LogisticSolution:
        """Return the solution that has weights `[K, D]` and offsets `[K]`, to begin a fit at."""
        coordinates = weights if self._axes is None else weights @ self._axes.T
        moved = offset + weights @ self._mean
        return LogisticSolution(coordinates, moved - moved.mean())

    def _unpacked(
        self, parameters: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        width = self.n_classes * self._rows.shape[1]
        return parameters[:width].reshape(self.n_classes, -1), parameters[width:]


def balanced_weights(classes: Indices) -> NDArray[np.float64]:
    """Return weights `[N]` of mean 1 with which every class counts the same.

    >>> balanced_weights(np.array([0, 0, 0, 1])).round(3).tolist()
    [0.667, 0.667, 0.667, 2.0]
    """
    counts = np.bincount(classes)
    weights: NDArray[np.float64] = len(classes) / (np.count_nonzero(counts) * counts[classes])
    return weights
