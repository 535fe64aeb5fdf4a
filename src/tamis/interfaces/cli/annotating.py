"""What the command line prints of annotations."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from tamis.interfaces.cli import labeling
from tamis.interfaces.cli.command import Command
from tamis.services.annotate.contract import (
    ClearLabels,
    Import,
    LabelImport,
    ListLayers,
    SetLabel,
)

if TYPE_CHECKING:
    from tamis.interfaces.cli.output import Output
    from tamis.services.annotate.contract import (
        ClearReport,
        ImportReport,
        LayersReport,
        SetReport,
    )

__all__ = ["register"]

_SHOWN = 20


def register(app: typer.Typer) -> None:
    """Put these verbs on the command line."""
    Command(Import, show_import).register(app)
    label = typer.Typer(help="Classes of pictures, in layers.", no_args_is_help=True)
    app.add_typer(label, name="label")
    for command in (
        Command(SetLabel, show_set),
        Command(ClearLabels, show_cleared),
        Command(LabelImport, show_import),
        Command(ListLayers, show_layers),
    ):
        command.register(label)
    labeling.register(label)


def show_import(output: Output, _request: Import, report: ImportReport) -> None:
    """Print what came in, and what did not."""
    output.say(
        f"{report.imported} annotations of {report.pictures} pictures imported into "
        f"{report.layer}, {report.known} known, {report.removed} removed, "
        f"{len(report.failed)} failed"
    )
    output.table(["kind", "annotations"], list(report.kinds.items()))
    if report.failed:
        shown = report.failed[:_SHOWN]
        output.table(["failed", "reason"], [(one.path, one.reason) for one in shown])


def show_set(output: Output, _request: SetLabel, report: SetReport) -> None:
    """Print how many pictures have the class."""
    output.say(
        f"{report.pictures} pictures are {report.label} in {report.layer}, "
        f"{report.changed} of them changed"
    )


def show_cleared(output: Output, _request: ClearLabels, report: ClearReport) -> None:
    """Print what is gone."""
    output.say(
        f"{report.removed} annotations and {report.labels} labels of {report.pictures} pictures "
        f"removed from {report.layer}"
    )


def show_layers(output: Output, _request: ListLayers, report: LayersReport) -> None:
    """Print a line a layer."""
    output.table(
        ["layer", "annotations", "pictures", "kinds", "classes"],
        [
            (
                layer.name,
                layer.annotations,
                layer.pictures,
                ", ".join(f"{kind} {count}" for kind, count in layer.kinds.items()),
                ", ".join(f"{name} {count}" for name, count in [*layer.classes.items()][:_SHOWN]),
            )
            for layer in report.layers
        ],
    )
