"""An answer as one page of pictures: what was asked, and what was found."""

from __future__ import annotations

from dataclasses import dataclass, field
from importlib.metadata import version
from typing import TYPE_CHECKING

from tamis.formats.exports.destination import new_file
from tamis.outside_text import storable
from tamis.pages.page import page_environment, require_page

if TYPE_CHECKING:
    from pathlib import Path

    from tamis.pages.tile import PicturePair, Tile

__all__ = ["GalleryPage", "Question", "Section", "Threshold", "write_gallery_page"]


@dataclass(frozen=True)
class Question:
    """What was looked for.

    Attributes:
        texts: what the pictures should show.
        pictures: examples.
        against: what they should not show.
        unlike: examples to be far from.
    """

    texts: tuple[str, ...] = ()
    pictures: tuple[Tile, ...] = ()
    against: tuple[str, ...] = ()
    unlike: tuple[Tile, ...] = ()


@dataclass(frozen=True)
class Section:
    """Pictures, or pairs of them, with something in common.

    Attributes:
        key: anchor in the page, letters and hyphens.
        title: heading.
        explanation: what is shown, in which order; may be empty.
        tiles: the pictures shown.
        pairs: the pairs shown; a section has either.
        total: how many there are, shown or not.
        empty: sentence for when there are none.
        measure: what the score is.
    """

    key: str
    title: str
    explanation: str
    tiles: tuple[Tile, ...] = ()
    pairs: tuple[PicturePair, ...] = ()
    total: int = 0
    empty: str = "None."
    measure: str = "score"


@dataclass(frozen=True)
class Threshold:
    """A score from which on pictures count as found, which the page lets one move.

    Attributes:
        value: where it is.
        nominal: highest scores of groups of pictures in which there is nothing to find; a threshold
            implies a false-alarm rate by them. Empty if none are known.
    """

    value: float
    nominal: tuple[float, ...] = ()


@dataclass(frozen=True)
class GalleryPage:
    """A page of pictures.

    Attributes:
        kind: what the page is, in a word or two above the heading.
        title: heading.
        lead: a sentence under it.
        sections: the pictures.
        notes: what to know before trusting them.
        question: what was looked for; None where nothing was.
        layers: layers of annotations that are drawn on the pictures.
        threshold: of the pictures' scores; None where there is none to move.
    """

    kind: str
    title: str
    lead: str
    sections: tuple[Section, ...]
    notes: tuple[str, ...] = ()
    question: Question | None = field(default=None)
    layers: tuple[str, ...] = ()
    threshold: Threshold | None = None


def write_gallery_page(page: GalleryPage, out: Path) -> Path:
    """Write a page, replacing an earlier one, and return its path.

    It asks nothing of any network, and can be read where no script runs. Its size is that of its
    thumbnails and a third (`tamis.pages.thumbnails` keeps them in a budget).

    Raises:
        UsageError: the name does not end in `.html`, or is a folder's.
        StorageError: the disk is full or refuses.
    """
    require_page(out)
    template = page_environment().get_template("gallery_page.html.jinja")
    html = storable(template.render(page=page, version=version("tamis")))
    with new_file(out, overwrite=True) as draft:
        draft.write_text(html, encoding="utf-8")
    return out
