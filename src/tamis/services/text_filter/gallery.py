"""What a filter let pass and what it left on the line, as one page to look at."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tamis.pages.gallery_page import GalleryPage, Question, Section, write_gallery_page
from tamis.pages.links import Links
from tamis.pages.thumbnails import Thumbnails
from tamis.pages.tile import Badge

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from tamis.dataset.samples import Samples
    from tamis.pages.tile import Tile
    from tamis.services.text_filter.contract import Filter, FilterReport, Match

__all__ = ["BORDERLINE", "write_filter_gallery"]

BORDERLINE: Final = 48
"""Pictures shown that are nearest to the line, on either side."""

_PASSED, _PASSED_SHARE = 2000, 0.7


def write_filter_gallery(
    samples: Samples,
    request: Filter,
    report: FilterReport,
    borderline: Sequence[tuple[Match, bool]],
    out: Path,
) -> Path:
    """Write the borderline pictures and those that passed as one HTML file; return its path.

    Args:
        samples: the dataset's.
        request: what was asked for.
        report: what passed.
        borderline: pictures near the line and whether each passed, the nearest first.
        out: the file.

    Raises:
        UsageError: the name does not end in `.html`, or is a folder's.
        StorageError: the disk is full or refuses.
    """
    thumbnails = Thumbnails(samples, links=Links(out))
    fate = {match.sample_id: passed for match, passed in borderline}
    near = _tiles(thumbnails, [match for match, _ in borderline], fate, share=1 - _PASSED_SHARE)
    passed = _tiles(thumbnails, report.rows[:_PASSED], {}, share=1.0)
    measure = "probability" if request.classes else "cosine similarity"
    line = "" if report.threshold is None else f" The threshold is {report.threshold:.3f}."
    page = GalleryPage(
        kind="filter",
        title=", ".join(request.texts),
        lead=f"{report.matched:,} of {report.scored:,} pictures of "
        f"{samples.store.path.resolve().name} pass by {report.encoder}; the score is the "
        f"{measure} to the text that fits best.{line}",
        sections=(
            Section(
                "borderline",
                "Borderline",
                "Nearest to the line on either side, the nearest first. If these are told apart "
                "wrongly, set the threshold or name what is not meant.",
                tiles=near,
                total=len(near),
                empty="No picture was scored.",
                measure=measure,
            ),
            Section(
                "passed",
                "Passed",
                "Best first.",
                tiles=passed,
                total=report.matched,
                empty="No picture passes.",
                measure=measure,
            ),
        ),
        notes=tuple(report.notes),
        question=Question(texts=tuple(request.texts), against=tuple(request.not_texts)),
    )
    return write_gallery_page(page, out)


def _tiles(
    thumbnails: Thumbnails, matches: Sequence[Match], fate: dict[str, bool], *, share: float
) -> tuple[Tile, ...]:
    of = {match.sample_id: match for match in matches}

    def badge(sample_id: str) -> Badge:
        score = f"{of[sample_id].score:.3f}"
        if sample_id not in fate:
            return Badge(score)
        return Badge(f"{score} passes", "good") if fate[sample_id] else Badge(f"{score} does not")

    return thumbnails.tiles(
        list(of),
        note=lambda row: of[row["sample_id"]].text,
        badge=lambda row: badge(row["sample_id"]),
        score=lambda row: of[row["sample_id"]].score,
        share=share,
        names_beyond=True,
    )
