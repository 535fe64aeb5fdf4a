"""Verbs that find pictures: search, filter, align, index."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tamis.interfaces.cli.command import Command
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
from tamis.interfaces.cli.searching import show_search
from tamis.services.search.contract import Search

if TYPE_CHECKING:
    from tamis.services.keyword_filter import FilterReport

__all__ = ["register"]

_SHOWN = 50


def filter_pictures(
    texts: Annotated[
        list[str], typer.Argument(metavar="TEXT", help="What the pictures should show.")
    ],
    dataset: DatasetOption = DEFAULT_DATASET,
    not_texts: Annotated[
        list[str] | None,
        typer.Option("--not", metavar="TEXT", help="What is not meant; repeatable."),
    ] = None,
    threshold: Annotated[
        float | None,
        typer.Option(
            metavar="T", help="Least score that passes; found in the scores if not given."
        ),
    ] = None,
    classes: Annotated[
        bool, typer.Option("--classes", help="Take the texts as classes of which each is one.")
    ] = False,
    tag: Annotated[
        str | None, typer.Option(metavar="NAME", help="Tag what passes; else nothing is written.")
    ] = None,
    where: WhereOption = None,
    encoder: EncoderOption = None,
    seed: SeedOption = 0,
    json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Find all pictures that show what a text says, and tag them."""
    import tamis

    output = Output(as_json=json, quiet=quiet)
    ds = tamis.open(dataset, create=False)
    with output.stages() as stage:
        report = ds.filter(
            texts,
            not_texts or (),
            threshold=threshold,
            classes=classes,
            where=where,
            tag=tag,
            encoder=encoder,
            seed=seed,
            progress=stage("filter"),
        )
    output.document(report)
    output.say(_filtered(report))
    output.table(["text", "pictures"], list(report.counts.items()))
    output.table(
        ["score", "margin", "text", "picture"],
        [(row.score, row.margin, row.text, row.path) for row in report.rows[:_SHOWN]],
    )
    for note in report.notes:
        output.note(f"note: {note}")


def align(
    from_: Annotated[
        str, typer.Option("--from", metavar="SPEC", help="Whose vectors are to know texts.")
    ],
    to: Annotated[str, typer.Option("--to", metavar="SPEC", help="Whose texts they shall know.")],
    dataset: DatasetOption = DEFAULT_DATASET,
    out: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="The map's file; in the dataset if not given."),
    ] = None,
    seed: SeedOption = 0,
    json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Learn texts for vectors of an encoder that reads none, from pictures that both embedded."""
    import tamis

    output = Output(as_json=json, quiet=quiet)
    ds = tamis.open(dataset, create=False)
    with output.stages() as stage:
        report = ds.align(from_=from_, to=to, out=out, seed=seed, progress=stage("align"))
    output.document(report)
    output.say(
        f"{report.encoder}: {report.vectors} vectors, map of {report.fitted} pictures\n"
        f"on {report.held_out} others it finds {report.recall:.1%} of the 10 nearest that {to} "
        f"finds; mean cosine {report.mean_cosine:.3f}"
    )
    if report.text_precision is not None:
        output.say(
            f"labels as texts: {report.text_precision:.1%} of the 10 nearest have the label, "
            f"{report.text_precision_native:.1%} by {to} itself"
        )
    for note in report.notes:
        output.note(f"note: {note}")


def index(
    dataset: DatasetOption = DEFAULT_DATASET,
    encoder: EncoderOption = None,
    json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Index the vectors for search; `embed` does it by itself from 100,000 pictures on."""
    import tamis

    output = Output(as_json=json, quiet=quiet)
    covered, total = tamis.open(dataset, create=False).index(encoder)
    output.document({"covered": covered, "total": total})
    output.say(f"{covered} of {total} rows are in the index")
    if not covered:
        output.note("note: an index needs 256 vectors to learn from; search is exact without")


def register(app: typer.Typer) -> None:
    """Put these verbs on the command line."""
    Command(Search, show_search).register(app)
    app.command("filter")(filter_pictures)
    app.command()(align)
    app.command()(index)


def _filtered(report: FilterReport) -> str:
    sentence = f"{report.matched} of {report.scored} pictures pass"
    if report.threshold is not None:
        found = ", found in the scores" if report.suggested else ""
        sentence += f" at threshold {report.threshold:.4g}{found}"
    if report.tag is None:
        return f"{sentence}; --tag NAME marks them"
    return f"{sentence}; {report.tagged} are new to the tag {report.tag!r}"
