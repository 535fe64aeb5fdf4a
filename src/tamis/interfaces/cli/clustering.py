"""What the command line prints of clusters and maps."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tamis.interfaces.cli.command import Command
from tamis.services.cluster.contract import Cluster
from tamis.services.map.contract import MakeMap
from tamis.wording import counted

if TYPE_CHECKING:
    import typer

    from tamis.interfaces.cli.output import Output
    from tamis.services.cluster.contract import ClusterReport
    from tamis.services.map.contract import MapReport

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Put these verbs on the command line."""
    Command(Cluster, show_clusters).register(app)
    Command(MakeMap, _show_map).register(app)


def show_clusters(output: Output, _request: Cluster, report: ClusterReport) -> None:
    """Print a line a cluster, and why there are so many."""
    output.say(report.reason)
    if report.stability is not None:
        output.say(f"clusterings of random halves agree by {report.stability:.2f} (1 is fully)")
    output.table(
        ["cluster", "name", "pictures", "stability", "typical picture"],
        [
            (
                one.id,
                one.name,
                one.size,
                "" if one.stability is None else f"{one.stability:.2f}",
                one.examples[0],
            )
            for one in report.clusters
        ],
    )
    if report.levels:
        output.say(f"levels to zoom: {', '.join(map(str, report.levels))} clusters")
    if report.outside:
        output.note(f"{report.outside} pictures are in no cluster")
    if report.gallery is not None:
        output.note(f"gallery  {report.gallery}")


def _show_map(output: Output, _request: MakeMap, report: MapReport) -> None:
    output.say(
        f"{counted(report.placed, 'picture')} placed, {report.pictures} on the map of "
        f"{report.encoder}"
    )
    flat = ""
    if report.plane is not None:
        flat = f" (principal plane: {report.plane.neighbors_kept:.0%})"
    output.say(
        f"{report.neighbors_kept:.0%} of the {report.neighbors} most alike are among the "
        f"{report.neighbors} nearest on it{flat}; trustworthiness {report.trustworthiness:.3f}"
    )
