"""Ways to fit a head, each with the settings that cross-validation chooses from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal, Protocol, TypeAlias

import numpy as np

from tamis.algo.probe.heads import LinearHead, NeighborHead
from tamis.algo.probe.logistic import LogisticProblem, balanced_weights
from tamis.algo.probe.network import fit_network
from tamis.algo.probe.prototypes import fit_prototypes

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from tamis.algo.probe.heads import Head
    from tamis.algo.probe.logistic import LogisticSolution
    from tamis.types import Indices

__all__ = ["Logistic", "Means", "Neighbors", "Network", "ProbeKind", "Setting", "Way"]

ProbeKind = Literal["logistic", "prototypes", "neighbors", "network"]
Setting: TypeAlias = "Mapping[str, float]"

_GRID: Final = tuple(float(C) for C in np.logspace(-1, 3, 9))
_COARSE, _FEW = 1e-4, 60
_EXACT, _MANY = 1e-6, 1000
_NETWORK_STEPS: Final = 100


class Way(Protocol):
    """One kind of head.

    Attributes:
        kind: its name.
        temperature: expected of its logits where nothing can be measured.
        settings: what to choose from, in order; of equals the earlier is taken.
    """

    kind: ProbeKind
    temperature: float
    settings: Sequence[Setting]

    def fit_all(
        self, X: NDArray[np.float64], classes: Indices, settings: Sequence[Setting], *, exact: bool
    ) -> list[Head]:
        """Fit one head for each setting; unless `exact`, only as well as comparing them needs."""


class Means:
    """The nearest class mean by cosine."""

    kind: ProbeKind = "prototypes"
    temperature = 0.1
    settings: Sequence[Setting] = ({},)

    def fit_all(
        self,
        X: NDArray[np.float64],
        classes: Indices,
        settings: Sequence[Setting],
        *,
        exact: bool,  # noqa: ARG002 - always is
    ) -> list[Head]:
        """Fit one head for each setting."""
        found = fit_prototypes(X, classes)
        head = LinearHead(found.directions, np.zeros(len(found.directions)), found.centre)
        return [head for _ in settings]


class Logistic:
    """Logistic regression, over nine penalties and with classes balanced or not.

    Args:
        C: the one to take; None for nine from 0.1 to 1,000.
        balanced: the one to take; None for both.
    """

    kind: ProbeKind = "logistic"
    temperature = 1.0

    def __init__(self, C: float | None = None, balanced: bool | None = None) -> None:
        self.settings: Sequence[Setting] = [
            {"C": strength, "balanced": even}
            for even in ((True, False) if balanced is None else (balanced,))
            for strength in (_GRID if C is None else (float(C),))
        ]

    def fit_all(
        self, X: NDArray[np.float64], classes: Indices, settings: Sequence[Setting], *, exact: bool
    ) -> list[Head]:
        """Fit one head for each setting, each begun where the one before ended."""
        problem = LogisticProblem(X, classes)
        weights = {True: balanced_weights(classes), False: np.ones(len(X))}
        tolerance, steps = (_EXACT, _MANY) if exact else (_COARSE, _FEW)
        solutions: dict[bool, LogisticSolution] = {}
        heads: list[Head] = []
        for setting in settings:
            even = bool(setting["balanced"])
            problem.reweigh(weights[even])
            solutions[even] = problem.fit(
                setting["C"], solutions.get(even), tolerance=tolerance, steps=steps
            )
            heads.append(LinearHead(*problem.linear(solutions[even])))
        return heads


class Neighbors:
    """Votes of the nearest labelled rows.

    Args:
        k: how many vote; None for what does best of 1 to 50.
    """

    kind: ProbeKind = "neighbors"
    temperature = 1.0

    def __init__(self, k: int | None = None) -> None:
        self.settings: Sequence[Setting] = [
            {"k": each} for each in ((10, 5, 3, 1, 20, 50) if k is None else (k,))
        ]

    def fit_all(
        self,
        X: NDArray[np.float64],
        classes: Indices,
        settings: Sequence[Setting],
        *,
        exact: bool,  # noqa: ARG002 - always is
    ) -> list[Head]:
        """Fit one head for each setting: keep the rows."""
        rows = X.astype(np.float32)
        votes = np.eye(int(classes.max()) + 1)[classes]
        return [NeighborHead(rows, votes, int(setting["k"])) for setting in settings]


class Network:
    """A network of one hidden layer of 128 units, over three penalties.

    Args:
        penalty: the one to take; None for what does best of 0.1, 1 and 10.
        seed: of the weights to begin with.
    """

    kind: ProbeKind = "network"
    temperature = 1.0

    def __init__(self, penalty: float | None = None, hidden: int = 128, seed: int = 0) -> None:
        self.settings: Sequence[Setting] = [
            {"penalty": each, "hidden": hidden}
            for each in ((0.1, 1.0, 10.0) if penalty is None else (penalty,))
        ]
        self._seed = seed

    def fit_all(
        self, X: NDArray[np.float64], classes: Indices, settings: Sequence[Setting], *, exact: bool
    ) -> list[Head]:
        """Fit one head for each setting, all begun from the same weights."""
        return [
            fit_network(
                X,
                classes,
                hidden=int(setting["hidden"]),
                penalty=setting["penalty"],
                steps=(3 if exact else 1) * _NETWORK_STEPS,
                rng=np.random.default_rng(self._seed),
            )
            for setting in settings
        ]
