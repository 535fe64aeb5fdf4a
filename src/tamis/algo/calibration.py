"""At which lines to call two pictures copies, or changed views, learned from the user's pictures.

The score of a pair falls with the excess of its worst coherent region
(`tamis.algo.coherent_residual`): score = 1 / (1 + (excess / 5)²). Three samples enter. Copies made
of the user's own pictures say what copying does here. Random pairs, and the nearest neighbours that
become candidates, say how near other content comes: from the pairs over the line it is extrapolated
how many lie under it, and no more can than are seen there. So true copies among the candidates
cannot pass for different pictures; those that the line misses make the estimate more careful, and
move the line only where that loses fewer copies than it keeps false pairs out.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from tamis.algo.false_copies import false_copies
from tamis.wording import counted

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from tamis.algo.false_copies import FalseCopies

__all__ = [
    "DEFAULT_THRESHOLDS",
    "FALSE_PAIR_RATE",
    "PairCalibration",
    "PairScores",
    "PairThresholds",
    "calibrate_pairs",
    "copy_excess",
    "copy_score",
]

FALSE_PAIR_RATE = 0.01
"""Share of the pairs called a copy that may be none."""

_USUAL_LINE = 5.0
_LINES = (2.0, 6.0)
# Fewer pictures show fewer ways of being copied and of being alike.
_FEW_PICTURES, _LINE_OF_FEW = 200, 4.5
_COPY_QUANTILE, _COPIES_FOUND = 0.98, 0.98
# False pairs draw the line no closer than to lose a tenth of the copies.
_KEPT_COPIES = 0.9
# What is thrown away is worse than what stays twice.
_HARM_OF_FALSE = 2.0
# Made copies are a sample, and other processing is a little worse.
_MARGIN = 1.25
_STEPS = 20
# Less than half a pair is none, and one among so many pictures does not move a line.
_NO_PAIR, _PICTURES_A_PAIR = 0.5, 2000
# Share of the pairs called that may be none if cautiously put.
_DOUBTFUL_RATE = 0.05
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
        doubtful: score at or above which a pair under the line for copies is undecided, since
            other pictures of the same kind could have drawn the line there; None if there is none.
    """

    copy: float
    changed: float
    doubtful: float | None = None


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
        separable: whether the line for copies finds 98 % of the copies made, of those that share a
            view with their original, and few pairs called a copy are expected to be none: at most
            `FALSE_PAIR_RATE` of them, half a pair, or one in 2,000 pictures. Cautiously put it may
            be 5 % of them or twice as many pairs, and with fewer than 200 pictures no more.
        false_pair_rate: expected share of wrong pairs among the pairs called a copy; equal files
            are not counted.
        recall: by kind of copy, share of those made that is called a copy.
        random_pass_rate: share of random pairs at or over the line for copies, and at or over the
            line for changed views.
        shared_template: whether so many random pairs share a view, without being copies, that being
            changed versions of each other is the rule here.
        sampled: copies made.
        notes: what to know before trusting the verdicts.
        false_pair_rate_high: `false_pair_rate` cautiously put, a 95 % bound of what is to be
            expected; far from it where few pairs were called.
    """

    thresholds: PairThresholds
    separable: bool
    false_pair_rate: float
    recall: dict[str, float]
    random_pass_rate: tuple[float, float]
    shared_template: bool
    sampled: int
    notes: tuple[str, ...]
    false_pair_rate_high: float = 1.0


def copy_score(excess: float) -> float:
    """Turn the excess of the worst region into a score in [0, 1].

    >>> copy_score(0.0), copy_score(5.0), copy_score(float("inf"))
    (1.0, 0.5, 0.0)
    """
    return float(1 / (1 + (excess / _USUAL_LINE) ** 2))


def copy_excess(scores: NDArray[np.float32]) -> NDArray[np.float64]:
    """Undo `copy_score` for many scores; infinite for a score of 0."""
    clipped = np.clip(scores.astype(np.float64), 0, 1)
    with np.errstate(divide="ignore"):
        excess: NDArray[np.float64] = _USUAL_LINE * np.sqrt(1 / clipped - 1)
    return excess


def calibrate_pairs(
    copies: Mapping[str, PairScores],
    candidates: PairScores,
    random: PairScores,
    *,
    pictures: int,
    threshold: float | None = None,
) -> PairCalibration:
    """Choose the lines, or judge the one for copies that was given.

    The line for copies lies a quarter over the excess that 98 % of the made copies stay under.
    Where more of the candidates under it are expected to be other content than
    `PairCalibration.separable` allows, it is drawn closer, to where false pairs and lost copies do
    the least harm, but loses no more than a tenth of the made copies. It is refused, and drawn
    closer, where more than a fiftieth of the random pairs pass it without standing apart from the
    others. Pairs beyond the line that another sample of copies could still have called copies,
    and those that a line drawn closer leaves out, are undecided.

    Args:
        copies: for each kind of copy, copies with their originals.
        candidates: pairs of nearest neighbours, as they are to be judged.
        random: random pairs.
        pictures: how many pictures there are.
        threshold: score from which a pair is a copy, to be taken as it is.
    """
    made = np.concatenate([np.empty(0), *(copy_excess(kind.score) for kind in copies.values())])
    shared = made[np.isfinite(made)]
    worn = float(np.quantile(shared, _COPY_QUANTILE)) if shared.size else _USUAL_LINE / _MARGIN
    highest = _LINES[1] if pictures >= _FEW_PICTURES else _LINE_OF_FEW
    wanted = float(np.clip(worn * _MARGIN, _LINES[0], highest))
    near, apart = (copy_excess(pairs.score[pairs.view > 0]) for pairs in (candidates, random))
    given = threshold is not None
    doubtful = None
    if threshold is None:
        drawn = _line_of_fewest_errors(near, shared, wanted, pictures)
        line = _line_of_random_pairs(apart, drawn, random.score.size)
        threshold = round(copy_score(line), 3)
        closer = line < wanted
        # So few copies leave their quantile in doubt: the furthest of others could lie there.
        furthest = max(float(shared.max()) if shared.size else 0.0, wanted)
        furthest = max(min(furthest * _MARGIN, highest), wanted)
        doubtful = min(round(copy_score(furthest), 3), threshold)
    else:
        line, closer = float(copy_excess(np.array([threshold], np.float32))[0]), False
    called = int(np.count_nonzero(near < line))
    false = false_copies(near, line)
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
    few_false = _few_enough(false, called, pictures) and _surely_few(false, called, pictures)
    separable = few_false and found >= _COPIES_FOUND
    return PairCalibration(
        thresholds=PairThresholds(threshold, changed, doubtful),
        separable=separable,
        false_pair_rate=false.expected / max(called, 1),
        false_pair_rate_high=false.high / max(called, 1),
        recall=recall,
        random_pass_rate=(passed[0], passed[1]),
        shared_template=passed[1] - passed[0] > _SHARED_VIEW,
        sampled=int(made.size),
        notes=(
            *_doubts_of_pairs(threshold, false, called, few_false=few_false),
            *_lost_copies(found, closer=closer),
            *_notes(passed, pictures, recall, given=given),
        ),
    )


def _few_enough(false: FalseCopies, called: int, pictures: int) -> bool:
    """Whether few enough false pairs are expected."""
    return false.expected <= max(FALSE_PAIR_RATE * called, _pairs_borne(pictures))


def _surely_few(false: FalseCopies, called: int, pictures: int) -> bool:
    """Whether there are few even if cautiously put; with few pictures, as few as are expected."""
    if pictures < _FEW_PICTURES:
        return false.high <= max(FALSE_PAIR_RATE * called, _NO_PAIR)
    return false.high <= max(_DOUBTFUL_RATE * called, 2 * _pairs_borne(pictures))


def _pairs_borne(pictures: int) -> float:
    return max(_NO_PAIR, pictures / _PICTURES_A_PAIR)


def _line_of_fewest_errors(
    near: NDArray[np.float64], shared: NDArray[np.float64], wanted: float, pictures: int
) -> float:
    """Draw the line closer where more than a few false pairs are expected, at the least harm.

    Harm is what is expected of false pairs, and of copies lost among those that the wanted line
    finds; a false pair counts as two copies lost. A mere doubt moves nothing: it is said instead.
    """
    called = int(np.count_nonzero(near < wanted))
    at_wanted = false_copies(near, wanted)
    if _few_enough(at_wanted, called, pictures):
        return wanted
    closest = min(float(np.quantile(shared, _KEPT_COPIES)), wanted) if shared.size else wanted
    true = called - at_wanted.expected
    lines = np.geomspace(wanted, max(closest, _LINES[0] / 2), _STEPS)
    harm = [
        _HARM_OF_FALSE * false_copies(near, line).high + true * float(np.mean(shared > line))
        for line in lines.tolist()
    ]
    return float(lines[int(np.argmin(harm))])


def _line_of_random_pairs(apart: NDArray[np.float64], line: float, random: int) -> float:
    """Draw the line closer until few random pairs of other content are expected to pass.

    Many may pass that are copies: exposures of one scene, or ten copies of each picture. Those
    stand apart from the others.
    """
    closest = min(line, _LINES[0] / 2)
    for closer in np.geomspace(line, closest, _STEPS).tolist():
        called = int(np.count_nonzero(apart < closer))
        false = min(false_copies(apart, closer).expected, called)
        if false <= max(_RANDOM_MAY_PASS * random, _NO_PAIR):
            return float(closer)
    return closest


def _changed_view(random: PairScores) -> float:
    """Return the view from which two pictures share one: more than unrelated ones reach here."""
    if random.view.size == 0 or np.mean(random.view >= _CHANGED_VIEW) > _SHARED_VIEW:
        # Many pictures of one view: they do share it.
        return _LEAST_VIEW if random.view.size else _CHANGED_VIEW
    # Copies and changed versions that chance drew tell nothing of unrelated pictures.
    unsure = random.view[random.view < _SURE_VIEW]
    high = float(np.quantile(unsure, 0.998)) if unsure.size else 0.0
    return round(float(np.clip(max(high + 0.02, _CHANGED_VIEW), _CHANGED_VIEW, _SURE_VIEW)), 3)


def _doubts_of_pairs(
    threshold: float, false: FalseCopies, called: int, *, few_false: bool
) -> list[str]:
    high, about = min(ceil(false.high), called), round(false.expected)
    line = f"by pixels (score {threshold:g} or more)"
    which = (
        f"Of {called:,} pairs called copies {line}" if called > 1 else f"1 pair is a copy {line}"
    )
    may = f"up to {high:,} may show other content" if called > 1 else "but may show other content"
    if not few_false:
        about_so_many = f" (about {about:,} most likely)" if high > about > 0 else ""
        note = (
            f"{which}, {may}{about_so_many}, since other pairs come near the line. Look at them "
            "before you rely on them: a gallery of the pairs shows the nearest first."
        )
    elif false.high > max(_NO_PAIR, _DOUBTFUL_RATE * called):
        note = f"{which}, {may} at worst; look before you rely on it."
    else:
        return []
    return [note]


def _lost_copies(found: float, *, closer: bool) -> list[str]:
    if found >= _COPIES_FOUND:
        return []
    why = (
        "the line for copies was drawn closer, to keep pairs with other content out"
        if closer
        else "the others differ from their originals as much as other content may"
    )
    note = (
        f"{found:.1%} of the copies made of these pictures are found; {why}. "
        "A lower threshold finds more, and more pairs that are none."
    )
    return [note]


def _notes(
    passed: tuple[float, ...], pictures: int, recall: Mapping[str, float], *, given: bool
) -> list[str]:
    notes = []
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
    if passed[1] - passed[0] > _SHARED_VIEW:
        notes.append(
            f"{passed[1] - passed[0]:.0%} of random pairs share a view or template: many pictures "
            "are changed versions of each other, and only those in which nothing differs are "
            "copies."
        )
    if pictures < _FEW_PICTURES and not given:
        notes.append(
            f"{counted(pictures, 'picture is')} little to calibrate on; the line for copies is "
            f"drawn closer."
        )
    return notes
