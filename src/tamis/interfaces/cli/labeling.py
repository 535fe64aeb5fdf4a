"""What the command line prints of labels: suspects, propagated ones, and the queue to review."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tamis.interfaces.cli.command import Command
from tamis.services.labeling.contract import FindMislabels, Propagate, Review

if TYPE_CHECKING:
    import typer

    from tamis.interfaces.cli.output import Output
    from tamis.services.labeling.contract import (
        ExpectedAccuracy,
        MislabelReport,
        PropagationReport,
        ReviewQueue,
    )

__all__ = ["register"]

SUSPECTS_FOUND = 1

_SHOWN = 20


def register(label: typer.Typer) -> None:
    """Put these verbs into the group `label` of the command line."""
    for command in (
        Command(FindMislabels, show_suspects),
        Command(Propagate, show_propagated),
        Command(Review, show_queue),
    ):
        command.register(label)


def show_suspects(output: Output, request: FindMislabels, report: MislabelReport) -> int:
    """Print the most suspect labels; 1 if there are any and `--fail` asked."""
    kinds = ", ".join(f"{n} {kind}" for kind, n in report.kinds.items() if n and kind != "sound")
    output.say(f"{report.checked} labels checked by {report.method}: {kinds or 'none suspect'}")
    shown = report.suspects if request.top else report.suspects[:_SHOWN]
    output.table(
        ["picture", "given", "suggested", "score", "kind"],
        [(one.path, one.given, one.suggested, one.score, one.kind) for one in shown],
    )
    if len(shown) < len(report.suspects):
        output.note(f"{len(report.suspects) - len(shown)} more; --top N or --json lists them")
    if report.tag is not None:
        output.note(f"{report.tagged} tagged {report.tag}")
    if report.gallery is not None:
        output.note(f"gallery  {report.gallery}")
    return SUSPECTS_FOUND if request.fail and report.suspects else 0


def show_propagated(output: Output, _request: Propagate, report: PropagationReport) -> None:
    """Print how many labels there are now, and how right they are expected to be."""
    output.say(
        f"{report.propagated} pictures labeled from {report.labels} in the layer {report.layer}, "
        f"{report.abstained} left without"
    )
    output.say(_expected(report.expected_accuracy, report.method))
    if report.by_label:
        output.table(
            ["label", "pictures", "expected right", "recall", "undecided"],
            [
                (one.label, one.pictures, _share(one.precision), one.recall, one.undecided)
                for one in report.by_label[:_SHOWN]
            ],
        )
    else:
        output.table(["class", "pictures"], [*report.classes.items()][:_SHOWN])
    output.table(
        ["near-duplicates", "labels"],
        [(", ".join(one.paths), ", ".join(one.labels)) for one in report.conflicts[:_SHOWN]],
    )


def show_queue(output: Output, _request: Review, report: ReviewQueue) -> None:
    """Print what to look at, first things first."""
    output.say(
        f"{len(report.queue)} of {report.unlabeled} pictures without a label to look at first"
    )
    output.say(_expected(report.expected_accuracy, report.method))
    output.table(
        ["picture", "suggested", "confidence", "settles"],
        [(one.path, one.suggested, one.confidence, one.gain) for one in report.queue],
    )


def _expected(expected: ExpectedAccuracy, method: str) -> str:
    if expected.value is None:
        return f"by {method}; too few labels to say how many are right"
    return f"expected to be right: {_share(expected)}, by {method}"


def _share(expected: ExpectedAccuracy) -> str:
    if expected.value is None:
        return "unknown"
    return f"{expected.value:.0%} ({expected.low:.0%} to {expected.high:.0%})"
