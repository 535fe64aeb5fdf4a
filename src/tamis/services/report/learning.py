"""The accuracy that rounds of labeling have left in the log, as a curve."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tamis.dataset.operations import rounds_of
from tamis.services.report.contents import Curve, CurvePoint
from tamis.wording import counted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tamis.services.report.contents import Step

__all__ = ["learning_curve"]


def learning_curve(steps: Sequence[Step]) -> Curve | None:
    """Return accuracy by number of labels over the rounds that stand; None where none was measured.

    Of several rounds with the same labels the last counts.
    """
    rounds = rounds_of(steps)
    points = {
        one.labels: CurvePoint(
            x=one.labels,
            y=one.accuracy,
            low=one.low,
            high=one.high,
            label=(
                f"{counted(one.labels, 'label')} of {one.classes} classes: {one.accuracy:.1%}, "
                f"{one.low:.1%} to {one.high:.1%}, measured on {one.measured:,} "
                f"({one.measured_on}); then {one.selected:,} picked by {one.strategy}"
            ),
        )
        for one in rounds
        if one.accuracy is not None and one.low is not None and one.high is not None
    }
    if not points:
        return None
    on = {one.measured_on for one in rounds if one.measured}
    uneven = (
        ""
        if on == {"test split"}
        else " Held-out labels are those picked so far, predicted by a model that did not see "
        "them; they are no even sample of all pictures."
    )
    return Curve(
        title="Accuracy by number of labels",
        explanation=(
            "At the start of each round a small classifier learned from the labels so far; the "
            f"bars are 95 % intervals of its accuracy.{uneven} What as many random labels would "
            "reach on pictures whose labels are known, tamis select --simulate measures."
        ),
        axis="labels",
        points=tuple(points[labels] for labels in sorted(points)),
    )
