"""A linear classifier of vectors, with what was measured of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from scipy.special import softmax

from tamis.algo.unit_vectors import unit_vectors

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tamis.algo.probe.held_out import HeldOut

__all__ = ["Probe"]


@dataclass(frozen=True)
class Probe:
    """A linear classifier of vectors.

    Attributes:
        classes: `[K]` names of the classes, ascending.
        weights: `[K, D]` float64.
        offset: `[K]` float64.
        centre: `[D]` float64, from where a row is seen as a direction; None for rows as they are.
        temperature: divides the logits, so that probabilities mean what they say.
        method: `logistic` or `prototypes`.
        C: how much the losses counted against the penalty; None for prototypes.
        balanced: whether every class counted the same.
        held_out: what cross-validation measured; its `predicted` are numbers of `classes`.
    """

    classes: NDArray[Any]
    weights: NDArray[np.float64]
    offset: NDArray[np.float64]
    centre: NDArray[np.float64] | None
    temperature: float
    method: Literal["logistic", "prototypes"]
    C: float | None
    balanced: bool
    held_out: HeldOut

    def logits(self, X: NDArray[Any]) -> NDArray[np.float64]:
        """Return `[N, K]` logits of unit vectors `[N, D]`, before the temperature. O(NDK)."""
        rows = unit_vectors(X).astype(np.float64)
        if self.centre is not None:
            rows -= self.centre
            lengths = np.linalg.norm(rows, axis=1, keepdims=True)
            np.divide(rows, lengths, out=rows, where=lengths > 0)
        logits: NDArray[np.float64] = rows @ self.weights.T + self.offset
        return logits

    def probabilities(self, X: NDArray[Any]) -> NDArray[np.float64]:
        """Return `[N, K]` calibrated probabilities of unit vectors `[N, D]`; rows sum to 1."""
        probabilities: NDArray[np.float64] = softmax(self.logits(X) / self.temperature, axis=1)
        return probabilities

    def predict(self, X: NDArray[Any]) -> NDArray[Any]:
        """Return `[N]` names of the likeliest classes of unit vectors `[N, D]`."""
        predicted: NDArray[Any] = self.classes[self.logits(X).argmax(axis=1)]
        return predicted
