"""Verbs that show or hand over what is there: info, report, export."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from tamis.interfaces.cli.options import (
    DEFAULT_DATASET,
    DatasetOption,
    JsonOption,
    QuietOption,
    WhereOption,
)
from tamis.interfaces.cli.output import Output

Format = Literal["folder", "csv", "parquet"]
Link = Literal["copy", "hardlink", "symlink"]

__all__ = ["register"]


def info(
    dataset: DatasetOption = DEFAULT_DATASET,
    index: Annotated[
        bool, typer.Option("--index", help="Also measure what search by the index loses.")
    ] = False,
    files: Annotated[
        bool, typer.Option("--files", help="Also look which pictures are gone or changed.")
    ] = False,
    json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Show what is in the dataset."""
    import tamis

    output = Output(as_json=json, quiet=quiet)
    ds = tamis.open(dataset, create=False)
    facts = ds.info()
    if index:
        facts["indexes"] = {
            row["column"]: ds.audit_index(row["column"]) for row in facts["encoders"]
        }
    if files:
        facts["gone"] = ds.gone()
    output.document(facts)
    for name in ("dataset", "samples", "failed", "duplicates", "selected", "version"):
        output.say(f"{name:<11}{facts[name]}")
    for name in ("labels", "unlabelled", "splits"):
        counts = facts[name]
        if isinstance(counts, dict):
            counts = "  ".join(f"{key} {count}" for key, count in counts.items()) or "-"
        output.say(f"{name:<11}{counts}")
    if files:
        counts = "  ".join(f"{kind} {count}" for kind, count in facts["gone"].items())
        output.say(f"{'gone':<11}{counts}")
    for row in facts["encoders"]:
        output.say(f"{'vectors':<11}{row['vectors']} of {row['dim']} by {row['encoder']}")
    for column, audit in facts.get("indexes", {}).items():
        if audit is None:
            output.say(f"{'index':<11}none of {column}: search compares all")
            continue
        output.say(
            f"{'index':<11}{audit.rows} of {audit.total} rows of {column}, recall@10 "
            f"{audit.recall:.3f} over {audit.queries} queries, {audit.milliseconds:.1f} ms against "
            f"{audit.milliseconds_exact:.1f} ms exact"
        )


def report(
    dataset: DatasetOption = DEFAULT_DATASET,
    out: Annotated[Path, typer.Option(metavar="FILE", help="The HTML file.")] = Path("report.html"),
    json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Write one self-contained HTML report."""
    import tamis

    output = Output(as_json=json, quiet=quiet)
    path = tamis.open(dataset, create=False).report(out)
    output.document({"report": path})
    output.say(str(path))


def export(
    format_name: Annotated[
        Format, typer.Argument(metavar="FORMAT", help="folder, csv or parquet.")
    ],
    out: Annotated[Path, typer.Argument(metavar="DIR", help="Where it goes.")],
    dataset: DatasetOption = DEFAULT_DATASET,
    where: WhereOption = None,
    by: Annotated[
        list[str] | None,
        typer.Option(
            metavar="COLUMN", help="Sub-folders by this mark; repeatable. [default: split]"
        ),
    ] = None,
    link: Annotated[
        Link, typer.Option(metavar="copy|hardlink|symlink", help="How pictures get there.")
    ] = "copy",
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace an earlier export.")
    ] = False,
    json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Export rows as a folder of pictures or a table; originals are never touched."""
    import tamis

    output = Output(as_json=json, quiet=quiet)
    result = tamis.open(dataset, create=False).export(
        format_name, out, where=where, by=by or ("split",), link=link, overwrite=overwrite
    )
    output.document(result)
    output.say(f"{result.exported} exported to {result.path}, {len(result.failed)} failed")
    for sentence in result.notes:
        output.note(f"note: {sentence}")


def register(app: typer.Typer) -> None:
    """Put these verbs on the command line."""
    for verb in (info, report, export):
        app.command()(verb)
