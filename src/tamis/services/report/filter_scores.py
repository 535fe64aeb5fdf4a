"""What the last keyword filter has left in the log, as a chart."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tamis.dataset.log_reading import last
from tamis.dataset.operations import TextsFiltered
from tamis.services.report.contents import Histogram, Marker

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tamis.services.report.contents import Step

__all__ = ["filter_scores"]


def filter_scores(steps: Sequence[Step]) -> Histogram | None:
    """Return the scores of the last filter that tagged and stands; None where there is none."""
    found = last((step for step in steps if step.state == "done"), TextsFiltered)
    if found is None:
        return None
    meant = ", ".join(found.texts)
    against = ", ".join(found.not_texts)
    rest = f"; less like “{against}”" if against else ""
    how = "by their probability of it" if found.classes else "by their cosine similarity to it"
    line = found.threshold
    return Histogram(
        title=f"Scores of the filter “{meant}”{rest}",
        explanation=(
            f"Each of {found.scored:,} pictures counts once, {how}; of several texts the "
            f"best. {found.matched:,} passed and have the tag “{found.tag}”. Two hills "
            "with the threshold between them say that the texts tell the pictures apart; one hill "
            "says that the threshold is a guess."
        ),
        low=found.histogram["low"],
        high=found.histogram["high"],
        counts=tuple(found.histogram["counts"]),
        axis="probability" if found.classes else "cosine similarity",
        markers=() if line is None else (Marker(line, f"threshold {line:.3f}"),),
    )
