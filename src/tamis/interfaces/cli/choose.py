"""Verbs that choose pictures: select, scores."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tamis.interfaces.cli.command import Command
from tamis.interfaces.cli.selecting import show_select
from tamis.services.scores.contract import Scores
from tamis.services.select.contract import Select

if TYPE_CHECKING:
    import typer

    from tamis.interfaces.cli.output import Output
    from tamis.services.scores.contract import ScoreReport

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Put these verbs on the command line."""
    Command(Select, show_select).register(app)
    Command(Scores, _show_scores).register(app)


def _show_scores(output: Output, _request: Scores, report: ScoreReport) -> None:
    output.say(f"{report.scored} scored, {report.copies} of them with an identical vector beside")
    output.note(f"by the vectors of {report.encoder}")
    for title, rows in (
        ("most representative", report.representative),
        ("most unique", report.unique),
    ):
        output.table(
            [title, "representativeness", "uniqueness"],
            [(row.path, row.representativeness, row.uniqueness) for row in rows],
        )
