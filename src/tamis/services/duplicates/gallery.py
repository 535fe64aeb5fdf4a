"""What a search for duplicates found, as a page of pairs to look at."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from tamis.dataset.samples import Samples
from tamis.pages.gallery_page import GalleryPage, Section, write_gallery_page
from tamis.pages.links import Links
from tamis.pages.thumbnails import Thumbnails
from tamis.pages.tile import Badge, PicturePair, in_picture
from tamis.types import Verdict
from tamis.wording import counted

if TYPE_CHECKING:
    from pathlib import Path

    from tamis.dataset.store import Store
    from tamis.pages.tile import Tile
    from tamis.services.duplicates.result import DuplicateReport, Pair

__all__ = ["write_duplicate_gallery"]

_MOST_SHOWN = 100
_SECTIONS = {
    Verdict.COPY: (
        "Copies",
        (
            "Nothing differs beyond noise and processing. Lowest scores first, which are the most "
            "doubtful ones; equal files last."
        ),
    ),
    Verdict.CHANGED: (
        "Changed",
        (
            "The same view with other content; boxes mark where. Highest scores first, which are "
            "nearest to a copy."
        ),
    ),
    Verdict.UNDECIDED: (
        "Undecided",
        (
            "The same view, and the pixels do not tell whether anything differs. "
            "These are never dropped. Highest scores first."
        ),
    ),
}
_HOW = {"flip": ", mirrored", "turned": ", turned"}
_REASONS = {
    "answer": "a review said so",
    "present": "its file is still there",
    "resolution": "it has more pixels of its own",
    "upright": "it was not tilted in its frame",
    "sharpness": "it is neither blurred nor over-sharpened",
    "exif": "it has the camera's data",
    "oldest": "it is older",
    "newest": "it is newer",
    "labeled": "it has a label",
    "unlabeled": "it has no label",
    "size": "its file is larger",
    "path": "its path comes first",
    "sample id": "its sample id comes first",
}


def write_duplicate_gallery(store: Store, report: DuplicateReport, out: Path) -> Path:
    """Write at most 100 pairs of each verdict side by side, and return the page's path.

    Args:
        store: the dataset.
        report: what a search found there.
        out: the file, which ends in `.html`.

    Raises:
        UsageError: the name does not end in `.html`, or is a folder's.
        StorageError: the disk is full or refuses.
    """
    fate = _Fate(report)
    thumbnails = Thumbnails(Samples(store), links=Links(out))
    sections = []
    for verdict, (title, explanation) in _SECTIONS.items():
        pairs = [pair for pair in report.pairs if pair.verdict == verdict]
        sign = 1 if verdict == Verdict.COPY else -1
        pairs.sort(key=lambda pair: (pair.kind == "exact", sign * pair.score))
        shown = _side_by_side(thumbnails, pairs[:_MOST_SHOWN], fate)
        sections.append(Section(verdict.value, title, explanation, pairs=shown, total=len(pairs)))
    page = GalleryPage(
        kind="duplicates",
        title="Duplicates",
        lead=f"{counted(report.pictures, 'picture')}, {report.dropped:,} to drop, "
        f"{len(report.groups):,} "
        f"groups. A pair is a copy from a score of {report.threshold:.3f} on.",
        notes=tuple(report.notes),
        sections=tuple(sections),
    )
    return write_gallery_page(page, out)


def _side_by_side(
    thumbnails: Thumbnails, pairs: list[Pair], fate: _Fate
) -> tuple[PicturePair, ...]:
    """The pairs with what differs framed, as far as the page has room for their thumbnails."""
    ids = [sample_id for pair in pairs for sample_id in (pair.left_id, pair.right_id)]
    tiles = thumbnails.tiles(
        ids, note=lambda row: f"{row['width']} x {row['height']} pixels", names_beyond=True
    )
    shown = []
    for number, pair in enumerate(pairs):
        left, right = tiles[2 * number : 2 * number + 2]
        shown.append(fate.shown(pair, left, right))
    return tuple(shown)


class _Fate:
    """Which pictures are kept and dropped, and why."""

    def __init__(self, report: DuplicateReport) -> None:
        self._dropped: dict[str, tuple[str, str, str]] = {}
        self._kept = set()
        for group in report.groups:
            if group.drop:
                self._kept.add(group.ids[0])
                for sample_id, reason in zip(group.ids[1:], group.reasons, strict=True):
                    self._dropped[sample_id] = group.ids[0], group.keep, reason

    def shown(self, pair: Pair, left: Tile, right: Tile) -> PicturePair:
        """Return a pair with what becomes of each picture, and why."""
        return PicturePair(
            left=self._side(left, pair.left_id, [region.left for region in pair.regions]),
            right=self._side(right, pair.right_id, [region.right for region in pair.regions]),
            caption=self._why(pair),
            verdict=pair.verdict.value + _HOW.get(pair.kind, ""),
            score=pair.score,
        )

    def _side(self, tile: Tile, sample_id: str, boxes: list[tuple[int, int, int, int]]) -> Tile:
        badge = Badge("kept" if sample_id in self._kept else "stays", "good")
        if sample_id in self._dropped:
            badge = Badge("dropped", "warn")
        size = (tile.width, tile.height)
        return replace(tile, badge=badge, boxes=tuple(in_picture(box, size) for box in boxes))

    def _why(self, pair: Pair) -> str:
        """Say why the one was kept, or whom each is dropped for."""
        texts = []
        for side, other, name in (
            (pair.left_id, pair.right_id, pair.left),
            (pair.right_id, pair.left_id, pair.right),
        ):
            if side not in self._dropped:
                continue
            keep, path, reason = self._dropped[side]
            if keep == other:
                texts.append(f"{path} is kept: {_phrase(reason)}")
            else:
                texts.append(f"{name} is dropped for {path}: {_phrase(reason)}")
        return "; ".join(texts)


def _phrase(reason: str) -> str:
    if reason.startswith("folder="):
        return f"it lies in {reason.removeprefix('folder=')}"
    return _REASONS[reason]
