"""Verbs that find pictures: search, filter, align, index."""

from __future__ import annotations

import webbrowser
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

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
    from tamis.services.keyword_filter import FilterReport

__all__ = ["register"]

_SHOWN = 50


def search(
    texts: Annotated[
        list[str] | None,
        typer.Argument(metavar="[TEXT]...", help="What the pictures should show."),
    ] = None,
    dataset: DatasetOption = DEFAULT_DATASET,
    like: Annotated[
        list[str] | None,
        typer.Option(metavar="PICTURE", help="An example, of the dataset or a file; repeatable."),
    ] = None,
    not_texts: Annotated[
        list[str] | None,
        typer.Option("--not", metavar="TEXT", help="What they should not show; repeatable."),
    ] = None,
    unlike: Annotated[
        list[str] | None,
        typer.Option(metavar="PICTURE", help="An example to be far from; repeatable."),
    ] = None,
    region: Annotated[
        str | None,
        typer.Option(metavar="X,Y,W,H", help="The part of the first example, in pixels."),
    ] = None,
    k: Annotated[int, typer.Option("-k", min=1, metavar="N", help="How many pictures.")] = 20,
    where: WhereOption = None,
    encoder: EncoderOption = None,
    exact: Annotated[bool, typer.Option("--exact", help="Compare all, without an index.")] = False,
    distinct: Annotated[
        float | None,
        typer.Option(
            min=-1, max=1, metavar="COSINE", help="Leave out what is more alike to one before it."
        ),
    ] = None,
    tiles: Annotated[
        bool, typer.Option("--tiles", help="Compare tiles too, and say which part matched.")
    ] = False,
    rerank: Annotated[
        int,
        typer.Option(min=0, metavar="N", help="Order the N best anew, by patches of the example."),
    ] = 0,
    gallery: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Also write a page of the pictures.")
    ] = None,
    open_page: Annotated[
        bool, typer.Option("--open", help="Show that page in the browser.")
    ] = False,
    json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Find the pictures nearest to a text or an example, best first."""
    import tamis

    output = Output(as_json=json, quiet=quiet)
    ds = tamis.open(dataset, create=False)
    report = ds.search(
        texts or (),
        like=like or (),
        not_texts=not_texts or (),
        unlike=unlike or (),
        region=_region(region),
        k=k,
        where=where,
        encoder=encoder,
        exact=exact,
        distinct=distinct,
        tiles=tiles,
        rerank=rerank,
    )
    output.document(report.hits)
    output.table(
        ["score", "picture", "label", "split", "region"],
        [(hit.score, hit.path, hit.label, hit.split, _written(hit.region)) for hit in report.hits],
    )
    for note in report.notes:
        output.note(f"note: {note}")
    output.note(
        f"{len(report.hits)} found by {report.encoder} in {1e3 * report.seconds:.0f} ms "
        f"({report.method}, {report.compared} compared)"
    )
    if gallery is not None or open_page:
        title = ", ".join([*(texts or ()), *(Path(name).name for name in like or ())])
        page = ds.gallery(report, gallery or Path("search.html"), title)
        output.note(f"gallery  {page}")
        if open_page:
            webbrowser.open(page.resolve().as_uri())


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
    app.command()(search)
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


def _region(text: str | None) -> tuple[int, int, int, int] | None:
    if text is None:
        return None
    try:
        x, y, width, height = (int(part) for part in text.split(","))
    except ValueError as error:
        raise UsageError(f"--region is {text!r}; give X,Y,WIDTH,HEIGHT in pixels") from error
    return x, y, width, height


def _written(region: tuple[int, int, int, int] | None) -> str | None:
    return None if region is None else ",".join(map(str, region))
