"""The command that watches, and what it prints."""

from __future__ import annotations

import signal
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

from tamis.interfaces.cli.command import Command
from tamis.services.watch.contract import Watch
from tamis.verbs.feedback import Feedback

if TYPE_CHECKING:
    from collections.abc import Iterator

    import typer

    from tamis.interfaces.cli.output import Output
    from tamis.services.watch.counts import WatchCounts
    from tamis.services.watch.result import WatchReport

__all__ = ["register"]


class WatchCommand(Command):
    """Ends in good order at the first signal, and shows its counts in one line."""

    @contextmanager
    def feedback(self, output: Output) -> Iterator[Feedback]:
        """See `Command`."""
        with _stopped_by_signals() as stop, output.line() as line:
            yield Feedback(tell=lambda counts: line(_shown(counts)), note=output.note, stop=stop)


def register(app: typer.Typer) -> None:
    """Put this verb on the command line."""
    WatchCommand(Watch, show_watch).register(app)


def show_watch(output: Output, request: Watch, report: WatchReport) -> None:
    """Print what was kept."""
    rest = f"{report.dropped} dropped ({report.skipped} before the encoder)"
    if request.defects is not None:
        rest = f"{report.nominal} nominal"
    output.say(f"{report.seen} seen, {report.kept} kept, {rest}, {report.fps:.1f} frames a second")
    if report.behind:
        output.say(f"{report.behind} lost, since they came faster than they could be decided on")
    if report.corrupt or report.reconnects:
        output.say(f"{report.corrupt} corrupt, {report.reconnects} reconnects")
    if report.out is not None and report.kept:
        output.say(f"kept frames are in {report.out}")
    if report.reasons:
        output.table(["failed", "reason"], [(f.path, f.reason) for f in report.reasons[:20]])
    if report.failed > len(report.reasons):
        output.say(f"... and more, {report.failed} frames failed")


@contextmanager
def _stopped_by_signals() -> Iterator[threading.Event]:
    """Yield an event that SIGINT or SIGTERM sets; the second one ends the process at once."""
    stop = threading.Event()
    signals = (signal.SIGINT, signal.SIGTERM)
    before = [signal.getsignal(number) for number in signals]

    def end(number: int, _frame: object) -> None:
        stop.set()
        signal.signal(number, before[signals.index(signal.Signals(number))])

    for number in signals:
        signal.signal(number, end)
    try:
        yield stop
    finally:
        for number, handler in zip(signals, before, strict=True):
            signal.signal(number, handler)


def _shown(counts: WatchCounts) -> str:
    behind = counts.total("behind")
    dropped = counts.dropped + counts.total("nominal")
    return (
        f"{counts.total('seen'):,} seen   {counts.total('kept'):,} kept   "
        f"{dropped:,} dropped   {counts.fps:,.0f}/s   lag {counts.lag:.1f} s"
        + (f"   {behind:,} lost" if behind else "")
    )
