"""The rounds of labelling that a dataset's log tells of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ["LabelRound", "Logged", "label_rounds"]


class Logged(Protocol):
    """What is read of an operation: a log's entry, or a report's step."""

    @property
    def verb(self) -> str:
        """What was done."""

    @property
    def state(self) -> str:
        """Whether it was done."""

    @property
    def params(self) -> Mapping[str, Any]:
        """Its options."""

    @property
    def counts(self) -> Mapping[str, Any]:
        """What it did."""


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
        entry
        for entry in log
        if entry.verb == "select" and entry.state == "done" and entry.params.get("round")
    ]
    if label_column is None and rounds:
        label_column = rounds[-1].params["label_column"]
    return [
        LabelRound(
            strategy=entry.params["strategy"],
            picked=entry.counts["selected"],
            **{name: entry.counts[name] for name in _COUNTED},
        )
        for entry in rounds
        if entry.params["label_column"] == label_column
    ]


_COUNTED = ("labels", "classes", "accuracy", "low", "high", "measured", "measured_on")
