"""The answer of a filter as one page: the pictures on either side of the cut, and the best."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tamis.pages.gallery_page import GalleryPage, Question, Section, write_gallery_page
from tamis.pages.links import Links
from tamis.pages.thumbnails import Thumbnails

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from tamis.dataset.samples import Samples
    from tamis.services.text_filter.contract import Filter, FilterReport

__all__ = ["write_gallery"]

_BESIDE: Final = 60
_BEST: Final = 60


def write_gallery(  # noqa: PLR0917 - what a page is made of
    samples: Samples,
    request: Filter,
    report: FilterReport,
    ids: list[str],
    clear: NDArray[np.float32],
    out: Path,
) -> Path:
    """Write what barely passed, what barely did not, and the best, and return the path.

    Args:
        samples: the dataset's.
        request: what was asked.
        report: what passed.
        ids: every picture scored.
        clear: `[N]` by how much each passes; negative for those that do not.
        out: the file.

    Raises:
        UsageError: the name does not end in `.html`, or is a folder's.
        StorageError: the disk is full or refuses.
    """
    thumbnails = Thumbnails(samples, links=Links(out))
    passed = {row.sample_id for row in report.rows}
    place = {name: row for row, name in enumerate(ids)}
    order = sorted(ids, key=lambda name: (abs(float(clear[place[name]])), name))

    def section(key: str, title: str, explanation: str, names: list[str], total: int) -> Section:
        tiles = thumbnails.tiles(
            names,
            note=lambda row: f"{clear[place[row['sample_id']]]:+.3f}",
            score=lambda row: float(clear[place[row["sample_id"]]]),
            names_beyond=True,
        )
        return Section(key, title, explanation, tiles, total=total, measure="distance to the cut")

    missed = len(ids) - len(passed)
    page = GalleryPage(
        kind="filter",
        title=", ".join(request.texts),
        lead=f"{report.matched:,} of {report.scored:,} pictures of "
        f"{samples.store.path.resolve().name} pass, by {report.encoder}. Look at both sides of the "
        "cut: where the wrong ones begin, there it belongs.",
        sections=(
            section(
                "barely",
                "Barely pass",
                "Nearest to the cut first.",
                [name for name in order if name in passed][:_BESIDE],
                len(passed),
            ),
            section(
                "barely-not",
                "Barely do not pass",
                "Nearest to the cut first.",
                [name for name in order if name not in passed][:_BESIDE],
                missed,
            ),
            section(
                "best",
                "Surest",
                "Highest score first.",
                [row.sample_id for row in report.rows[:_BEST]],
                len(passed),
            ),
        ),
        notes=tuple(report.notes),
        question=Question(texts=tuple(request.texts), against=tuple(request.not_texts)),
    )
    return write_gallery_page(page, out)
