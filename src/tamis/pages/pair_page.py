"""Pairs of pictures side by side, with what differs marked, as HTML that needs nothing else."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import TYPE_CHECKING

from jinja2 import Environment, PackageLoader, StrictUndefined

from tamis.errors import UsageError
from tamis.formats.exports.destination import new_file

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from markupsafe import Markup

    from tamis.dataset.store import Store

__all__ = [
    "PairPage",
    "PairSection",
    "ShownPair",
    "ShownPicture",
    "pair_markup",
    "require_page",
    "write_pair_page",
]

_SUFFIXES = (".html", ".htm")


@dataclass(frozen=True)
class ShownPicture:
    """One of the two pictures of a pair.

    Attributes:
        sample_id: whose thumbnail is shown.
        boxes: what is marked: x, y, width and height in pixels of the picture, the worst first.
        badge: a word or two on the picture, such as "kept"; may be empty.
        tone: `good`, `warn` or `plain`.
    """

    sample_id: str
    boxes: tuple[tuple[int, int, int, int], ...] = ()
    badge: str = ""
    tone: str = "plain"


@dataclass(frozen=True)
class ShownPair:
    """Two pictures and what is said of them.

    Attributes:
        left: one.
        right: the other.
        verdict: a word, such as "changed".
        score: beside the verdict.
        text: a sentence or two; may be empty.
    """

    left: ShownPicture
    right: ShownPicture
    verdict: str
    score: float
    text: str = ""


@dataclass(frozen=True)
class PairSection:
    """Pairs with something in common.

    Attributes:
        key: anchor in the page, letters and hyphens.
        title: heading.
        explanation: what is shown, in which order.
        pairs: those shown.
        total: how many there are, shown or not.
    """

    key: str
    title: str
    explanation: str
    pairs: tuple[ShownPair, ...]
    total: int


@dataclass(frozen=True)
class PairPage:
    """A page of pairs.

    Attributes:
        title: heading.
        lead: a sentence under it.
        notes: what to know before trusting the pairs.
        sections: the pairs.
    """

    title: str
    lead: str
    notes: tuple[str, ...]
    sections: tuple[PairSection, ...]


def require_page(out: Path) -> None:
    """Refuse what cannot become a page, before any work.

    Raises:
        UsageError: the name does not end in `.html`, or is a folder's.
    """
    if out.suffix.lower() not in _SUFFIXES or out.is_dir():
        raise UsageError(f"{out} cannot be the page: give the name of a file that ends in .html")


def write_pair_page(store: Store, page: PairPage, out: Path) -> Path:
    """Write a page, replacing an earlier one, and return its path.

    It asks nothing of any network and runs no script. About 15 KB for each picture shown, which
    is written once however many pairs show it.

    Args:
        store: has the thumbnails.
        page: what it says.
        out: the file.

    Raises:
        UsageError: the name does not end in `.html`, or is a folder's.
        StorageError: the disk is full or refuses.
    """
    require_page(out)
    pairs = [pair for section in page.sections for pair in section.pairs]
    template = _environment().get_template("pair_page.html.jinja")
    html = template.render(page=page, pictures=_pictures(store, pairs))
    with new_file(out, overwrite=True) as draft:
        draft.write_text(html, encoding="utf-8")
    return out


def pair_markup(store: Store, pairs: Sequence[ShownPair]) -> Markup:
    """Return the pairs as HTML to stand in another page, with their style; names are escaped."""
    module = _environment().get_template("pairs.html.jinja").module
    markup: Markup = module.standing_alone(pairs, _pictures(store, pairs))  # type: ignore[attr-defined]
    return markup


@dataclass(frozen=True)
class _Picture:
    number: int
    path: str
    width: int
    height: int
    jpeg: str


def _pictures(store: Store, pairs: Sequence[ShownPair]) -> dict[str, _Picture]:
    """What is shown of each picture, by sample id."""
    ids = dict.fromkeys(side.sample_id for pair in pairs for side in (pair.left, pair.right))
    if not ids:
        return {}
    rows = store.read(["sample_id", "path", "width", "height", "thumbnail"], ids=list(ids))
    return {
        row["sample_id"]: _Picture(
            number,
            row["path"] or "",
            row["width"] or 1,
            row["height"] or 1,
            base64.b64encode(row["thumbnail"] or b"").decode("ascii"),
        )
        for number, row in enumerate(rows.to_pylist())
    }


def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("tamis.pages", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
