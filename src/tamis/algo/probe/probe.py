"""A classifier of vectors, with what was measured of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from scipy.special import softmax

from tamis.algo.unit_vectors import unit_vectors

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    from numpy.typing import NDArray

    from tamis.algo.probe.heads import Head
    from tamis.algo.probe.held_out import HeldOut
    from tamis.algo.probe.ways import ProbeKind

__all__ = ["Probe"]


@dataclass(frozen=True)
class Probe:
    """A classifier of vectors.

    Attributes:
        classes: `[K]` names of the classes, ascending.
        head: turns unit vectors into logits.
        temperature: divides the logits, so that probabilities mean what they say.
        method: the kind of head.
        setting: what cross-validation chose for it, by name, such as `C` and `balanced`.
        held_out: what cross-validation measured; its `predicted` are numbers of `classes`.
        tried: mean log loss out of fold of each kind that was compared; empty where one was
            asked for.
    """

    classes: NDArray[Any]
    head: Head
    temperature: float
    method: ProbeKind
    setting: Mapping[str, float]
    held_out: HeldOut
    tried: Mapping[str, float] = field(default_factory=dict)

    def logits(self, X: NDArray[Any]) -> NDArray[np.float64]:
        """Return `[N, K]` logits of unit vectors `[N, D]`, before the temperature."""
        return self.head.logits(unit_vectors(X))

    def probabilities(self, X: NDArray[Any]) -> NDArray[np.float64]:
        """Return `[N, K]` calibrated probabilities of unit vectors `[N, D]`; rows sum to 1."""
        probabilities: NDArray[np.float64] = softmax(self.logits(X) / self.temperature, axis=1)
        return probabilities

    def predict(self, X: NDArray[Any]) -> NDArray[Any]:
        """Return `[N]` names of the likeliest classes of unit vectors `[N, D]`."""
        predicted: NDArray[Any] = self.classes[self.logits(X).argmax(axis=1)]
        return predicted
