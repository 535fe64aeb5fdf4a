"""A network of one hidden layer, fitted by L-BFGS."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
from scipy.optimize import minimize

from tamis.algo.probe.heads import NetworkHead

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tamis.types import Indices

__all__ = ["NetworkProblem", "fit_network"]

_MOST_AXES: Final = 256


class NetworkProblem:
    """Rows and classes to fit a network of one hidden layer of rectified units to.

    Minimised is the mean of `-log p(y | x)` and `penalty / (2 N)` times the squared weights, the
    offsets left out: the objective of scikit-learn's `MLPClassifier`. A step costs O(N D H).

    Args:
        X: `[N, D]` rows.
        classes: `[N]` class of each, from 0 to K - 1.
        hidden: H, how many hidden units.
        penalty: how much the squared weights count.
    """

    def __init__(
        self, X: NDArray[np.float64], classes: Indices, hidden: int, penalty: float
    ) -> None:
        self._X = X
        self._classes = classes
        self._penalty = penalty / len(X)
        n_classes = int(classes.max()) + 1
        self._shapes = ((hidden, X.shape[1]), (hidden,), (n_classes, hidden), (n_classes,))

    def start(self, rng: np.random.Generator) -> NDArray[np.float64]:
        """Draw weights as Glorot and Bengio (2010) do; offsets are 0."""
        parts = []
        for shape in self._shapes:
            bound = np.sqrt(6.0 / sum(shape)) if len(shape) > 1 else 0.0
            parts.append(rng.uniform(-bound, bound, shape).ravel() if bound else np.zeros(shape))
        return np.concatenate(parts)

    def unpack(self, parameters: NDArray[np.float64]) -> list[NDArray[np.float64]]:
        """Return inner weights, their offsets, outer weights and theirs."""
        ends = np.cumsum([int(np.prod(shape)) for shape in self._shapes])[:-1]
        parts = np.split(parameters, ends)
        return [part.reshape(shape) for part, shape in zip(parts, self._shapes, strict=True)]

    def objective(self, parameters: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        """Return the objective and its gradient, of parameters in one row."""
        inner, bias, outer, offset = self.unpack(parameters)
        hidden = np.maximum(self._X @ inner.T + bias, 0.0)
        logits = hidden @ outer.T + offset
        logits -= logits.max(axis=1, keepdims=True)
        slope = np.exp(logits)
        total = slope.sum(axis=1)
        row = np.arange(len(logits))
        loss = float((np.log(total) - logits[row, self._classes]).mean())
        slope /= total[:, None]
        slope[row, self._classes] -= 1.0
        slope /= len(logits)
        back = (slope @ outer) * (hidden > 0)
        loss += 0.5 * self._penalty * float((inner**2).sum() + (outer**2).sum())
        gradient = [
            back.T @ self._X + self._penalty * inner,
            back.sum(axis=0),
            slope.T @ hidden + self._penalty * outer,
            slope.sum(axis=0),
        ]
        return loss, np.concatenate([part.ravel() for part in gradient])


def fit_network(
    X: NDArray[np.float64],
    classes: Indices,
    *,
    hidden: int,
    penalty: float,
    steps: int,
    rng: np.random.Generator,
) -> NetworkHead:
    """Fit a network to rows as seen from their mean, along at most 256 main axes of theirs.

    What the axes leave out of vectors of a thousand numbers is little, and a step costs a fifth.
    Lengths along the axes are brought to a common scale, so that steps need not be small. All of
    it is part of the inner weights that are returned.

    Args:
        X: `[N, D]` rows.
        classes: `[N]` class of each, from 0 to K - 1.
        hidden: how many hidden units.
        penalty: how much squared weights count.
        steps: of L-BFGS at most.
        rng: draws the weights to begin with.
    """
    mean = X.mean(axis=0)
    centred = X - mean
    values, axes = np.linalg.eigh(centred.T @ centred)
    axes = axes[:, ::-1][:, : min(_MOST_AXES, len(X))]
    scale = 1.0 / max(float(np.sqrt(max(values.sum(), 0.0) / centred.size)), 1e-12)
    problem = NetworkProblem(scale * (centred @ axes), classes, hidden, penalty)
    found = minimize(
        problem.objective,
        problem.start(rng),
        jac=True,
        method="L-BFGS-B",
        options={"maxiter": steps, "gtol": 1e-4, "ftol": 1e-7},
    )
    inner, bias, outer, offset = problem.unpack(found.x)
    inner = scale * (inner @ axes.T)
    return NetworkHead(inner, bias - inner @ mean, outer, offset)
