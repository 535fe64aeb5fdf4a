"""Which of two encoders is better on the same pictures, and how sure that is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

import numpy as np

from tamis.algo.paired_bootstrap import bootstrap_mean
from tamis.services.finetune.contract import Figure, Measured

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from tamis.services.finetune.exam import Answers, Exam
    from tamis.types import Indices

__all__ = ["Verdict", "deciding", "verdict_of"]

_ERROR: Final = 0.05

NAMES: Final = {
    "knn": "labels by the nearest pictures",
    "probe": "labels by a probe",
    "halves": "one half of a picture by the other",
    "copies": "copies",
    "flaws": "planted flaws",
    "teacher": "the teacher's neighbors",
}


@dataclass(frozen=True)
class Verdict:
    """The decision.

    Attributes:
        kept: the better encoder; the old one unless the other is surely better.
        why: in one sentence.
        figures: of both.
    """

    kept: Literal["tuned", "old"]
    why: str
    figures: Sequence[Figure]


def deciding(method: str, *, labels: bool) -> tuple[str, ...]:
    """Return the figures that decide: labels where there are any, else what the method is for.

    >>> deciding("cutpaste", labels=False), deciding("simclr", labels=True)
    (('flaws',), ('knn', 'probe'))
    """
    if labels:
        return ("knn", "probe")
    return {"distill": ("teacher",), "cutpaste": ("flaws",)}.get(method, ("halves",))


def verdict_of(
    exam: Exam, before: Answers, after: Answers, decide: tuple[str, ...], seed: int
) -> Verdict:
    """Compare two encoders by their answers in one exam.

    The trained one is kept if a figure that decides is better, and none is worse: neither those
    that decide nor how well copies are told from others. Better and worse mean that the interval
    of the difference leaves out zero. Intervals of figures that decide hold together (Bonferroni).
    """
    figures = [
        _figure(name, exam.groups_of(name), (before.values[name], after.values[name]), decide, seed)
        for name in before.values
    ]
    by_name = {one.name: one for one in figures}
    chosen = [by_name[name] for name in decide]
    better = [one for one in chosen if one.difference.low > 0]
    guarded = [*chosen, *(one for one in figures if one.name == "copies")]
    worse = [one for one in guarded if one.difference.high < 0]
    first = (worse or better or chosen)[0]
    change = first.difference
    told = (
        f"{NAMES[first.name]}: {first.before.value:.3f} before, {first.after.value:.3f} after "
        f"({change.value:+.3f}, {change.low:+.3f} to {change.high:+.3f})"
    )
    if better and not worse:
        return Verdict("tuned", f"training helped: {told}", figures)
    return Verdict("old", f"training did not help, the old encoder is kept: {told}", figures)


def _figure(
    name: str,
    groups: Indices,
    values: tuple[NDArray[np.float64], NDArray[np.float64]],
    decide: tuple[str, ...],
    seed: int,
) -> Figure:
    level = 1 - _ERROR / len(decide) if name in decide else 1 - _ERROR

    def measured(numbers: NDArray[np.float64], level: float = 1 - _ERROR) -> Measured:
        # the same draws for all: one seed, one grouping
        found = bootstrap_mean(numbers, groups, np.random.default_rng([seed, 31]), level=level)
        return Measured(found.value, found.low, found.high)

    before, after = values
    return Figure(
        name,
        measured(before),
        measured(after),
        measured(after - before, level),
        decides=name in decide,
        pictures=len(before),
    )
