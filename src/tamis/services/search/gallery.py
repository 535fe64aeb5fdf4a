"""The answer of a search as one page: what was looked for, and the pictures that were found."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from tamis.errors import TamisError
from tamis.images.thumbnail import thumbnail
from tamis.pages.gallery_page import GalleryPage, Question, Section, write_gallery_page
from tamis.pages.links import Links
from tamis.pages.thumbnails import Thumbnails
from tamis.pages.tile import Badge, Tile, in_picture
from tamis.runtime.queries import picture_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tamis.dataset.samples import Samples
    from tamis.services.search.contract import Search, SearchReport
    from tamis.services.search.example import Example

__all__ = ["write_gallery"]


def write_gallery(
    samples: Samples,
    request: Search,
    report: SearchReport,
    examples: Mapping[str, Example],
    out: Path,
) -> Path:
    """Write what was looked for and the hits as one HTML file, and return its path.

    Args:
        samples: the dataset's.
        request: what was looked for.
        report: what a search found.
        examples: what each example's name means.
        out: the file.

    Raises:
        UsageError: the name does not end in `.html`, or is a folder's.
        StorageError: the disk is full or refuses.
    """
    links = Links(out)
    thumbnails = Thumbnails(samples, links=links)

    def shown(name: str, region: tuple[int, int, int, int] | None = None) -> Tile:
        example = examples[name]
        if region is None and example.region is not None and example.stored is None:
            region = example.region.x, example.region.y, example.region.width, example.region.height
        return _framed(_example_tile(thumbnails, links, name, example), region)

    likes = [
        shown(name, request.region if number == 0 else None)
        for number, name in enumerate(request.like)
    ]
    question = Question(
        texts=tuple(request.texts),
        pictures=tuple(likes),
        against=tuple(request.not_texts),
        unlike=tuple(shown(name) for name in request.unlike),
    )
    count = len(report.hits)
    hits = Section(
        key="found",
        title="Found",
        explanation="Most similar first; a frame marks the part that matched."
        if any(hit.region for hit in report.hits)
        else "Most similar first.",
        tiles=_hit_tiles(thumbnails, report),
        total=count,
        empty="No picture was found.",
        measure="similarity",
    )
    page = GalleryPage(
        kind="search",
        title=_title(request, examples),
        lead=f"{count:,} {'picture' if count == 1 else 'pictures'} of "
        f"{samples.store.path.resolve().name} by {report.encoder}; the score is the cosine "
        "similarity to what was looked for.",
        sections=(hits,),
        notes=tuple(report.notes),
        question=question,
        layers=thumbnails.layers,
    )
    return write_gallery_page(page, out)


def _hit_tiles(thumbnails: Thumbnails, report: SearchReport) -> tuple[Tile, ...]:
    """The hits; a part of a picture is shown as a frame in the picture."""
    tiles = thumbnails.tiles(
        [hit.parent_id or hit.sample_id for hit in report.hits], names_beyond=True
    )
    shown = []
    for tile, hit in zip(tiles, report.hits, strict=True):
        note = "" if hit.local_score is None else f"patches {hit.local_score:.3f}"
        told = replace(
            tile,
            note=note,
            badge=Badge(f"{hit.score:.3f}"),
            label=hit.label,
            split=hit.split,
            score=hit.score,
        )
        shown.append(_framed(told, hit.region))
    return tuple(shown)


def _title(request: Search, examples: Mapping[str, Example]) -> str:
    named = [examples[name].called or Path(name).name for name in request.like]
    asked = [*request.texts, *(f"like {name}" for name in named)]
    title = ", ".join(asked)
    return title[:1].upper() + title[1:]


def _framed(tile: Tile, region: tuple[int, int, int, int] | None) -> Tile:
    if region is None:
        return tile
    return replace(tile, boxes=(in_picture(region, (tile.width, tile.height)),))


def _example_tile(thumbnails: Thumbnails, links: Links, name: str, example: Example) -> Tile:
    """An example as the dataset has it, else as its file shows it, else by name."""
    if example.stored is not None:
        return thumbnails.tiles([example.stored], names_beyond=True)[0]
    try:
        image = picture_of(example.file)
    except TamisError:
        return Tile(name, b"")
    return Tile(
        example.called or name,
        thumbnail(image),
        width=image.width,
        height=image.height,
        link=links.to(example.file),
    )
