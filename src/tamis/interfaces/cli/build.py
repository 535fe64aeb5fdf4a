"""What the command line prints of verbs that fill a dataset: add, embed, curate."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tamis.errors import InputError
from tamis.interfaces.cli.command import Command
from tamis.services.add.contract import Add
from tamis.services.curate.contract import Curate
from tamis.services.embed.contract import Embed
from tamis.wording import counted

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import typer

    from tamis.interfaces.cli.output import Output
    from tamis.services.add.contract import AddReport
    from tamis.services.curate.contract import CurateReport
    from tamis.services.embed.contract import EmbedReport
    from tamis.types import Failure

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Put these verbs on the command line."""
    Command(Add, show_add).register(app)
    Command(Embed, show_embed).register(app)
    Command(
        Curate,
        show_curate,
        dataset=_beside_result,
        dataset_words="DIR/dataset.tamis",
    ).register(app)


def _beside_result(request: Curate) -> Path:
    from tamis.services.curate.run import require_own

    require_own(request.out)  # before a dataset is made in it
    return request.out / "dataset.tamis"


def show_add(output: Output, request: Add, report: AddReport) -> None:
    """Print what became of the sources.

    Raises:
        InputError: nothing could be read, or a named file cannot have been meant.
    """
    output.say(f"{report.added} added, {report.known} known, {len(report.failed)} failed")
    often = request.every is not None or request.new_only
    _tell_of_videos(output, report, often=often)
    _tell_of_news(output, report)
    if report.embedded is not None:
        output.say(f"{report.embedded} embedded by {report.encoder}")
    failed = list(report.failed)
    for name, part in (("crops", report.crops), ("tiles", report.tiles)):
        if part is None:
            continue
        small = f", {part.small} too small" if part.small else ""
        twice = (
            f", {part.repeated} there twice (same picture, category and box)"
            if part.repeated
            else ""
        )
        output.say(
            f"{part.added} {name} of {part.pictures} pictures added, {part.known} known"
            f"{small}{twice}, {len(part.failed)} failed"
        )
        failed += part.failed
    _list_failures(output, failed)
    _require_pictures(report)


def _require_pictures(report: AddReport) -> None:
    from tamis.sources.spread import NO_PICTURE

    wrong = [failure.path for failure in report.failed if failure.reason == NO_PICTURE]
    if wrong:
        raise InputError(f"{wrong[0]} is {NO_PICTURE}; what else was named was added")
    read = report.added + report.known + (report.covered or 0)
    if report.failed and not read:
        first = report.failed[0]
        raise InputError(
            f"nothing that was named could be read, such as {first.path}: {first.reason}"
        )


def _tell_of_videos(output: Output, report: AddReport, *, often: bool) -> None:
    if report.frames:
        of = counted(report.videos or 0, "video")
        default = "" if often else ", one a second; --every takes more or fewer"
        output.say(f"{report.frames} of them are frames of {of}{default}")
    passed_over = report.videos_passed_over
    if passed_over:
        are = "video in folders is" if passed_over == 1 else "videos in folders are"
        output.note(
            f"{passed_over} {are} not taken; --every 1 takes a frame a second of them as well"
        )


def _tell_of_news(output: Output, report: AddReport) -> None:
    if report.covered is None or report.threshold is None:
        return
    output.say(
        f"{report.covered} left out: at least {report.threshold:g} similar to one that is kept, by "
        f"{report.encoder}; {report.skipped} of them told by their pixels alone"
    )
    if report.unseen:
        output.note(
            f"{counted(report.unseen, 'sample of the dataset has')} no vector of this encoder, "
            f"so nothing "
            "was compared with them; tamis embed  before you add"
        )


def show_embed(output: Output, _request: Embed, report: EmbedReport) -> None:
    """Print how many pictures got a vector."""
    output.say(
        f"{report.embedded} embedded by {report.encoder} ({report.dim} dimensions) in "
        f"{report.seconds:.1f} s, {report.skipped} skipped, {len(report.failed)} failed"
    )
    _list_failures(output, report.failed)


def show_curate(output: Output, _request: Curate, report: CurateReport) -> None:
    """Print what the main job did, and where its result is."""
    output.say(
        f"{report.added} added, {len(report.failed)} failed, "
        f"{counted(report.duplicates, 'duplicate')}, "
        + (f"{report.gone} gone, " if report.gone else "")
        + f"{report.selected} selected"
    )
    output.say("  ".join(f"{name} {count}" for name, count in report.splits.items()))
    output.say(
        f"pictures  {report.pictures}\nmanifest  {report.manifest}\nreport    {report.report}"
    )


def _list_failures(output: Output, failed: Sequence[Failure], shown: int = 20) -> None:
    if failed:
        output.table(["failed", "reason"], [(f.path, f.reason) for f in failed[:shown]])
    if len(failed) > shown:
        output.say(f"... and {len(failed) - shown} more; --json or the report lists all")
