"""What the command line prints of a search."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tamis.interfaces.cli.output import Output
    from tamis.services.search.contract import Search, SearchReport

__all__ = ["show_search"]


def show_search(output: Output, _request: Search, report: SearchReport) -> None:
    """Print the hits, best first."""
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
