"""What `tamis finetune` prints: both encoders side by side, and which one is kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tamis.interfaces.cli.command import Command
from tamis.services.finetune.contract import Finetune
from tamis.wording import counted

if TYPE_CHECKING:
    import typer

    from tamis.interfaces.cli.output import Output
    from tamis.services.finetune.contract import Figure, FineTuning

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Put this verb on the command line."""
    Command(Finetune, _show).register(app)


def _show(output: Output, _request: Finetune, report: FineTuning) -> None:
    if report.kept is None:
        output.say(f"{report.preview}: what {report.method} would be trained on")
        return
    output.say(
        f"{report.method} on {report.trained_on} pictures, "
        f"{counted(len(report.epochs) - 1, 'epoch')}, best after {report.best}; measured on {report.measured_on} {_where(report)}"
    )
    output.table(
        ["figure", "before", "after", "difference", "95 % interval", "decides"],
        [_row(one) for one in report.figures],
    )
    output.say(
        f"effective rank {report.rank_before:.0f} before, {report.rank_after:.0f} after\n"
        f"{report.why}"
    )
    if report.stopped:
        output.note(f"stopped early: {report.stopped}")
    if report.resumed:
        output.note(f"went on from epoch {report.resumed}, where a run was interrupted")
    if report.kept == "tuned":
        output.say(f"encoder  {report.encoder}")
        output.note(
            f"terms of the weights that it was made from: {report.licence}\n"
            f"use it with  tamis embed --encoder {report.encoder}"
        )
    if report.failed:
        output.note(f"note: {len(report.failed)} pictures could not be read; --json lists them")


def _where(report: FineTuning) -> str:
    return "of the split val" if report.measured_in == "val split" else "held out"


def _row(one: Figure) -> tuple[str, str, str, str, str, str]:
    change = one.difference
    return (
        one.name,
        f"{one.before.value:.3f}",
        f"{one.after.value:.3f}",
        f"{change.value:+.3f}",
        f"{change.low:+.3f} to {change.high:+.3f}",
        "yes" if one.decides else "",
    )
