"""The rounds of labelling that a dataset's log tells of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tamis.dataset.operations import RoundSelected, told

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tamis.dataset.operations import Logged

__all__ = ["LabelRound", "label_rounds"]


@dataclass(frozen=True)
class LabelRound:
    """One round: what was known when it began, and what it picked.

    Attributes:
        labels: labels to learn from.
        classes: different ones among them.
        accuracy: of a probe, on labels that it was not fitted on; None if none could be held out.
        low: lower end of the accuracy's 95 % interval.
        high: upper end.
        measured: pictures that the accuracy was measured on.
        measured_on: `test split`, or `held-out labels`, those known, out of fold.
        strategy: what picked.
        picked: how many pictures it picked.
    """

    labels: int
    classes: int
    accuracy: float | None
    low: float | None
    high: float | None
    measured: int
    measured_on: str
    strategy: str
    picked: int


def label_rounds(log: Iterable[Logged], label_column: str | None = None) -> list[LabelRound]:
    """Return the rounds that stand, oldest first.

    Args:
        log: operations, oldest first.
        label_column: only rounds of this column; if None those of the last round's.
    """
    rounds = [
        found for entry in log if entry.state == "done" and (found := told(entry, RoundSelected))
    ]
    if label_column is None and rounds:
        label_column = rounds[-1].label_column
    return [
        LabelRound(
            labels=one.labels,
            classes=one.classes,
            accuracy=one.accuracy,
            low=one.low,
            high=one.high,
            measured=one.measured,
            measured_on=one.measured_on,
            strategy=one.strategy,
            picked=one.selected,
        )
        for one in rounds
        if one.label_column == label_column
    ]
