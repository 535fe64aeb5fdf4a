"""What a search for duplicates found, as a page of pairs to look at."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tamis.pages.pair_page import PairPage, PairSection, ShownPair, ShownPicture, write_pair_page
from tamis.types import Verdict
from tamis.wording import counted

if TYPE_CHECKING:
    from pathlib import Path

    from tamis.dataset.store import Store
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
            "The same view, and nothing tells at the resolution at hand whether anything differs. "
            "These are never dropped. Highest scores first."
        ),
    ),
}
_HOW = {"flip": ", mirrored", "turned": ", turned"}
_REASONS = {
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
    sections = []
    for verdict, (title, explanation) in _SECTIONS.items():
        pairs = [pair for pair in report.pairs if pair.verdict == verdict]
        sign = 1 if verdict == Verdict.COPY else -1
        pairs.sort(key=lambda pair: (pair.kind == "exact", sign * pair.score))
        shown = tuple(fate.shown(pair) for pair in pairs[:_MOST_SHOWN])
        sections.append(PairSection(verdict.value, title, explanation, shown, len(pairs)))
    page = PairPage(
        title="Duplicates",
        lead=f"{counted(report.pictures, 'picture')}, {report.dropped:,} to drop, "
        f"{len(report.groups):,} "
        f"groups. A pair is a copy from a score of {report.threshold:.3f} on.",
        notes=tuple(report.notes),
        sections=tuple(sections),
    )
    return write_pair_page(store, page, out)


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

    def shown(self, pair: Pair) -> ShownPair:
        return ShownPair(
            left=self._side(pair.left_id, [region.left for region in pair.regions]),
            right=self._side(pair.right_id, [region.right for region in pair.regions]),
            verdict=pair.verdict.value + _HOW.get(pair.kind, ""),
            score=pair.score,
            text=self._why(pair),
        )

    def _side(self, sample_id: str, boxes: list[tuple[int, int, int, int]]) -> ShownPicture:
        if sample_id in self._dropped:
            return ShownPicture(sample_id, tuple(boxes), "dropped", "warn")
        badge = "kept" if sample_id in self._kept else "stays"
        return ShownPicture(sample_id, tuple(boxes), badge, "good")

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
