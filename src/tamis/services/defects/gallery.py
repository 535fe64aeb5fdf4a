"""Scored pictures with their heat-maps as one page, worst first."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tamis.pages.gallery_page import GalleryPage, Section, write_gallery_page
from tamis.pages.links import Links
from tamis.pages.thumbnails import THUMBNAIL_BUDGET
from tamis.pages.tile import Badge, Tile, in_picture

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from tamis.pages.gallery_page import Threshold
    from tamis.services.defects.rows import PictureRow
    from tamis.services.defects.score import Looked

__all__ = ["write_gallery"]


def write_gallery(
    found: Sequence[tuple[PictureRow, Looked]],
    threshold: Threshold,
    lead: str,
    notes: Sequence[str],
    out: Path,
) -> Path:
    """Write anomalous pictures, then the others, each with its heat-map, and return the path.

    Args:
        found: rows and what came of them, worst first.
        threshold: a higher score is anomalous; the page lets one move it.
        lead: what scored them, without a full stop.
        notes: what to know before trusting it.
        out: the file.

    Raises:
        UsageError: the name does not end in `.html`, or is a folder's.
        StorageError: the disk is full or refuses.
    """
    links = Links(out)
    room = THUMBNAIL_BUDGET
    tiles: dict[bool, list[Tile]] = {True: [], False: []}
    for row, one in found:
        picture = one.picture
        shown = one.thumbnail if room >= len(one.thumbnail) else b""
        room -= len(shown)
        regions = len(picture.regions)
        note = f"{regions} {'region' if regions == 1 else 'regions'}" if regions else ""
        if picture.anomalous and not regions:
            note = "differs as a whole"
        tiles[picture.anomalous].append(
            Tile(
                path=row.path,
                thumbnail=shown,
                note=note,
                badge=Badge(f"{picture.score:.2f}", "warn" if picture.anomalous else "plain"),
                boxes=tuple(
                    in_picture(region.box, (row.width, row.height)) for region in picture.regions
                ),
                width=row.width,
                height=row.height,
                score=picture.score,
                link=links.to(row.uri),
            )
        )
    sections = tuple(
        Section(
            key=key,
            title=title,
            explanation=explanation,
            tiles=tuple(tiles[anomalous]),
            total=len(tiles[anomalous]),
            empty="No picture.",
            measure="score",
        )
        for anomalous, key, title, explanation in (
            (True, "anomalous", "Anomalous", f"Score above {threshold.value:.2f}, worst first."),
            (False, "normal", "Normal", "The others, worst first."),
        )
    )
    count = len(found)
    page = GalleryPage(
        kind="defects",
        title=f"{len(tiles[True]):,} of {count:,} pictures are anomalous",
        lead=f"{lead}; yellow to red is where a picture differs most.",
        sections=sections,
        notes=tuple(notes),
        threshold=threshold,
    )
    return write_gallery_page(page, out)
