"""Suspect labels as a page: each picture beside one of the class that is suggested."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from tamis.pages.gallery_page import GalleryPage, Section, write_gallery_page
from tamis.pages.links import Links
from tamis.pages.thumbnails import Thumbnails
from tamis.pages.tile import Badge, PicturePair
from tamis.wording import counted

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from tamis.dataset.samples import Samples
    from tamis.pages.tile import Tile
    from tamis.services.labeling.contract import MislabelReport, Suspect

__all__ = ["write_suspects"]

_MOST: Final = 100
_SECTIONS: Final[Mapping[str, tuple[str, str]]] = {
    "wrong": ("Wrong", "Another class is likely, and the label's own is not."),
    "duplicate": ("Near-duplicates with another label", "Settle which label they share."),
    "out of class": ("Of no class", "Far from all others, and like no class."),
    "ambiguous": ("Ambiguous", "Two classes are about as likely; both may be seen in it."),
}


def write_suspects(
    samples: Samples, report: MislabelReport, examples: Mapping[str, str], out: Path
) -> Path:
    """Write at most 100 suspects of each kind, most suspect first, and return the page's path.

    Args:
        samples: the dataset's.
        report: what was found.
        examples: by the suspect's id, that of a picture of the class that is suggested.
        out: the file.

    Raises:
        UsageError: the name does not end in `.html`, or is a folder's.
        StorageError: the disk is full or refuses.
    """
    thumbnails = Thumbnails(samples, links=Links(out))
    sections = []
    for kind, (title, explanation) in _SECTIONS.items():
        found = [one for one in report.suspects if one.kind == kind]
        beside = [one for one in found if one.sample_id in examples][:_MOST]
        alone = [one for one in found if one.sample_id not in examples][:_MOST]
        said = f"{explanation} Most suspect first; at the right a picture of the class suggested."
        sections.append(
            Section(
                kind.replace(" ", "-"),
                title,
                said if beside else explanation,
                pairs=_pairs(thumbnails, beside, examples),
                tiles=() if beside else _tiles(thumbnails, alone),
                total=len(found),
                measure="suspicion",
            )
        )
    shown = counted(len(report.suspects), "suspect")
    page = GalleryPage(
        kind="labels",
        title="Suspect labels",
        lead=f"{report.checked:,} labels of {samples.store.path.resolve().name} were judged by "
        f"{report.method}, with vectors of {report.encoder}: {shown}.",
        sections=tuple(sections),
        notes=tuple(report.notes),
    )
    return write_gallery_page(page, out)


def _pairs(
    thumbnails: Thumbnails, suspects: list[Suspect], examples: Mapping[str, str]
) -> tuple[PicturePair, ...]:
    ids = [name for one in suspects for name in (one.sample_id, examples[one.sample_id])]
    tiles = thumbnails.tiles(ids, names_beyond=True)
    return tuple(
        PicturePair(
            left=replace(tiles[2 * place], badge=Badge(one.given, "warn")),
            right=replace(tiles[2 * place + 1], badge=Badge(one.suggested, "good")),
            caption=f"labeled {one.given}, perhaps {one.suggested}",
            verdict=one.kind,
            score=one.score,
        )
        for place, one in enumerate(suspects)
    )


def _tiles(thumbnails: Thumbnails, suspects: list[Suspect]) -> tuple[Tile, ...]:
    of = {one.sample_id: one for one in suspects}
    return thumbnails.tiles(
        [one.sample_id for one in suspects],
        note=lambda row: f"perhaps {of[row['sample_id']].suggested}",
        badge=lambda row: Badge(of[row["sample_id"]].given, "warn"),
        score=lambda row: of[row["sample_id"]].score,
        names_beyond=True,
    )
