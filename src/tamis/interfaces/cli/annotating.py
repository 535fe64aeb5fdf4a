"""What the command line prints of annotations."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from tamis.interfaces.cli import labeling, tagging
from tamis.interfaces.cli.command import Command
from tamis.services.add.contract import CropObjects
from tamis.services.annotate.contract import (
    ClearLabels,
    Import,
    LabelImport,
    ListLayers,
    SetLabel,
)
from tamis.services.edit.contract import (
    DrawAnnotation,
    EditAnnotation,
    InterpolateBoxes,
    RemoveAnnotations,
    RenameClass,
    SetBoxes,
)
from tamis.services.evaluate.contract import Evaluate
from tamis.services.review.contract import AnswerReview
from tamis.wording import counted

if TYPE_CHECKING:
    from tamis.interfaces.cli.output import Output
    from tamis.services.add.contract import PartsReport
    from tamis.services.annotate.contract import (
        ClearReport,
        ImportReport,
        LayersReport,
        SetReport,
    )
    from tamis.services.edit.contract import (
        BoxesReport,
        EditReport,
        InterpolateReport,
        RemoveReport,
        RenameReport,
    )
    from tamis.services.evaluate.contract import EvaluateReport, Share
    from tamis.services.review.contract import ReviewReport

__all__ = ["register"]

_SHOWN = 20
_MISTAKES = 8


def register(app: typer.Typer) -> None:
    """Put these verbs on the command line."""
    Command(Import, show_import).register(app)
    Command(Evaluate, show_evaluation).register(app)
    Command(AnswerReview, show_answered).register(app)
    label = typer.Typer(
        help="Set, propagate and check labels, and edit annotations.", no_args_is_help=True
    )
    app.add_typer(label, name="label")
    for command in (
        Command(SetLabel, show_set),
        Command(ClearLabels, show_cleared),
        Command(DrawAnnotation, show_edited),
        Command(EditAnnotation, show_edited),
        Command(InterpolateBoxes, show_interpolated),
        Command(RemoveAnnotations, show_removed),
        Command(RenameClass, show_renamed),
        Command(SetBoxes, show_boxes),
        Command(CropObjects, show_crops),
        Command(LabelImport, show_import),
        Command(ListLayers, show_layers),
    ):
        command.register(label)
    tagging.register(label)
    labeling.register(label)


def show_import(output: Output, _request: Import, report: ImportReport) -> None:
    """Print what came in, and what did not."""
    rest = f"{report.removed} removed, {len(report.failed)} failed"
    if report.known and not report.imported:
        known = counted(report.known, "annotation is")
        output.say(f"nothing new: {known} in {report.layer} already, {rest}")
    else:
        output.say(
            f"{counted(report.imported, 'annotation')} of {counted(report.pictures, 'picture')} "
            f"imported into {report.layer}, {report.known} known, {rest}"
        )
    output.table(["kind", "annotations"], list(report.kinds.items()))
    if report.failed:
        shown = report.failed[:_SHOWN]
        output.table(["failed", "reason"], [(one.path, one.reason) for one in shown])


def show_evaluation(output: Output, _request: Evaluate, report: EvaluateReport) -> None:
    """Print the figures, worst first."""
    if report.ap is not None:
        at = "" if report.ap50 is None else f", at overlap 0.5 {_figure(report.ap50)}"
        at += "" if report.ap75 is None else f", at 0.75 {_figure(report.ap75)}"
        output.say(f"AP {report.ap:.3f}{at}")
    output.say(f"precision {_shown(report.precision)}, recall {_shown(report.recall)}")
    output.table(
        ["class", "truths", "predictions", "AP", "precision", "recall"],
        [
            (
                one.label,
                one.truths,
                one.predictions,
                _figure(one.ap),
                _shown(one.precision),
                _shown(one.recall),
            )
            for one in report.classes[:_SHOWN]
        ],
    )
    if report.sizes:
        output.table(
            ["size", "AP", "recall"],
            [(one.size, _figure(one.ap), _figure(one.recall)) for one in report.sizes],
        )
    if report.slices:
        output.table(
            ["slice", "pictures", "truths", "AP", "precision", "recall"],
            [
                (
                    f"{one.column} = {one.value}",
                    one.pictures,
                    one.truths,
                    _figure(one.ap),
                    _shown(one.precision),
                    _shown(one.recall),
                )
                for one in report.slices[:_SHOWN]
            ],
        )
    wrong = [one for one in report.confusion if one.truth != one.predicted][:_SHOWN]
    if wrong:
        output.table(
            ["truth", "predicted", "count"],
            [(one.truth or "nothing", one.predicted or "nothing", one.count) for one in wrong],
        )
    if report.mistakes:
        output.table(
            ["mistake", "truth", "predicted", "confidence", "picture"],
            [
                (
                    one.annotation_id or "-",
                    one.truth or "nothing",
                    one.predicted or "nothing",
                    _figure(one.confidence),
                    one.path,
                )
                for one in report.mistakes[:_MISTAKES]
            ],
        )
        output.say("more like one of them:  tamis search --like MISTAKE")
    if report.tagged is not None:
        output.say(f"{counted(report.tagged, 'picture')} tagged")
    if report.gallery is not None:
        output.note(f"gallery  {report.gallery}")


def _figure(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def _shown(share: Share) -> str:
    if share.value is None:
        return "-"
    return f"{share.value:.3f} ({share.low:.3f} to {share.high:.3f})"


def show_set(output: Output, _request: SetLabel, report: SetReport) -> None:
    """Print how many pictures have the class."""
    output.say(
        f"{counted(report.pictures, 'picture is')} {report.label} in {report.layer}, "
        f"{report.changed} of them changed"
    )


def show_cleared(output: Output, _request: ClearLabels, report: ClearReport) -> None:
    """Print what is gone."""
    output.say(
        f"{counted(report.removed, 'annotation')} and {counted(report.labels, 'label')} of "
        f"{counted(report.pictures, 'picture')} removed from {report.layer}"
    )


def show_edited(
    output: Output, _request: EditAnnotation | DrawAnnotation, report: EditReport
) -> None:
    """Print what the annotation is now."""
    place = "" if report.box is None else f" at {','.join(f'{side:g}' for side in report.box)}"
    crops = f"; {counted(report.crops, 'crop')} made anew" if report.crops else ""
    output.say(f"{report.path} has {report.label or 'an object'}{place} in {report.layer}{crops}")
    if report.failed:
        output.table(["failed", "reason"], [(one.path, one.reason) for one in report.failed])


def show_interpolated(
    output: Output, _request: InterpolateBoxes, report: InterpolateReport
) -> None:
    """Print how many boxes lie between key frames."""
    output.say(
        f"{counted(report.added, 'box')} added between {counted(report.keys, 'key frame')}, "
        f"{report.removed} of before removed"
    )


def show_removed(output: Output, _request: RemoveAnnotations, report: RemoveReport) -> None:
    """Print what is gone."""
    output.say(
        f"{counted(report.removed, 'annotation')} of {counted(report.pictures, 'picture')} and "
        f"{counted(report.crops, 'crop')} removed"
    )


def show_renamed(output: Output, request: RenameClass, report: RenameReport) -> None:
    """Print how many have the new name."""
    output.say(
        f"{counted(report.annotations, 'annotation')}, {counted(report.labels, 'label')} and "
        f"{counted(report.crops, 'crop')} of {request.old} renamed to {request.new}"
    )


def show_crops(output: Output, _request: CropObjects, report: PartsReport) -> None:
    """Print how many objects became samples."""
    output.say(
        f"{counted(report.added, 'crop')} of {counted(report.pictures, 'picture')} added, "
        f"{report.known} known, {report.small} too small, {len(report.failed)} failed"
    )
    if report.failed:
        shown = report.failed[:_SHOWN]
        output.table(["failed", "reason"], [(one.path, one.reason) for one in shown])


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


def show_boxes(output: Output, _request: SetBoxes, report: BoxesReport) -> None:
    """Print how many boxes the picture has."""
    output.say(
        f"{report.sample} has {counted(report.boxes, 'box')} in {report.layer}: {report.added} "
        f"added, {report.removed} removed"
    )


def show_answered(output: Output, _request: AnswerReview, report: ReviewReport) -> None:
    """Print what the answer changed."""
    output.say(
        f"{report.answer} for {counted(report.pictures, 'picture')} of {report.queue}: "
        f"{report.changed} of them changed; kept in {report.layer}"
    )
