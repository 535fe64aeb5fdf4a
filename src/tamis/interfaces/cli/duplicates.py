"""The verb duplicates, and what the command line prints of its answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tamis.interfaces.cli.command import Command
from tamis.services.duplicates.contract import Duplicates
from tamis.wording import counted

if TYPE_CHECKING:
    import typer

    from tamis.interfaces.cli.output import Output
    from tamis.services.duplicates.result import DuplicateReport

__all__ = ["register"]

_GROUPS, _PAIRS = 50, 20


def register(app: typer.Typer) -> None:
    """Put the verb on the command line."""
    Command(Duplicates, _show).register(app)


def _show(output: Output, request: Duplicates, report: DuplicateReport) -> None:
    """Print the groups to drop, then pairs that show one view and differ somewhere."""
    dropping = [group for group in report.groups if group.drop]
    output.say(
        f"{counted(len(dropping), 'group')}, {counted(report.dropped, 'duplicate')} at threshold "
        f"{report.threshold:.3f}" + ("" if request.apply else "; --apply marks them")
    )
    changed = report.verdicts["changed"]
    if changed or report.verdicts["undecided"]:
        output.say(f"pairs: {changed} changed, {report.verdicts['undecided']} undecided")
    output.table(
        ["keep", "drop"],
        [
            (group.keep if number == 0 else "", dropped)
            for group in dropping[:_GROUPS]
            for number, dropped in enumerate(group.drop)
        ],
    )
    differing = [pair for pair in report.pairs if pair.region is not None]
    differing = [pair for pair in differing if pair.verdict == "changed"]
    differing.sort(key=lambda pair: -pair.score)
    output.table(
        ["changed", "where", "and", "where"],
        [
            (pair.left, _box(pair.region.left), pair.right, _box(pair.region.right))
            for pair in differing[:_PAIRS]
            if pair.region is not None
        ],
    )
    output.note(f"candidates by the vectors of {report.encoder}, verdicts by pixels")
    if report.gallery is not None:
        output.note(f"gallery  {report.gallery}")


def _box(box: tuple[int, int, int, int]) -> str:
    return ",".join(map(str, box))
