"""What the command line prints of a dataset's history."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tamis.interfaces.cli.command import Command
from tamis.services.copies.contract import Pull, Push
from tamis.services.history.contract import (
    Checkout,
    CollectGarbage,
    Diff,
    Log,
    Prune,
    Redo,
    Tag,
    Undo,
)
from tamis.wording import counted, short

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import typer

    from tamis.interfaces.cli.output import Output
    from tamis.services.copies.contract import CopyReport
    from tamis.services.history.result import (
        CheckoutReport,
        DiffReport,
        FreedReport,
        LogLine,
        LogReport,
        PruneReport,
        RedoReport,
        TagReport,
        UndoReport,
    )
    from tamis.verbs.feedback import Feedback

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Put these verbs on the command line."""
    for command in (
        Command(Log, show_log),
        Command(Undo, show_undo),
        Command(Redo, show_redo),
        Command(Checkout, show_checkout),
        Command(Diff, show_diff),
        Command(Tag, show_tag),
        Command(CollectGarbage, show_freed),
        Command(Prune, show_pruned),
        Command(Push, show_copied),
        PullCommand(Pull, show_copied),
    ):
        command.register(app)


class PullCommand(Command):
    """Brings a dataset that need not be there yet."""

    def answer(self, request: Pull, at: Path, feedback: Feedback) -> CopyReport:
        """See `Command`."""
        from tamis.services.copies.run import pull_to

        return pull_to(at, request, feedback)


def show_copied(output: Output, _request: Push | Pull, report: CopyReport) -> None:
    """Print what was brought over."""
    output.say(
        f"{counted(report.snapshots, 'snapshot')} in {counted(report.files, 'file')}, "
        f"{counted(report.bytes, 'byte')}"
    )


def show_log(output: Output, _request: Log, found: LogReport) -> None:
    """Print a line an operation."""
    output.table(
        ["snapshot", "time", "verb", "state", "counts", "command"],
        [
            (
                entry.snapshot,
                _time(entry.finished),
                entry.verb,
                entry.state,
                _pairs(entry.counts),
                entry.command or _pairs(_asked(entry.params)),
            )
            for entry in found.entries
        ],
        last_below=True,
    )


def show_undo(output: Output, _request: Undo, report: UndoReport) -> None:
    """Print what was taken back."""
    output.say(f"undone: {_told(report.undone)}")


def show_redo(output: Output, _request: Redo, report: RedoReport) -> None:
    """Print what is there again."""
    output.say(f"redone: {_told(report.redone)}")


def show_checkout(output: Output, _request: Checkout, report: CheckoutReport) -> None:
    """Print where the dataset is now."""
    output.say(f"as it was at snapshot {report.restored}; tamis undo goes back")


def show_diff(output: Output, _request: Diff, change: DiffReport) -> None:
    """Print what changed."""
    output.say(f"{len(change.added)} added, {len(change.removed)} removed")
    output.table(["column", "values changed"], list(change.changed.items()))


def show_tag(output: Output, _request: Tag, report: TagReport) -> None:
    """Print the name."""
    output.say(f"{report.tag} is snapshot {report.snapshot}")


def show_freed(output: Output, _request: CollectGarbage, report: FreedReport) -> None:
    """Print what was freed."""
    output.say(f"{counted(report.files, 'file')}, {counted(report.bytes, 'byte')} freed")


def show_pruned(output: Output, _request: Prune, report: PruneReport) -> None:
    """Print what is gone, or would go."""
    states = counted(len(report.snapshots), "old state")
    freed = f"{counted(report.files, 'file')}, {counted(report.bytes, 'byte')}"
    if report.applied:
        output.say(f"{states} let go: {freed} freed")
    else:
        output.say(f"{states} can go: {freed}" + ("; add --apply" if report.snapshots else ""))


def _told(entry: LogLine) -> str:
    counts = _pairs(entry.counts)
    return f"{entry.verb} of {_time(entry.finished)}" + (f" ({counts})" if counts else "")


def _asked(params: Mapping[str, object]) -> dict[str, object]:
    # what was found out for later verbs, such as lines of a calibration, is for programs
    return {name: value for name, value in params.items() if not isinstance(value, dict | list)}


def _pairs(values: Mapping[str, object]) -> str:
    # a histogram is for the report, and the JSON document has it too
    return ", ".join(
        f"{name.replace('_', ' ')} {_short(value)}"
        for name, value in values.items()
        if value is not None and not isinstance(value, dict) and name != "histogram"
    )


def _time(iso: str) -> str:
    """Return a time to the second, in UTC as it is stored."""
    return iso[:19].replace("T", " ")


def _short(value: object) -> str:
    return short(value) if isinstance(value, float) else str(value)
