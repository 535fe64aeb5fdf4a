"""What a probe does badly as a page: mistakes by the classes confused, surest first."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tamis.pages.gallery_page import GalleryPage, Section, write_gallery_page
from tamis.pages.links import Links
from tamis.pages.thumbnails import Thumbnails
from tamis.pages.tile import Badge

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from tamis.dataset.samples import Samples
    from tamis.services.probe.contract import ProbeTraining
    from tamis.services.probe.trained import Mistake

__all__ = ["write_mistakes"]

_PAIRS: Final = 12
_OF_A_PAIR: Final = 24
_SLICES: Final = 5


def write_mistakes(
    samples: Samples, report: ProbeTraining, mistakes: Sequence[Mistake], out: Path
) -> Path:
    """Write the mistakes of the most frequent confusions, and return the page's path.

    Args:
        samples: the dataset's.
        report: what was measured.
        mistakes: pictures whose predicted class is not their label.
        out: the file.

    Raises:
        UsageError: the name does not end in `.html`, or is a folder's.
        StorageError: the disk is full or refuses.
    """
    thumbnails = Thumbnails(samples, links=Links(out))
    shown = report.confused[:_PAIRS]
    sections = []
    for number, pair in enumerate(shown):
        found = [
            one for one in mistakes if (one.label, one.predicted) == (pair.label, pair.predicted)
        ]
        found.sort(key=lambda one: (-one.confidence, one.sample_id))
        sure = {one.sample_id: one.confidence for one in found}
        tiles = thumbnails.tiles(
            [one.sample_id for one in found[:_OF_A_PAIR]],
            badge=lambda row, sure=sure: Badge(f"{sure[row['sample_id']]:.0%}", "warn"),  # type: ignore[misc]
            score=lambda row, sure=sure: sure[row["sample_id"]],  # type: ignore[misc]
            share=1.0 / len(shown),
            names_beyond=True,
        )
        sections.append(
            Section(
                f"confused-{number}",
                f"{pair.label}, taken for {pair.predicted}",
                f"The probe's probability of {pair.predicted} on each; surest first. The label may "
                "be wrong as well as the probe.",
                tiles=tiles,
                total=pair.pictures,
                measure="probability",
            )
        )
    page = GalleryPage(
        kind="probe",
        title=f"Mistakes of the probe {report.name}",
        lead=_lead(report),
        sections=tuple(sections),
        notes=(*report.notes, *_worst(report)),
    )
    return write_gallery_page(page, out)


def _lead(report: ProbeTraining) -> str:
    if report.accuracy is None or report.low is None or report.high is None:
        return "Nothing could be held out to measure it on."
    before = "" if report.ece_before is None else f", {report.ece_before:.3f} before calibration"
    error = "" if report.ece is None else f" Calibration error {report.ece:.3f}{before}."
    return (
        f"{report.method} on vectors of {report.encoder}: accuracy {report.accuracy:.1%} "
        f"({report.low:.1%} to {report.high:.1%}) on {report.measured:,} pictures of the "
        f"{report.measured_on}.{error}"
    )


def _worst(report: ProbeTraining) -> list[str]:
    """Name the slices that do worse than the rest beyond chance."""
    return [
        f"{one.column} {one.value}: accuracy {one.accuracy:.1%} ({one.low:.1%} to {one.high:.1%}) "
        f"on {one.pictures:,} pictures, {-one.gap:.1%} under the rest"
        for one in report.slices[:_SLICES]
        if one.gap < 0 and one.p_value < 0.05  # noqa: PLR2004 - the usual level
    ]
