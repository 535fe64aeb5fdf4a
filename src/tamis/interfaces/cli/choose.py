"""Verbs that choose pictures: select, with rounds and their simulation, scores and outliers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tamis.interfaces.cli.command import Command
from tamis.services.outliers.contract import Outliers
from tamis.services.scores.contract import Scores
from tamis.services.select.contract import Select
from tamis.wording import counted

if TYPE_CHECKING:
    import typer

    from tamis.interfaces.cli.output import Output
    from tamis.services.outliers.contract import OutliersReport
    from tamis.services.scores.contract import ScoreReport
    from tamis.services.select.result import Answer, Round, Selection, Simulation

__all__ = ["register"]

_WIDTH = 12
_EIGHTHS = " ▏▎▍▌▋▊▉█"


def register(app: typer.Typer) -> None:
    """Put these verbs on the command line."""
    Command(Select, _show_select).register(app)
    Command(Scores, _show_scores).register(app)
    Command(Outliers, _show_outliers).register(app)


def _show_select(output: Output, _request: Select, found: Answer) -> None:
    # the classes of results are loaded with the work itself
    from tamis.services.select.result import Round, Simulation

    if isinstance(found, Simulation):
        _show_simulation(output, found)
    elif isinstance(found, Round):
        _show_round(output, found)
    else:
        _show_selection(output, found)
    output.note(f"by the vectors of {found.encoder}")


def _show_selection(output: Output, selection: Selection) -> None:
    """Print the picks, and how well they cover the rest."""
    output.table(
        ["rank", "path", "reason"],
        [(rank, row.path, row.reason) for rank, row in enumerate(selection.picks, start=1)],
    )
    if selection.coverage is not None:
        ours, chance = selection.coverage.picked, selection.coverage.random
        output.note(
            f"mean similarity to the nearest selected {ours.mean_similarity:.4f}, at random "
            f"{chance.mean_similarity:.4f}; within cosine distance "
            f"{selection.coverage.radius:.4f} {ours.share_within:.1%}, at random "
            f"{chance.share_within:.1%}; outliers taken {selection.outliers_taken} of "
            f"{'about ' if selection.neighbors == 'sample' else ''}{selection.outliers:,}"
        )


def _show_round(output: Output, done: Round) -> None:
    """Print the picks, and the learning curve so far."""
    output.table(
        ["rank", "path", "reason"],
        [(rank, row.path, row.reason) for rank, row in enumerate(done.picks, start=1)],
    )
    output.say("")
    output.table(
        ["round", "labels", "accuracy", "", "95 %", "measured on", "then picked"],
        [
            (
                number,
                one.labels,
                "" if one.accuracy is None else f"{one.accuracy:.1%}",
                _bar(one.accuracy or 0.0),
                "" if one.low is None or one.high is None else f"{one.low:.0%} to {one.high:.0%}",
                f"{one.measured:,} {one.measured_on}" if one.measured else "",
                f"{one.selected} by {one.strategy}",
            )
            for number, one in enumerate(done.curve, start=1)
        ],
    )


def _show_simulation(output: Output, found: Simulation) -> None:
    """Print the learning curves: a table, and bars."""
    output.say(
        f"{counted(found.pool, 'picture')} to pick from, {found.test:,} to test on, "
        f"{found.classes} "
        f"classes, {counted(found.seeds, 'seed')}; mean accuracy and its 95 % interval over the "
        f"seeds"
    )
    output.table(
        ["labels", "strategy", "accuracy", "", "above random", "balanced", ""],
        [
            (
                curve.points[place].labels,
                curve.strategy,
                f"{curve.points[place].accuracy.value:.1%}",
                _half(curve.points[place].accuracy.value, curve.points[place].accuracy.high),
                ""
                if curve is found.curves[0]
                else f"{curve.points[place].gain.value:+.1%} "
                + _half(curve.points[place].gain.value, curve.points[place].gain.high),
                f"{curve.points[place].balanced_accuracy.value:.1%}",
                _bar(curve.points[place].accuracy.value),
            )
            for place in range(len(found.curves[0].points))
            for curve in found.curves
        ],
    )


def _half(middle: float, high: float) -> str:
    return f"± {high - middle:.1%}"


def _bar(share: float) -> str:
    eighths = round(share * _WIDTH * 8)
    whole, part = divmod(eighths, 8)
    return _EIGHTHS[8] * whole + (_EIGHTHS[part] if part else "")


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


def _show_outliers(output: Output, request: Outliers, report: OutliersReport) -> None:
    against = "the others" if request.nominal is None else f"{report.reference} nominal ones"
    output.say(f"{report.scored} scored by their distance from {against}")
    output.note(f"by the vectors of {report.encoder}")
    output.table(
        ["farthest", "neighbor_distance", "mahalanobis"],
        [(one.path, one.neighbor_distance, one.mahalanobis) for one in report.pictures],
    )
    if report.clusters:
        output.table(
            ["rarest cluster", "pictures", request.by, "farthest"],
            [(one.id, one.size, one.distance, one.examples[0]) for one in report.clusters],
        )
    if report.gallery:
        output.say(f"gallery: {report.gallery}")
