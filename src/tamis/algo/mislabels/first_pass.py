"""A quick first judgment by a discriminant, and a regression that begins where it ends."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tamis.algo.probe.discriminant import fit_discriminants
from tamis.algo.probe.heads import LinearHead
from tamis.algo.probe.logistic import LogisticProblem

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from tamis.algo.probe.heads import Head
    from tamis.algo.probe.ways import ProbeKind, Setting
    from tamis.types import Indices

__all__ = ["DiscriminantStart", "Discriminants"]

_COARSE, _FEW = 1e-3, 60


class Discriminants:
    """A linear discriminant, over four shrinkages."""

    kind: ProbeKind = "logistic"
    temperature = 1.0
    settings: Sequence[Setting] = tuple({"shrinkage": each} for each in (0.3, 1.0, 3.0, 10.0))

    def fit_all(
        self,
        X: NDArray[np.float64],
        classes: Indices,
        settings: Sequence[Setting],
        *,
        exact: bool,  # noqa: ARG002 - always is
    ) -> list[Head]:
        """Fit one head for each setting."""
        return [*fit_discriminants(X, classes, [each["shrinkage"] for each in settings])]


class DiscriminantStart:
    """A logistic regression whose fit begins at a discriminant, which saves most of its steps.

    Args:
        setting: which of the discriminant's settings.
        temperature: which makes probabilities of its logits.
    """

    kind: ProbeKind = "logistic"
    temperature: float = 1.0
    settings: Sequence[Setting] = ({"C": 10.0},)

    def __init__(self, setting: int, temperature: float) -> None:
        self._shrinkage: Final = Discriminants.settings[setting]["shrinkage"]
        self._hot: Final = temperature

    def fit_all(
        self,
        X: NDArray[np.float64],
        classes: Indices,
        settings: Sequence[Setting],
        *,
        exact: bool,  # noqa: ARG002 - rankings need no more
    ) -> list[Head]:
        """Fit one head for each setting, each begun where the one before ended."""
        (start,) = fit_discriminants(X, classes, [self._shrinkage])
        problem = LogisticProblem(X, classes, single=True)
        solution = problem.solution(start.weights / self._hot, start.offset / self._hot)
        heads: list[Head] = []
        for setting in settings:
            solution = problem.fit(setting["C"], solution, tolerance=_COARSE, steps=_FEW)
            heads.append(LinearHead(*problem.linear(solution)))
        return heads
