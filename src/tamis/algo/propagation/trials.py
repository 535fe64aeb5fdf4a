"""How well each way labels held-out seeds, their mix, and how right the mix will turn out."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

from tamis.algo.intervals import Estimate, share_right
from tamis.algo.propagation.mixture import fit_mixture

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from tamis.algo.propagation.contenders import Contender, Seeds
    from tamis.algo.propagation.mixture import Mixture
    from tamis.types import Indices

__all__ = ["Trial", "Trials", "hold_trials"]


@dataclass(frozen=True)
class Trial:
    """What one contender did on seeds held out.

    Attributes:
        name: of the contender.
        accuracy: share of the held-out seeds labelled rightly; None where none could be measured.
        log_loss: mean `-log p(true class)` after its scaling; NaN where not measured.
        weight: in the mix that is taken; all sum to 1.
    """

    name: str
    accuracy: Estimate | None
    log_loss: float
    weight: float


@dataclass(frozen=True)
class Trials:
    """All contenders on seeds held out, and the mix of them measured as well.

    Attributes:
        trials: in the order of the contenders.
        mixture: of the contenders.
        measured: `[M]` seeds that could be measured: those of whose class another fold has one.
        probabilities: `[M, K]` by the mix made without the seed's own fold, of contenders fitted
            without that fold.
    """

    trials: tuple[Trial, ...]
    mixture: Mixture
    measured: Indices
    probabilities: NDArray[np.float64]

    @property
    def predicted(self) -> Indices:
        """`[M]`, the likeliest class."""
        found: Indices = self.probabilities.argmax(axis=1)
        return found

    @property
    def confidence(self) -> NDArray[np.float64]:
        """`[M]`, its probability."""
        found: NDArray[np.float64] = self.probabilities.max(axis=1)
        return found

    @property
    def method(self) -> str:
        """What the user reads: the contenders of the mix, the heaviest first."""
        names = [self.trials[part].name for part in self.mixture.parts]
        return names[0] if len(names) == 1 else f"mix of {', '.join(names[:-1])} and {names[-1]}"


def hold_trials(
    contenders: Sequence[Contender],
    seeds: Seeds,
    *,
    shifted: bool = False,
    trusted: int | None = None,
) -> Trials:
    """Hold folds of the seeds out, one for the mix, two for measuring the mix.

    For each fold, every contender is fitted without it and one other in turn; they are mixed by
    how they do on those others, fitted without the fold, and the mix is measured on it. So what
    is measured had no part in the fit, in the scaling, or in the weights. Costs
    `F (F + 1) / 2` fits of each contender for F folds.

    Args:
        contenders: the ways to label.
        seeds: the labels given.
        shifted: whether the last class has a shift, as `fit_scaling` says.
        trusted: so many of the first share the weight where nothing can be measured; None for all.
    """
    hot = [contender.temperature for contender in contenders]
    members = [_measurable(seeds, fold) for fold in range(seeds.n_folds)]
    full = [fold for fold, inside in enumerate(members) if inside.size]
    if seeds.n_folds < 2 or not full:  # noqa: PLR2004 - one to fit on, one to measure on
        empty = np.empty((0, seeds.n_classes))
        mixture = fit_mixture([empty for _ in hot], np.empty(0, np.int64), hot, trusted=trusted)
        nothing = tuple(
            Trial(contender.name, None, np.nan, float(weight))
            for contender, weight in zip(contenders, mixture.weights, strict=True)
        )
        return Trials(nothing, mixture, np.empty(0, np.int64), empty)
    single = [{fold: c.held_out((fold,), members[fold]) for fold in full} for c in contenders]
    pairs = _pairs(contenders, members, full)
    order = np.concatenate([members[fold] for fold in full])
    each = [np.concatenate([of[fold] for fold in full]) for of in single]
    mixture = fit_mixture(each, seeds.classes[order], hot, shifted=shifted)
    parts = []
    for fold in full:
        others = [other for other in full if other != fold]
        inner = [
            np.concatenate([of[fold, other] for other in others])
            if others
            else np.empty((0, seeds.n_classes))
            for of in pairs
        ]
        truth = seeds.classes[np.concatenate([members[o] for o in others])] if others else order[:0]
        without = fit_mixture(inner, truth, hot, shifted=shifted, trusted=trusted)
        parts.append(without.log_probabilities(single[part][fold] for part in without.parts))
    ascending = np.argsort(order)
    return Trials(
        trials=tuple(
            Trial(
                contender.name,
                share_right(int((logits.argmax(axis=1) == seeds.classes[order]).sum()), order.size),
                float(loss),
                float(weight),
            )
            for contender, logits, loss, weight in zip(
                contenders, each, mixture.losses, mixture.weights, strict=True
            )
        ),
        mixture=mixture,
        measured=order[ascending],
        probabilities=np.exp(np.concatenate(parts))[ascending],
    )


def _measurable(seeds: Seeds, fold: int) -> Indices:
    elsewhere = np.unique(seeds.classes[seeds.fold != fold])
    return np.flatnonzero((seeds.fold == fold) & np.isin(seeds.classes, elsewhere))


def _pairs(
    contenders: Sequence[Contender], members: Sequence[Indices], full: Sequence[int]
) -> list[dict[tuple[int, int], NDArray[np.float64]]]:
    """Logits of fold `b`, fitted without `a` and `b`, by contender and (a, b)."""
    found: list[dict[tuple[int, int], NDArray[np.float64]]] = [{} for _ in contenders]
    for a, b in combinations(full, 2):
        both = np.concatenate([members[a], members[b]])
        for place, contender in enumerate(contenders):
            logits = contender.held_out((a, b), both)
            found[place][b, a], found[place][a, b] = np.split(logits, [members[a].size])
    return found
