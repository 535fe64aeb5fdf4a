"""Verbs that find pictures: search, filter, align, index."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tamis.interfaces.cli.command import Command
from tamis.services.align.contract import Align
from tamis.services.index.contract import Index
from tamis.services.search.contract import Search
from tamis.services.text_filter.contract import Filter
from tamis.wording import counted

if TYPE_CHECKING:
    import typer

    from tamis.interfaces.cli.output import Output
    from tamis.services.align.contract import AlignReport
    from tamis.services.index.contract import IndexReport
    from tamis.services.search.contract import SearchReport
    from tamis.services.text_filter.contract import FilterReport

__all__ = ["register"]

_SHOWN = 50


def register(app: typer.Typer) -> None:
    """Put these verbs on the command line."""
    Command(Search, _show_search).register(app)
    Command(Filter, _show_filter).register(app)
    Command(Align, _show_align).register(app)
    Command(Index, _show_index).register(app)


def _show_search(output: Output, _request: Search, report: SearchReport) -> None:
    output.table(
        ["score", "picture", "label", "split", "region"],
        [(hit.score, hit.path, hit.label, hit.split, _written(hit.region)) for hit in report.hits],
    )
    output.note(
        f"{len(report.hits)} found by {report.encoder} in {1e3 * report.seconds:.0f} ms "
        f"({report.method}, {report.compared} compared)"
    )
    if report.gallery is not None:
        output.note(f"gallery  {report.gallery}")


def _written(region: tuple[int, int, int, int] | None) -> str | None:
    return None if region is None else ",".join(map(str, region))


def _show_filter(output: Output, _request: Filter, report: FilterReport) -> None:
    output.say(_filtered(report))
    output.note(f"by the vectors of {report.encoder}")
    output.table(["text", "pictures"], list(report.counts.items()))
    output.table(
        ["score", "margin", "text", "picture"],
        [(row.score, row.margin, row.text, row.path) for row in report.rows[:_SHOWN]],
    )
    if report.gallery is not None:
        output.note(f"gallery  {report.gallery}")


def _filtered(report: FilterReport) -> str:
    sentence = f"{report.matched} of {report.scored} pictures pass"
    if report.threshold is not None:
        found = ", found in the scores" if report.suggested else ""
        sentence += f" at threshold {report.threshold:.4g}{found}"
    elif report.suggested:
        sentence += ", nearer to the text than to everyday things"
    if report.tag is None:
        return f"{sentence}; --tag NAME marks them"
    return f"{sentence}; {report.tagged} are new to the tag {report.tag!r}"


def _show_align(output: Output, request: Align, report: AlignReport) -> None:
    output.say(
        f"{report.encoder}: {counted(report.vectors, 'vector')}, map of {report.fitted} pictures\n"
        f"on {report.held_out} others it finds {report.recall:.1%} of the 10 nearest that "
        f"{request.to} finds; mean cosine {report.mean_cosine:.3f}"
    )
    if report.text_precision is not None:
        output.say(
            f"labels as texts: {report.text_precision:.1%} of the 10 nearest have the label, "
            f"{report.text_precision_native:.1%} by {request.to} itself"
        )


def _show_index(output: Output, _request: Index, report: IndexReport) -> None:
    output.say(f"{report.covered} of {report.total} rows are in the index")
