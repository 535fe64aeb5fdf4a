"""Several ways to label mixed into one, by how well each did on held-out labels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
from scipy.optimize import minimize
from scipy.special import log_softmax, softmax

from tamis.algo.probe.calibration import fit_temperature

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from tamis.types import Indices

__all__ = ["Mixture", "Scaling", "fit_mixture", "fit_scaling"]

_WORTH: Final = 0.15
"""How much a held-out label counts in the weights: refits share labels, and a way that is best on
a few of them seldom stays the best."""
_LEAST: Final = 0.05


@dataclass(frozen=True)
class Scaling:
    """What turns logits into probabilities: they are divided and shifted.

    Attributes:
        temperature: divides them.
        shift: is added to those of the last class.
    """

    temperature: float
    shift: float = 0.0

    def log_probabilities(self, logits: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return `[M, K]` for logits `[M, K]`."""
        scaled = logits / self.temperature
        if self.shift:
            scaled[:, -1] += self.shift
        found: NDArray[np.float64] = log_softmax(scaled, axis=1)
        return found


@dataclass(frozen=True)
class Mixture:
    """A weighted geometric mean of the probabilities of several ways.

    Attributes:
        weights: of each way; they sum to 1.
        scalings: of each.
        losses: mean log loss of each on held-out labels; NaN without any.
        last: of the mean.
    """

    weights: NDArray[np.float64]
    scalings: tuple[Scaling, ...]
    losses: NDArray[np.float64]
    last: Scaling

    @property
    def parts(self) -> list[int]:
        """Numbers of the ways that count, the heaviest first."""
        order = np.argsort(-self.weights, kind="stable")
        found: list[int] = order[self.weights[order] > 0].tolist()
        return found

    def log_probabilities(self, logits: Iterable[NDArray[np.float64]]) -> NDArray[np.float64]:
        """Return `[M, K]` for the logits `[M, K]` of each of `parts`, in that order."""
        return self.last.log_probabilities(
            _mean(
                self.weights[part] * self.scalings[part].log_probabilities(one)
                for part, one in zip(self.parts, logits, strict=True)
            )
        )


def fit_scaling(
    logits: NDArray[np.float64], truth: Indices, expected: float, *, shifted: bool
) -> Scaling:
    """Return the scaling with the least log loss; a prior holds it where rows are few.

    Temperature scaling, or Platt's (1999) of two classes with a shift: where one is rare,
    probabilities are off by more than a factor of the logits. O(M K) a step.

    Args:
        logits: `[M, K]` of rows that played no part in the fit.
        truth: `[M]` their classes.
        expected: temperature where nothing tells.
        shifted: whether to fit a shift too.
    """
    if not shifted or not truth.size:
        return Scaling(fit_temperature(logits, truth, expected=expected))
    row = np.arange(truth.size)
    from_first = logits - logits[:, :1]

    def loss(at: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        scaled = from_first / expected * np.exp(-at[0])
        slope_of_heat = -scaled
        scaled = scaled.copy()
        scaled[:, -1] += at[1]
        likely = log_softmax(scaled, axis=1)
        wrong = np.exp(likely)
        wrong[row, truth] -= 1.0
        slope = np.array([(wrong * slope_of_heat).sum(), wrong[:, -1].sum()])
        return float(0.5 * at @ at - likely[row, truth].sum()), slope + at

    bounds = [(-np.log(100.0), np.log(100.0)), (-10.0, 10.0)]
    at = minimize(loss, np.zeros(2), jac=True, method="L-BFGS-B", bounds=bounds).x
    return Scaling(float(expected * np.exp(at[0])), float(at[1]))


def fit_mixture(
    logits: Sequence[NDArray[np.float64]],
    truth: Indices,
    expected: Sequence[float],
    *,
    shifted: bool = False,
    trusted: int | None = None,
) -> Mixture:
    """Weigh ways to label by their log loss on held-out labels, and scale them.

    The weights are those of a Bayesian average in which each label counts as .15 of one; what
    would weigh less than .05 is left out. Few labels hardly tell the ways from each other, and
    then a mix does better than the one that happened to be best.

    Args:
        logits: `[M, K]` of each way, for rows that it was not fitted on.
        truth: `[M]` their classes.
        expected: temperature of each where nothing tells.
        shifted: whether the last class has a shift, as `fit_scaling` says.
        trusted: so many of the first share the weight if there is no row; None for all.
    """
    row = np.arange(truth.size)
    scalings = tuple(
        fit_scaling(one, truth, hot, shifted=shifted)
        for one, hot in zip(logits, expected, strict=True)
    )
    if not truth.size:
        weights = np.zeros(len(scalings))
        weights[:trusted] = 1.0
        none = np.full(len(scalings), np.nan)
        return Mixture(weights / weights.sum(), scalings, none, Scaling(1.0))
    likely = [scaling.log_probabilities(one) for scaling, one in zip(scalings, logits, strict=True)]
    losses = np.array([-float(one[row, truth].mean()) for one in likely])
    weights = softmax(-_WORTH * truth.size * losses)
    weights[weights < min(_LEAST, float(weights.max()))] = 0.0
    weights /= weights.sum()
    mean = _mean(weight * one for weight, one in zip(weights, likely, strict=True))
    last = fit_scaling(mean, truth, 1.0, shifted=shifted)
    return Mixture(weights, scalings, losses, last)


def _mean(parts: Iterable[NDArray[np.float64]]) -> NDArray[np.float64]:
    total: NDArray[np.float64] | None = None
    for part in parts:
        total = part if total is None else np.add(total, part, out=total)
    assert total is not None, "one way at least has a weight"
    return total
