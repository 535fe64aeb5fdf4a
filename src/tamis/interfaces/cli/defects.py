"""What `tamis defects` prints: a model of nominal pictures, and what it finds in others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import typer

from tamis.interfaces.cli.command import Command
from tamis.services.defects.contract import DefectsExport, DefectsFit, DefectsScore

if TYPE_CHECKING:
    from pathlib import Path

    from tamis.interfaces.cli.output import Output
    from tamis.services.defects.result import (
        DefectsExportReport,
        DefectsFitReport,
        DefectsReport,
    )
    from tamis.verbs.feedback import Feedback

__all__ = ["register"]

FLAWS_FOUND = 1

_SHOWN = 20


class _WithoutDataset(Command):
    """A verb that needs no dataset where a model's file and no rows are named."""

    def answer(self, request: Any, path: Path, feedback: Feedback) -> Any:
        """See `Command`."""
        if not _of_rows(request) and not path.exists():
            from tamis.runtime.workspace import execute

            return execute(None, request, feedback)
        return super().answer(request, path, feedback)


def _of_rows(request: Any) -> bool:
    return isinstance(request, DefectsScore) and not request.sources


defects = typer.Typer(
    no_args_is_help=True, help="Fit a model of nominal pictures; find small flaws in others."
)


def register(app: typer.Typer) -> None:
    """Put these verbs on the command line."""
    Command(DefectsFit, _show_fit).register(defects)
    _WithoutDataset(DefectsScore, _show_score).register(defects)
    _WithoutDataset(DefectsExport, _show_export).register(defects)
    app.add_typer(defects, name="defects")


def _show_fit(output: Output, _request: DefectsFit, report: DefectsFitReport) -> None:
    output.say(
        f"fitted to {report.pictures} pictures by {report.encoder} at {report.side} pixels, "
        f"{report.bytes / 1e6:.2f} MB: {_experts(report)}"
    )
    if report.planted_auroc is not None:
        each = ", ".join(f"{kind} {auroc:.2f}" for kind, auroc in report.planted.items())
        output.say(
            f"chosen on planted flaws; AUROC of flaws planted on other pictures: "
            f"{report.planted_auroc:.3f} ({each})"
        )
    output.say(
        f"threshold {report.threshold:.3g}: at most {report.promised_rate:.2g} of new nominal "
        f"pictures are above it, by {report.groups} held-out parts"
    )
    output.table(
        ["looks flawed itself", "score"],
        [(one.path, one.score) for one in report.suspects[:_SHOWN]],
    )
    _show_failed(output, report)
    output.note(f"model  {report.model}")


def _experts(report: DefectsFitReport) -> str:
    return "; ".join(
        f"{one.model} of {' + '.join(one.levels)} ({one.reads})" for one in report.experts
    )


def _show_score(output: Output, request: DefectsScore, report: DefectsReport) -> int:
    promise = ""
    if report.false_alarm_rate is not None:
        promise = f"; of nominal ones at most {report.false_alarm_rate:.2g} are"
    output.say(
        f"{report.anomalous} of {len(report.pictures)} pictures are anomalous (score above "
        f"{report.threshold:.3g}{promise})"
    )
    shown = [one for one in report.pictures if one.anomalous][:_SHOWN]
    output.table(
        ["picture", "score", "regions", "worst region"],
        [
            (
                one.path,
                one.score,
                len(one.regions),
                ",".join(map(str, one.regions[0].box)) if one.regions else "the whole",
            )
            for one in shown
        ],
    )
    if report.anomalous > len(shown):
        output.note(f"note: {report.anomalous - len(shown)} more; --json lists them")
    truth = report.truth
    if truth is not None:
        pictures = (
            "" if truth.picture_auroc is None else f"picture AUROC {truth.picture_auroc:.3f}, "
        )
        output.say(
            f"against {truth.flawed} flawed pictures: {pictures}pixel AUROC "
            f"{truth.pixel_auroc:.3f}, PRO {truth.pro:.3f}, F1 {truth.f1:.3f}, recall "
            f"{truth.recall:.0%}"
            + ("" if truth.false_alarms is None else f", false alarms {truth.false_alarms:.0%}")
        )
    if report.layer is not None:
        output.note(f"layer  {report.layer}")
    if report.gallery is not None:
        output.note(f"gallery  {report.gallery}")
    _show_failed(output, report)
    return FLAWS_FOUND if request.fail and report.anomalous else 0


def _show_export(output: Output, _request: DefectsExport, report: DefectsExportReport) -> None:
    height, width = report.input
    output.say(
        f"{report.path}: pixels {height} x {width} x 3 to {', '.join(report.outputs)}, "
        f"{report.bytes / 1e6:.1f} MB"
    )


def _show_failed(output: Output, report: DefectsFitReport | DefectsReport) -> None:
    if report.failed:
        output.note(f"note: {len(report.failed)} pictures could not be read; --json lists them")
