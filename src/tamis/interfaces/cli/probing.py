"""What the command line prints of probes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from tamis.interfaces.cli.command import Command
from tamis.services.probe.contract import ExportProbe, PredictProbe, TrainProbe

if TYPE_CHECKING:
    from tamis.interfaces.cli.output import Output
    from tamis.services.probe.contract import ProbeFile, ProbePredictions, ProbeTraining

__all__ = ["register"]

_SHOWN = 20
_CONFUSED = 10


def register(app: typer.Typer) -> None:
    """Put these verbs on the command line."""
    probe = typer.Typer(help="Train small classifiers on stored vectors.", no_args_is_help=True)
    app.add_typer(probe, name="probe")
    Command(TrainProbe, show_training).register(probe)
    Command(PredictProbe, show_predictions).register(probe)
    Command(ExportProbe, show_file).register(probe)


def show_training(output: Output, _request: TrainProbe, report: ProbeTraining) -> None:
    """Print how well the probe does, then encoders, classes and slices, worst first."""
    output.say(f"probe {report.name} ({report.method}) fitted on {report.labels} labels")
    if not report.measured:
        output.say("no label could be held out to measure it on")
        return
    on = f"{report.measured} pictures of the {report.measured_on}"
    if report.absolute_error is not None:
        said = "" if report.explained is None else f", {report.explained:.1%} of the variance"
        within = "" if report.reach is None else f"; nine in ten are within {report.reach:.4g}"
        output.say(f"off by {report.absolute_error:.4g} on average{said}, on {on}{within}")
        return
    if report.accuracy is None or report.ece is None:
        return
    before = "" if report.ece_before is None else f" ({report.ece_before:.3f} before calibration)"
    output.say(
        f"accuracy {report.accuracy:.1%} ({report.low:.1%} to {report.high:.1%}) on {on}, "
        f"calibration error {report.ece:.3f}{before}"
    )
    if report.rare_recall is not None:
        output.say(f"of classes under 1 % of the pictures, {report.rare_recall:.1%} are found")
    output.table(
        ["encoder", "accuracy", "from", "to", "log loss"],
        [(o.encoder, o.accuracy, o.low, o.high, o.log_loss) for o in report.compared],
    )
    if report.pixels is not None:
        on_pixels = report.pixels
        output.say(
            f"a small network on the pixels of {on_pixels.fitted} pictures reaches "
            f"{on_pixels.accuracy:.1%} ({on_pixels.low:.1%} to {on_pixels.high:.1%}) in "
            f"{on_pixels.seconds:.1f} s; on the same {on_pixels.measured} pictures this probe "
            f"{on_pixels.probe_accuracy:.1%} ({on_pixels.probe_low:.1%} to "
            f"{on_pixels.probe_high:.1%}) in {on_pixels.probe_seconds:.1f} s"
        )
    output.table(
        ["class", "pictures", "recall", "precision", "F1"],
        [
            (one.name, one.pictures, one.recall, one.precision, one.f1)
            for one in report.classes[:_SHOWN]
        ],
    )
    output.table(
        ["class", "taken for", "pictures"],
        [(one.label, one.predicted, one.pictures) for one in report.confused[:_CONFUSED]],
    )
    output.table(
        ["slice", "value", "pictures", "accuracy", "from", "to", "gap", "p"],
        [
            (o.column, o.value, o.pictures, o.accuracy, o.low, o.high, o.gap, o.p_value)
            for o in report.slices[:_SHOWN]
        ],
    )
    if report.gallery is not None:
        output.note(f"gallery  {report.gallery}")


def show_predictions(output: Output, _request: PredictProbe, report: ProbePredictions) -> None:
    """Print how many pictures have a class now."""
    output.say(
        f"{report.predicted} pictures have a prediction in the layer {report.layer}, "
        f"{report.abstained} left without"
    )
    output.table(["class", "pictures"], [*report.classes.items()][:_SHOWN])


def show_file(output: Output, _request: ExportProbe, report: ProbeFile) -> None:
    """Print what the file takes and gives."""
    output.say(
        f"{report.file}: {len(report.classes)} classes, {report.bytes / 1e6:.1f} MB, with "
        f"{', '.join(report.encoders)}"
    )
    output.table(
        ["", "name", "values"],
        [
            *(("takes", name, shape) for name, shape in report.inputs.items()),
            *(("gives", name, shape) for name, shape in report.outputs.items()),
        ],
    )
    output.note(
        f"its answers differ by {report.worst_difference:.1e} at most from the probe's own; the "
        "classes' names and the code that prepares a picture are in its metadata"
    )
