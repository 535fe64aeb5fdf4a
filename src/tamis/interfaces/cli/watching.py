"""The verb that watches: what is new in videos, folders, streams and cameras is kept."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from tamis.errors import UsageError
from tamis.interfaces.cli.options import DEFAULT_DATASET, DatasetOption, JsonOption, QuietOption
from tamis.interfaces.cli.output import Output

if TYPE_CHECKING:
    from tamis.services.watch import WatchCounts

__all__ = ["register"]


def watch(
    sources: Annotated[
        list[str],
        typer.Argument(
            metavar="SOURCE...", help="Video files, folders, network addresses, /dev/video0."
        ),
    ],
    dataset: DatasetOption = DEFAULT_DATASET,
    threshold: Annotated[
        str,
        typer.Option(metavar="T|auto", help="Cosine similarity from which on nothing is new."),
    ] = "auto",
    rate: Annotated[
        str | None, typer.Option(metavar="N/UNIT", help="Keep about so many, such as 500/day.")
    ] = None,
    max_kept: Annotated[
        int | None, typer.Option(min=1, metavar="K", help="Vectors in memory at most.")
    ] = None,
    window: Annotated[
        float | None,
        typer.Option(metavar="SECONDS", help="Forget what was not seen again for so long."),
    ] = None,
    sample: Annotated[
        str, typer.Option(metavar="SECONDS|frame|keyframe", help="Which frames to look at.")
    ] = "frame",
    encoder: Annotated[
        str, typer.Option(metavar="SPEC", help="An encoder; `tamis encoders` lists them.")
    ] = "default",
    gate: Annotated[
        bool, typer.Option(help="Skip the encoder where the pixels say enough.")
    ] = True,
    out: Annotated[Path | None, typer.Option(metavar="DIR", help="Copy kept frames there.")] = None,
    copy: Annotated[
        bool | None,
        typer.Option(
            "--copy/--no-copy", help="Copy kept frames, or point to them.  [default: copy if live]"
        ),
    ] = None,
    metrics: Annotated[
        str | None, typer.Option(metavar="PORT", help="Serve counts for Prometheus there.")
    ] = None,
    behind: Annotated[
        Literal["drop", "block"] | None,
        typer.Option(help="When frames come too fast.  [default: drop if live]"),
    ] = None,
    seconds: Annotated[
        float | None, typer.Option("--for", metavar="SECONDS", help="How long to watch.")
    ] = None,
    once: Annotated[
        bool, typer.Option("--once", help="End when all that is in the folders was looked at.")
    ] = False,
    per_stream: Annotated[
        bool, typer.Option("--per-stream", help="A memory of its own for each source.")
    ] = False,
    json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Watch sources, and keep the frames that are unlike all that was kept; Ctrl-C ends it."""
    import tamis
    from tamis.dataset.creation import dataset_to_fill

    output = Output(as_json=json, quiet=quiet)
    with dataset_to_fill(dataset) as store, _stopped_by_signals() as stop, output.line() as line:
        report = tamis.Dataset(store).watch(
            *sources,
            threshold=_threshold(threshold),
            rate=rate,
            max_kept=max_kept,
            window=window,
            sample=sample,
            encoder=encoder,
            gate=gate,
            out=out,
            copy=copy,
            metrics=metrics,
            behind=behind,
            seconds=seconds,
            once=once,
            per_stream=per_stream,
            stop=stop,
            tell=lambda counts: line(_shown(counts)),
            note=output.note,
        )
    output.document(report)
    output.say(
        f"{report.seen} seen, {report.kept} kept, {report.dropped} dropped "
        f"({report.skipped} before the encoder), {report.fps:.1f} frames a second"
    )
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


def register(app: typer.Typer) -> None:
    """Put this verb on the command line."""
    app.command()(watch)


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
    return (
        f"{counts.total('seen'):,} seen   {counts.total('kept'):,} kept   "
        f"{counts.dropped:,} dropped   {counts.fps:,.0f}/s   lag {counts.lag:.1f} s"
        + (f"   {behind:,} lost" if behind else "")
    )


def _threshold(text: str) -> float | Literal["auto"]:
    if text == "auto":
        return "auto"
    try:
        return float(text)
    except ValueError:
        raise UsageError(
            f"--threshold is {text!r}; give a cosine similarity or the word auto"
        ) from None
