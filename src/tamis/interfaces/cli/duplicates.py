"""The verb duplicates, and what it prints."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer

from tamis.errors import UsageError
from tamis.interfaces.cli.options import (
    DEFAULT_DATASET,
    DatasetOption,
    EncoderOption,
    JsonOption,
    QuietOption,
    SeedOption,
    WhereOption,
)
from tamis.interfaces.cli.output import Output

if TYPE_CHECKING:
    from tamis.services.duplicates import Drop, DuplicateReport

__all__ = ["register"]

_GROUPS, _PAIRS = 50, 20


def duplicates(
    dataset: DatasetOption = DEFAULT_DATASET,
    threshold: Annotated[
        str,
        typer.Option(
            metavar="T|auto",
            help="Score in (0, 1] from which a pair is a copy; auto learns it from the pictures.",
        ),
    ] = "auto",
    changed_threshold: Annotated[
        str,
        typer.Option(
            metavar="T|auto",
            help="Agreement in (0, 1] from which a pair shows one view, with other content.",
        ),
    ] = "auto",
    apply: Annotated[
        bool, typer.Option("--apply", help="Mark what is dropped; no file is ever deleted.")
    ] = False,
    drop: Annotated[
        str,
        typer.Option(
            metavar="copies|changed",
            help="Drop copies only, or pictures with other content in the same view as well.",
        ),
    ] = "copies",
    prefer: Annotated[
        list[str] | None,
        typer.Option(
            metavar="RULE",
            help="Which copy to keep: resolution, upright, sharpness, exif, oldest, newest, "
            "labeled, unlabeled, size, path, folder=PATH or folder=GLOB; several with commas or "
            "repeated, the first that tells two copies apart decides. Where none does: "
            "resolution, upright, sharpness, exif, size, path. A file that is there always goes "
            "first.",
            show_default=False,
        ),
    ] = None,
    where: WhereOption = None,
    rotations: Annotated[
        bool,
        typer.Option(
            "--rotations", help="Find copies turned by 90, 180 and 270 degrees as well; slower."
        ),
    ] = False,
    gallery: Annotated[
        Path | None,
        typer.Option(
            "--gallery",
            metavar="FILE",
            help="Write a page with the pairs side by side and what differs marked.",
            show_default=False,
        ),
    ] = None,
    encoder: EncoderOption = None,
    seed: SeedOption = 0,
    json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Find copies, pictures that differ in places only, and which of each group to keep."""
    import tamis

    output = Output(as_json=json, quiet=quiet)
    ds = tamis.open(dataset, create=False)
    with output.stages() as stage:
        report = ds.duplicates(
            threshold=_threshold("--threshold", threshold),
            changed_threshold=_threshold("--changed-threshold", changed_threshold),
            drop=cast("Drop", drop),
            prefer=prefer or (),
            where=where,
            rotations=rotations,
            apply=apply,
            gallery=gallery,
            encoder=encoder,
            seed=seed,
            progress=stage("duplicates"),
        )
    output.document(report)
    _show(output, report, applied=apply)
    if gallery is not None:
        output.note(f"gallery  {gallery}")


def register(app: typer.Typer) -> None:
    """Put the verb on the command line."""
    app.command()(duplicates)


def _show(output: Output, report: DuplicateReport, *, applied: bool) -> None:
    """Print the groups to drop, then pairs that show one view and differ somewhere."""
    dropping = [group for group in report.groups if group.drop]
    output.say(
        f"{len(dropping)} groups, {report.dropped} duplicates at threshold {report.threshold:.3f}"
        + ("" if applied else "; --apply marks them")
    )
    changed = report.verdicts["changed"]
    if changed or report.verdicts["undecided"]:
        output.say(f"{changed} changed, {report.verdicts['undecided']} undecided pairs")
    for sentence in report.notes:
        output.note(f"note: {sentence}")
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


def _box(box: tuple[int, int, int, int]) -> str:
    return ",".join(map(str, box))


def _threshold(option: str, text: str) -> float | str:
    if text == "auto":
        return text
    try:
        return float(text)
    except ValueError:
        raise UsageError(
            f"{option} is {text!r}; give a number in (0, 1] or the word auto"
        ) from None
