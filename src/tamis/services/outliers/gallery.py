"""Odd pictures and rare clusters as a page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tamis.dataset.columns import Column, equal
from tamis.pages.gallery_page import GalleryPage, Section, write_gallery_page
from tamis.pages.links import Links
from tamis.pages.thumbnails import Thumbnails

if TYPE_CHECKING:
    from pathlib import Path

    from tamis.dataset.samples import Samples
    from tamis.services.outliers.contract import Outliers, OutliersReport

__all__ = ["write_outliers"]

_CLUSTERS: Final = 10


def write_outliers(samples: Samples, report: OutliersReport, request: Outliers, out: Path) -> Path:
    """Write the farthest pictures and the ten rarest clusters, and return the page's path.

    Raises:
        UsageError: the name does not end in `.html`, or is a folder's.
        StorageError: the disk is full or refuses.
    """
    thumbnails = Thumbnails(samples, links=Links(out))
    rare = report.clusters[:_CLUSTERS]
    share = 1.0 / (1 + len(rare))
    values = {one.sample_id: getattr(one, request.by) for one in report.pictures}
    sections = [
        Section(
            "pictures",
            "Farthest pictures",
            f"By {request.by}, farthest first, of {report.scored:,}.",
            tiles=thumbnails.tiles(
                list(values), score=lambda row: values[row["sample_id"]], share=share
            ),
            total=report.scored,
            measure=request.by,
        )
    ]
    for one in rare:
        ids = samples.of(equal(Column.CLUSTER, one.id)).ids
        sections.append(
            Section(
                f"cluster-{one.id}",
                f"Cluster {one.id}",
                f"{one.size:,} pictures, median {request.by} {one.distance:.3g}.",
                tiles=thumbnails.tiles(ids, share=share, names_beyond=True),
                total=one.size,
            )
        )
    page = GalleryPage(
        kind="outliers",
        title="Odd pictures and rare clusters",
        lead=f"{report.scored:,} pictures of {samples.store.path.resolve().name}, compared with "
        f"{report.reference:,}, by vectors of {report.encoder}.",
        sections=tuple(sections),
        notes=tuple(report.notes),
    )
    return write_gallery_page(page, out)
