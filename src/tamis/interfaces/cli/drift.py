"""What `tamis drift` prints: a reference, and a check against it."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tamis.errors import UsageError
from tamis.interfaces.cli.command import DEFAULT_DATASET, Command
from tamis.services.drift.contract import DriftAdapt, DriftCheck, DriftFit

if TYPE_CHECKING:
    from tamis.interfaces.cli.output import Output
    from tamis.services.drift.result import DriftAdaptation, DriftFitReport, DriftHarm, DriftReport
    from tamis.verbs.feedback import Feedback

__all__ = ["register"]

DRIFT_FOUND = 1

_MOST_CLASSES = 10
_ADAPTED = {
    "prior": "its classes are weighted by how frequent they are now",
    "temperature": "its probabilities are as certain as it is right",
    "retrain": "it is fitted on the old and the new labels",
}
_SHIFTS = {
    "label": "classes are more or less frequent, and look as they did (label shift)",
    "covariate": "classes are as frequent as they were, and look different (covariate shift)",
    "both": "classes look different, and may be more or less frequent",
}


class _Check(Command):
    """A check that needs no dataset where a reference's file and new pictures are named."""

    def answer(self, request: Any, path: Path, feedback: Feedback) -> Any:
        """See `Command`."""
        if request.reference is not None and request.sources and not path.exists():
            from tamis.runtime.workspace import execute

            return execute(None, request, feedback)
        return super().answer(request, path, feedback)


drift = typer.Typer(no_args_is_help=True, help="Store a reference; test later pictures against it.")

_LOOPBACK = {"127.0.0.1", "localhost", "::1"}
_NOTE = (
    "listening on {host}: other machines can ask, with the token, and the connection is not "
    "encrypted\n"
)


def register(app: typer.Typer) -> None:
    """Put these verbs on the command line."""
    Command(DriftFit, _show_fit).register(drift)
    _Check(DriftCheck, _show_check).register(drift)
    Command(DriftAdapt, _show_adapt).register(drift)
    drift.command("serve", help=serve.__doc__)(serve)
    app.add_typer(drift, name="drift")


def _show_fit(output: Output, _request: DriftFit, report: DriftFitReport) -> None:
    stored = (
        "all of them"
        if report.stored == report.pictures
        else f"{report.stored} of them, drawn at random"
    )
    output.say(
        f"reference of {report.pictures} pictures by {report.encoder}: {stored}, "
        f"{report.bytes / 1e6:.2f} MB"
    )
    if report.block_length > 1:
        output.say(
            f"{report.block_length} frames in a row count as one draw, since they stay alike: "
            f"{report.units} draws"
        )
    output.note(f"reference  {report.reference}")


def _show_check(output: Output, _request: DriftCheck, report: DriftReport) -> int:
    """Print the decision first, then what explains it; 1 if there is drift."""
    compared = (
        f"p = {report.p_value:.3g} (level {report.level:g}), {report.pictures} pictures against "
        f"{report.reference_pictures}"
    )
    output.say(f"{'drift' if report.drift else 'no drift'}: {compared}")
    for sentence in report.explanation:
        output.say(sentence)
    if report.drift:
        _show_what(output, report)
    if report.e_value is not None:
        output.say(f"running e-value {report.e_value:.3g}")
    if report.alarms:
        first, more = report.alarms[0], len(report.alarms) - 1
        others = f", and {more} more as the drift lasts" if more else ""
        output.say(
            f"alarm at {first.path}: it reached {first.e_value:.3g}, by "
            f"{', '.join(first.figures)}; since about {first.since or 'an earlier check'}{others}"
        )
    if report.gallery is not None:
        output.note(f"gallery  {report.gallery}")
    if report.failed:
        output.note(f"note: {len(report.failed)} pictures could not be read; --json lists them")
    return DRIFT_FOUND if report.drift else 0


def _show_adapt(output: Output, request: DriftAdapt, report: DriftAdaptation) -> None:
    output.table(
        ["probe", "right", "95% interval", "log loss", "calibration error"],
        [
            (
                one.method,
                f"{one.accuracy:.1%}",
                f"{one.low:.1%} to {one.high:.1%}",
                one.log_loss,
                one.ece,
            )
            for one in report.tried
            if one.accuracy is not None
        ],
    )
    changed = [one for one in report.classes if not one.low <= one.reference <= one.high]
    output.table(
        ["class", "was", "is about", "95% interval"],
        [
            (
                one.name,
                f"{one.reference:.0%}",
                f"{one.batch:.0%}",
                f"{one.low:.0%} to {one.high:.0%}",
            )
            for one in changed[:_MOST_CLASSES]
        ],
    )
    if report.chosen == "as it is":
        output.say(f"the probe {report.name!r} stays as it is")
        return
    would = "would be" if request.dry_run else "is"
    output.say(f"the probe {report.name!r} {would} adapted: {_ADAPTED[report.chosen]}")
    if not request.dry_run:
        output.note(f"tamis probe predict --name {report.name}  uses it; tamis undo takes it back")


def _show_what(output: Output, report: DriftReport) -> None:
    if report.harm is not None:
        output.say(_harm(report.harm))
    if report.shift is not None and report.shift != "none":
        output.say(_SHIFTS[report.shift])
        changed = [one for one in report.classes if not one.low <= one.reference <= one.high]
        changed.sort(key=lambda one: -abs(one.batch - one.reference))
        output.table(
            ["class", "reference", "batch", "95% interval"],
            [
                (
                    one.name,
                    f"{one.reference:.0%}",
                    f"{one.batch:.0%}",
                    f"{one.low:.0%} to {one.high:.0%}",
                )
                for one in changed[:_MOST_CLASSES]
            ],
        )
    output.table(
        ["kind", "reference", "batch", "p", "typical picture"],
        [
            (
                one.change,
                f"{one.reference_share:.0%}",
                f"{one.batch_share:.0%}",
                one.p_value,
                one.path or one.sample_id,
            )
            for one in report.clusters
        ],
    )
    output.table(
        ["figure", "reference", "batch", "p"],
        [(one.name, one.reference, one.batch, one.adjusted) for one in report.covariates],
    )
    output.table(
        ["shows it most", "score", "to label"],
        [(one.path, one.score, "yes" if one.label else "") for one in report.examples],
    )
    output.say("to label them:")
    for line in report.select:
        output.say(f"  {line}")


def _harm(harm: DriftHarm) -> str:
    interval = (
        f"{100 * harm.change:+.0f} points, 95% interval {100 * harm.low:+.0f} to "
        f"{100 * harm.high:+.0f}"
    )
    if harm.high < 0:
        return (
            f"a classifier of the labels is expected to fall from {harm.accuracy:.0%} to "
            f"{harm.expected:.0%} right ({interval})"
        )
    return f"no loss of accuracy is certain for a classifier of the labels ({interval})"


def serve(
    references: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[[NAME=]REFERENCE]...",
            help="Files of `drift fit --out`, or datasets with a reference.  [default: that of -d]",
            show_default=False,
        ),
    ] = None,
    dataset: Annotated[
        Path | None,
        typer.Option(
            "-d",
            "--dataset",
            envvar="TAMIS_DATASET",
            help=f"The dataset, a folder.  [default: {DEFAULT_DATASET}]",
            show_default=False,
        ),
    ] = None,
    host: Annotated[str, typer.Option(help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 takes any free port.")] = 8765,
    remote: Annotated[
        bool, typer.Option("--remote", help="Let other machines in, with the token.")
    ] = False,
    state: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Where it is kept what was seen.  [default: serve, beside the first reference]",
            show_default=False,
        ),
    ] = None,
    token_file: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="The token that requests must carry.  [default: made, and kept in the state]",
            show_default=False,
        ),
    ] = None,
    window: Annotated[
        int, typer.Option(min=20, max=10_000, help="Latest pictures that are kept to compare.")
    ] = 500,
    level: Annotated[
        float | None,
        typer.Option(
            min=0.0001,
            max=0.5,
            metavar="SHARE",
            help="Share of false alarms among all alarms.  [default: that of the references]",
            show_default=False,
        ),
    ] = None,
    alarm_command: Annotated[
        str | None,
        typer.Option(
            metavar="COMMAND", help="Run it for each alarm, with JSON on its standard input."
        ),
    ] = None,
    alarm_url: Annotated[
        str | None,
        typer.Option(metavar="URL", help="Post each alarm there as JSON, until it is accepted."),
    ] = None,
    rate: Annotated[
        float | None,
        typer.Option(
            min=0.01, metavar="N", help="Requests a second of one address.  [default: no limit]"
        ),
    ] = None,
    body: Annotated[int, typer.Option(min=1, max=1000, metavar="MB", help="Largest request.")] = 32,
) -> None:
    """Watch pictures or vectors over HTTP; raise an alarm on drift.

    Prints where it listens, one line, and serves until Ctrl-C. What it has seen survives a restart.
    """
    from tamis.interfaces.drift_server.serve import ServeOptions, named_references, serve_drift
    from tamis.services.drift.live.delivery import Hooks

    if not (host in _LOOPBACK or remote):
        raise UsageError(
            f"with --host {host} other machines can reach the server; add --remote if they may"
        )
    try:
        command = shlex.split(alarm_command or "")
    except ValueError as error:
        raise UsageError(f"the alarm command cannot be read: {error}") from None
    if remote:
        typer.echo(_NOTE.format(host=host), err=True, nl=False)
    options = ServeOptions(
        host=host,
        port=port,
        state=state,
        window=window,
        level=level,
        hooks=Hooks(command, alarm_url),
        token_file=token_file,
        rate=rate,
        body=body * 1_000_000,
    )
    serve_drift(named_references(references or [], dataset or DEFAULT_DATASET), options)
