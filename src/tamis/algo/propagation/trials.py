"""Which contender labels held-out seeds best, and how right the choice will turn out."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import log_softmax, softmax

from tamis.algo.intervals import Estimate, share_right
from tamis.algo.probe.calibration import fit_temperature

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from tamis.algo.propagation.contenders import Contender, Seeds
    from tamis.types import Indices

__all__ = ["Trial", "Trials", "hold_trials"]


@dataclass(frozen=True)
class Trial:
    """What one contender did on seeds held out.

    Attributes:
        name: of the contender.
        accuracy: share of the held-out seeds labelled rightly; None where none could be measured.
        log_loss: mean `-log p(true class)` after its temperature; NaN where not measured.
        temperature: which fits its held-out logits best.
    """

    name: str
    accuracy: Estimate | None
    log_loss: float
    temperature: float


@dataclass(frozen=True)
class Trials:
    """All contenders on seeds held out, and the choice of the best of them measured as well.

    Attributes:
        trials: in the order of the contenders.
        winner: number of the contender that was most often right; of equals the one with the least
            log loss.
        measured: `[M]` seeds that could be measured: those of whose class another fold has one.
        predicted: `[M]` class, by the contender that won without the seed's own fold, fitted
            without that fold.
        confidence: `[M]` probability of that class.
    """

    trials: tuple[Trial, ...]
    winner: int
    measured: Indices
    predicted: Indices
    confidence: NDArray[np.float64]


def hold_trials(contenders: Sequence[Contender], seeds: Seeds) -> Trials:
    """Hold folds of the seeds out, one for the choice, two for measuring the choice.

    For each fold, every contender is fitted without it and one other in turn; the best of them
    on those others is taken, fitted without the fold, and measured on it. So what
    is measured had no part in the fit, in the temperature, or in the choice. Costs
    `F (F + 1) / 2` fits of each contender for F folds.
    """
    n_folds = seeds.n_folds
    members = [_measurable(seeds, fold) for fold in range(n_folds)]
    measured = np.sort(np.concatenate(members)) if members else np.empty(0, np.int64)
    if n_folds < 2 or measured.size == 0:  # noqa: PLR2004 - one to fit on, one to measure on
        nothing = tuple(Trial(c.name, None, np.nan, c.temperature) for c in contenders)
        return Trials(nothing, 0, np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0))
    single = [[c.held_out((fold,), members[fold]) for fold in range(n_folds)] for c in contenders]
    trials = tuple(
        _trial(c, np.concatenate(logits), seeds.classes[np.concatenate(members)])
        for c, logits in zip(contenders, single, strict=True)
    )
    pairs = _pairs(contenders, seeds, members)
    predicted, confidence = np.empty(seeds.rows.size, np.int64), np.empty(seeds.rows.size)
    for fold in range(n_folds):
        others = [other for other in range(n_folds) if other != fold and members[other].size]
        if not members[fold].size:
            continue
        best, temperature = 0, contenders[0].temperature
        if others:
            truth = seeds.classes[np.concatenate([members[other] for other in others])]
            inner = [
                _trial(c, np.concatenate([pairs[place][fold, other] for other in others]), truth)
                for place, c in enumerate(contenders)
            ]
            best = _best(inner)
            temperature = inner[best].temperature
        probabilities = softmax(single[best][fold] / temperature, axis=1)
        predicted[members[fold]] = probabilities.argmax(axis=1)
        confidence[members[fold]] = probabilities.max(axis=1)
    return Trials(trials, _best(trials), measured, predicted[measured], confidence[measured])


def _measurable(seeds: Seeds, fold: int) -> Indices:
    elsewhere = np.unique(seeds.classes[seeds.fold != fold])
    return np.flatnonzero((seeds.fold == fold) & np.isin(seeds.classes, elsewhere))


def _pairs(
    contenders: Sequence[Contender], seeds: Seeds, members: Sequence[Indices]
) -> list[dict[tuple[int, int], NDArray[np.float64]]]:
    """Logits of fold `b`, fitted without `a` and `b`, by contender and (a, b)."""
    found: list[dict[tuple[int, int], NDArray[np.float64]]] = [{} for _ in contenders]
    for a, b in combinations(range(seeds.n_folds), 2):
        both = np.concatenate([members[a], members[b]])
        for place, contender in enumerate(contenders):
            logits = contender.held_out((a, b), both)
            found[place][b, a], found[place][a, b] = np.split(logits, [members[a].size])
    return found


def _trial(contender: Contender, logits: NDArray[np.float64], truth: Indices) -> Trial:
    temperature = fit_temperature(logits, truth, expected=contender.temperature)
    losses = -log_softmax(logits / temperature, axis=1)[np.arange(truth.size), truth]
    right = int((logits.argmax(axis=1) == truth).sum())
    return Trial(contender.name, share_right(right, truth.size), float(losses.mean()), temperature)


def _best(trials: Sequence[Trial]) -> int:
    """Return the one that is most often right; of equals the one with the least log loss."""

    def worth(place: int) -> tuple[float, float]:
        accuracy = trials[place].accuracy
        return (accuracy.value if accuracy else 0.0, -trials[place].log_loss)

    return max(range(len(trials)), key=worth)
