"""What the last keyword filter has left in the log, as a chart."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tamis.services.report.contents import Histogram, Marker

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tamis.services.report.contents import Step

__all__ = ["filter_scores"]


def filter_scores(steps: Sequence[Step]) -> Histogram | None:
    """Return the scores of the last filter that tagged and stands; None where there is none."""
    runs = [step for step in steps if step.verb == "filter" and step.state == "done"]
    if not runs:
        return None
    counts, params = runs[-1].counts, runs[-1].params
    bins, threshold = counts["histogram"], counts["threshold"]
    meant = ", ".join(params["texts"])
    against = ", ".join(params["negatives"])
    rest = f"; less like “{against}”" if against else ""
    how = "by their probability of it" if params["classes"] else "by their cosine similarity to it"
    marker = () if threshold is None else (Marker(threshold, f"threshold {threshold:.3f}"),)
    return Histogram(
        title=f"Scores of the filter “{meant}”{rest}",
        explanation=(
            f"Each of {counts['scored']:,} pictures counts once, {how}; of several texts the "
            f"best. {counts['matched']:,} passed and have the tag “{params['tag']}”. Two hills "
            "with the threshold between them say that the texts tell the pictures apart; one hill "
            "says that the threshold is a guess."
        ),
        low=bins["low"],
        high=bins["high"],
        counts=tuple(bins["counts"]),
        axis="probability" if params["classes"] else "cosine similarity",
        markers=marker,
    )
