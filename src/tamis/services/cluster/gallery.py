"""Clusters as a page: the typical pictures of each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tamis.pages.gallery_page import GalleryPage, Section, write_gallery_page
from tamis.pages.links import Links
from tamis.pages.thumbnails import Thumbnails

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from tamis.dataset.samples import Samples
    from tamis.services.cluster.contract import ClusterReport

__all__ = ["write_clusters"]


def write_clusters(
    samples: Samples, report: ClusterReport, typical: Mapping[int, Sequence[str]], out: Path
) -> Path:
    """Write the typical pictures of each cluster, the largest first, and return the page's path.

    Args:
        samples: the dataset's.
        report: the clusters.
        typical: ids of each cluster's pictures to show, nearest to its middle first.
        out: the file.

    Raises:
        UsageError: the name does not end in `.html`, or is a folder's.
        StorageError: the disk is full or refuses.
    """
    thumbnails = Thumbnails(samples, links=Links(out))
    share = 1.0 / max(len(report.clusters), 1)
    sections = []
    for one in report.clusters:
        stable = "" if one.stability is None else f", stability {one.stability:.2f}"
        sections.append(
            Section(
                f"cluster-{one.id}",
                one.name if one.name == f"cluster {one.id}" else f"{one.id}: {one.name}",
                f"{one.size:,} pictures{stable}. Nearest to the middle first. "
                f'Label them:  tamis label set CLASS --where "cluster = {one.id}"',
                tiles=thumbnails.tiles(typical[one.id], share=share, names_beyond=True),
                total=one.size,
            )
        )
    unsaid = report.stability is not None and "Rand index" not in report.reason
    agree = f" Random halves agree by {report.stability:.2f}." if unsaid else ""
    page = GalleryPage(
        kind="clusters",
        title="Clusters",
        lead=f"{report.pictures:,} pictures of {samples.store.path.resolve().name}, with vectors "
        f"of {report.encoder}. {report.reason}.{agree}",
        sections=tuple(sections),
        notes=tuple(report.notes),
    )
    return write_gallery_page(page, out)
