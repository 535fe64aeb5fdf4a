"""What `tamis select` prints of rounds of labelling and of their simulation."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tamis.interfaces.cli.output import Output
    from tamis.services.rounds import Round, Simulation

__all__ = ["show_round", "show_simulation"]

_WIDTH = 12
_EIGHTHS = " ▏▎▍▌▋▊▉█"


def show_round(output: Output, done: Round) -> None:
    """Print the picks, and the learning curve so far."""
    output.document(done)
    output.table(
        ["rank", "path", "reason"],
        [(rank, row.path, row.reason) for rank, row in enumerate(done.rows, start=1)],
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
                f"{one.picked} by {one.strategy}",
            )
            for number, one in enumerate(done.curve, start=1)
        ],
    )
    for sentence in done.notes:
        output.note(f"note: {sentence}")


def show_simulation(output: Output, found: Simulation) -> None:
    """Print the learning curves: a table, and bars."""
    output.document(found)
    output.say(
        f"{found.pool:,} pictures to pick from, {found.test:,} to test on, {found.classes} "
        f"classes, {found.seeds} seeds; mean accuracy and its 95 % interval over the seeds"
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
    if found.left_out:
        output.note(f"note: {found.left_out:,} near-duplicates of test pictures were left out")
    for sentence in found.notes:
        output.note(f"note: {sentence}")


def _half(middle: float, high: float) -> str:
    return f"± {high - middle:.1%}"


def _bar(share: float) -> str:
    eighths = round(share * _WIDTH * 8)
    whole, part = divmod(eighths, 8)
    return _EIGHTHS[8] * whole + (_EIGHTHS[part] if part else "")
