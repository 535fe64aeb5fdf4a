"""At which lines to call two pictures copies, or changed views, learned from the user's pictures.

The score of a pair falls with the excess of its worst coherent region
(`tamis.algo.coherent_residual`): score = 1 / (1 + (excess / 5)²). Three samples enter. Copies made
of the user's own pictures say what copying does here. Random pairs, and the nearest neighbours that
become candidates, say how near other content comes: of the pairs over the line, the lowest excesses
are extrapolated below it. True copies among the candidates lie under the line and are not looked
at, so that they cannot pass for different pictures; those just over it make the line more careful,
never less.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

__all__ = [
    "DEFAULT_THRESHOLDS",
    "FALSE_PAIR_RATE",
    "PairCalibration",
    "PairScores",
    "PairThresholds",
    "calibrate_pairs",
    "copy_score",
    "false_copies",
]

FALSE_PAIR_RATE = 0.01
"""Share of the pairs called a copy that may be none."""

_USUAL_LINE = 5.0
_LINES = (2.0, 6.0)
# Fewer pictures show fewer ways of being copied and of being alike.
_FEW_PICTURES, _LINE_OF_FEW = 200, 4.5
_COPY_QUANTILE, _COPIES_FOUND = 0.98, 0.98
# Doubt about the candidates draws the line no closer than to lose more than a tenth of the copies;
# it is said instead.
_KEPT_COPIES = 0.9
# Made copies are a sample, and other processing is a little worse.
_MARGIN = 1.25
_STEPS = 60
_NO_PAIR = 0.5
_TAIL_SHARE, _FEWEST_OF_TAIL = 0.1, 10
_ONE_SIDED_95 = 1.645
# Narrowest fall of a tail, as a logarithm: what nearly equal excesses of a few pairs would feign.
_NARROWEST = 0.03
_RANDOM_MAY_PASS = 0.02
_OFTEN = 0.8
_SHARED_VIEW = 0.05
# Views: what only a shared view reaches, and the least that candidates have that share one.
_LEAST_VIEW, _CHANGED_VIEW, _SURE_VIEW = 0.7, 0.75, 0.9


@dataclass(frozen=True)
class PairThresholds:
    """The two lines that verdicts are drawn with.

    Attributes:
        copy: score at or above which nothing differs.
        changed: view at or above which two pictures show the same view or template.
    """

    copy: float
    changed: float


DEFAULT_THRESHOLDS = PairThresholds(copy=0.5, changed=_CHANGED_VIEW)
"""What holds where nothing was calibrated."""


class PairScores(NamedTuple):
    """Scores and views of pairs, `[P]` each."""

    score: NDArray[np.float32]
    view: NDArray[np.float32]


@dataclass(frozen=True)
class PairCalibration:
    """What the user's own pictures say about verdicts.

    Attributes:
        thresholds: the lines.
        separable: whether the line for copies keeps `FALSE_PAIR_RATE` and still finds 98 % of the
            copies made, of those that share a view with their original.
        false_pair_rate: expected share of wrong pairs among the pairs called a copy.
        recall: by kind of copy, share of those made that is called a copy.
        random_pass_rate: share of random pairs at or over the line for copies, and at or over the
            line for changed views.
        shared_template: whether so many random pairs share a view that being changed versions of
            each other is the rule here.
        sampled: copies made.
        notes: what to know before trusting the verdicts.
    """

    thresholds: PairThresholds
    separable: bool
    false_pair_rate: float
    recall: dict[str, float]
    random_pass_rate: tuple[float, float]
    shared_template: bool
    sampled: int
    notes: tuple[str, ...]


def copy_score(excess: float) -> float:
    """Turn the excess of the worst region into a score in [0, 1].

    >>> copy_score(0.0), copy_score(5.0), copy_score(float("inf"))
    (1.0, 0.5, 0.0)
    """
    return float(1 / (1 + (excess / _USUAL_LINE) ** 2))


def calibrate_pairs(
    copies: Mapping[str, PairScores],
    candidates: PairScores,
    random: PairScores,
    *,
    pictures: int,
) -> PairCalibration:
    """Choose the lines.

    The line for copies lies a quarter over the excess that 98 % of the made copies stay under. It
    is drawn closer until no more than `FALSE_PAIR_RATE` of the candidates under it are expected to
    be other content, but loses no more than a tenth of the made copies. It is refused, and drawn
    closer, where more than a fiftieth of the random pairs pass it without standing apart from the
    others.

    Args:
        copies: for each kind of copy, copies with their originals.
        candidates: pairs of nearest neighbours, as they are to be judged.
        random: random pairs.
        pictures: how many pictures there are.
    """
    made = np.concatenate([np.empty(0), *(_excess(kind.score) for kind in copies.values())])
    shared = made[np.isfinite(made)]
    worn = float(np.quantile(shared, _COPY_QUANTILE)) if shared.size else _USUAL_LINE / _MARGIN
    highest = _LINES[1] if pictures >= _FEW_PICTURES else _LINE_OF_FEW
    wanted = float(np.clip(worn * _MARGIN, _LINES[0], highest))
    closest = float(np.quantile(shared, _KEPT_COPIES)) if shared.size else wanted
    near, apart = (_excess(pairs.score[pairs.view > 0]) for pairs in (candidates, random))
    line, rate = wanted, 0.0
    for line in np.geomspace(wanted, _LINES[0] / 2, _STEPS).tolist():
        rate = _false_share(near, line)
        passing = np.count_nonzero(apart < line) / max(random.score.size, 1)
        refused = passing > _RANDOM_MAY_PASS and not _keeps_rate(apart, line)
        if not refused and (_keeps_rate(near, line) or line <= closest):
            break
    threshold = round(copy_score(line), 3)
    recall = {
        kind: float((pairs.score >= threshold).mean())
        for kind, pairs in copies.items()
        if pairs.score.size
    }
    # Copies that no longer share a view (a crop of a page of text) are lost at any line.
    found = float((shared <= line).mean()) if shared.size else 1.0
    changed = _changed_view(random)
    passed = tuple(
        float(np.mean(values >= least)) if values.size else 0.0
        for values, least in ((random.score, threshold), (random.view, changed))
    )
    separable = _keeps_rate(near, line) and found >= _COPIES_FOUND
    return PairCalibration(
        thresholds=PairThresholds(threshold, changed),
        separable=separable,
        false_pair_rate=float(rate),
        recall=recall,
        random_pass_rate=(passed[0], passed[1]),
        shared_template=passed[1] > _SHARED_VIEW,
        sampled=int(made.size),
        notes=tuple(_notes(separable, float(rate), found, passed, pictures, recall)),
    )


def false_copies(excesses: NDArray[np.float64], line: float) -> float:
    """Estimate how many pairs of other content lie under a line, from those over it.

    The logarithms of the lowest tenth over the line (ten at least) are taken to fall off
    exponentially; the fall is its estimate's upper 95 % bound, which few pairs make wide.

    Source: Hill, A simple general approach to inference about the tail of a distribution, Annals of
    Statistics 1975.
    """
    over = np.sort(np.log(excesses[np.isfinite(excesses) & (excesses >= line)]))
    if over.size == 0:
        return 0.0
    used = min(max(round(over.size * _TAIL_SHARE), _FEWEST_OF_TAIL), over.size)
    tail = over[:used]
    # One more place, where the fall begins: all pairs that there are may be the tail.
    start = over[used] if used < over.size else tail[-1] + np.log(2) / 2
    fall = max(float(np.mean(start - tail)), _NARROWEST) * (1 + _ONE_SIDED_95 / np.sqrt(used))
    below = used * np.exp(-(start - np.log(line)) / fall)
    return float(below)


def _false_share(excesses: NDArray[np.float64], line: float) -> float:
    called = np.count_nonzero(excesses < line)
    return min(false_copies(excesses, line) / called, 1.0) if called else 0.0


def _keeps_rate(excesses: NDArray[np.float64], line: float) -> bool:
    """Whether few enough false pairs are expected under a line; less than half a pair is none."""
    called = np.count_nonzero(excesses < line)
    allowed = max(FALSE_PAIR_RATE * called, _NO_PAIR)
    return called == 0 or false_copies(excesses, line) <= allowed


def _excess(scores: NDArray[np.float32]) -> NDArray[np.float64]:
    clipped = np.clip(scores.astype(np.float64), 0, 1)
    with np.errstate(divide="ignore"):
        excess: NDArray[np.float64] = _USUAL_LINE * np.sqrt(1 / clipped - 1)
    return excess


def _changed_view(random: PairScores) -> float:
    """Return the view from which two pictures share one: more than unrelated ones reach here."""
    if random.view.size == 0 or np.mean(random.view >= _CHANGED_VIEW) > _SHARED_VIEW:
        # Many pictures of one view: they do share it.
        return _LEAST_VIEW if random.view.size else _CHANGED_VIEW
    high = float(np.quantile(random.view, 0.998))
    return round(float(np.clip(max(high + 0.02, _CHANGED_VIEW), _CHANGED_VIEW, _SURE_VIEW)), 3)


def _notes(  # noqa: PLR0917 - each is one fact
    separable: bool,
    rate: float,
    found: float,
    passed: tuple[float, ...],
    pictures: int,
    recall: Mapping[str, float],
) -> list[str]:
    notes = []
    if not separable:
        notes.append(
            f"No line separates copies from changed pictures here: {found:.0%} of the copies made "
            f"for the purpose are found, and {rate:.1%} of the pairs called a copy may be none. "
            "Look at the pairs before you apply them."
        )
    rarely = [f"{kind} ({share:.0%})" for kind, share in recall.items() if share < _OFTEN]
    if rarely:
        notes.append(
            "Copies of these kinds, made of these pictures, are often not found: "
            f"{', '.join(rarely)}."
        )
    if passed[0] > _RANDOM_MAY_PASS:
        notes.append(
            f"{passed[0]:.0%} of random pairs are copies of each other: exposures of one unchanged "
            "scene, or many copies of few pictures."
        )
    if passed[1] > _SHARED_VIEW:
        notes.append(
            f"{passed[1]:.0%} of random pairs share a view or template: most pictures are changed "
            "versions of each other, and only those in which nothing differs are copies."
        )
    if pictures < _FEW_PICTURES:
        notes.append(
            f"{pictures} pictures are few to calibrate on; the line for copies is drawn closer."
        )
    return notes
