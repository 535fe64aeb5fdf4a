"""Verbs that choose pictures: duplicates, select."""

from __future__ import annotations

from typing import Annotated

import typer

from tamis.errors import UsageError
from tamis.faces.cli.options import (
    DEFAULT_DATASET,
    DatasetOption,
    EncoderOption,
    JsonOption,
    QuietOption,
    SeedOption,
    WhereOption,
)
from tamis.faces.cli.output import Output

__all__ = ["register"]


def duplicates(
    dataset: DatasetOption = DEFAULT_DATASET,
    threshold: Annotated[
        str, typer.Option(metavar="T|auto", help="Least verification score in [0, 1].")
    ] = "auto",
    apply: Annotated[
        bool, typer.Option("--apply", help="Mark the duplicates; no file is ever deleted.")
    ] = False,
    encoder: EncoderOption = None,
    seed: SeedOption = 0,
    json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Find near-duplicate groups, and which picture of each to keep."""
    import tamis

    output = Output(as_json=json, quiet=quiet)
    ds = tamis.open(dataset, create=False)
    with output.stages() as stage:
        report = ds.duplicates(
            threshold=_threshold(threshold),
            apply=apply,
            encoder=encoder,
            seed=seed,
            progress=stage("duplicates"),
        )
    output.document(report)
    dropped = sum(len(group.drop) for group in report.groups)
    output.say(
        f"{len(report.groups)} groups, {dropped} duplicates at threshold {report.threshold:.3f}"
        + ("" if apply else "; --apply marks them")
    )
    if report.note:
        output.note(f"note: {report.note}")
    output.table(
        ["keep", "drop"],
        [(group.keep, "\n".join(group.drop)) for group in report.groups[:50]],
    )


def select(
    n: Annotated[int, typer.Argument(min=1, metavar="N", help="How many pictures.")],
    dataset: DatasetOption = DEFAULT_DATASET,
    diverse: Annotated[
        float,
        typer.Option(min=0, max=1, metavar="SHARE", help="Share picked for diversity."),
    ] = 0.2,
    where: WhereOption = None,
    encoder: EncoderOption = None,
    seed: SeedOption = 0,
    json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Select the pictures that represent the dataset."""
    import tamis

    output = Output(as_json=json, quiet=quiet)
    ds = tamis.open(dataset, create=False)
    with output.stages() as stage:
        selection = ds.select(
            n, diverse=diverse, where=where, encoder=encoder, seed=seed, progress=stage("select")
        )
    output.document(selection.rows)
    output.table(
        ["rank", "path", "reason"],
        [(rank, row.path, row.reason) for rank, row in enumerate(selection.rows, start=1)],
    )


def register(app: typer.Typer) -> None:
    """Put these verbs on the command line."""
    for verb in (duplicates, select):
        app.command()(verb)


def _threshold(text: str) -> float | str:
    if text == "auto":
        return text
    try:
        return float(text)
    except ValueError:
        raise UsageError(
            f"--threshold is {text!r}; give a number in [0, 1] or the word auto"
        ) from None
