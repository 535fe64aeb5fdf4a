"""The pictures on which two layers disagree most, as one page with both layers drawn."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tamis.pages.annotation_marks import AnnotationMarks
from tamis.pages.gallery_page import GalleryPage, Section, write_gallery_page
from tamis.pages.links import Links
from tamis.pages.thumbnails import Thumbnails

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from pathlib import Path
    from typing import Any

    from tamis.dataset.samples import Samples
    from tamis.services.evaluate.contract import Evaluate
    from tamis.services.evaluate.mistakes import Disagreement

__all__ = ["write_gallery"]

_SHOWN: Final = 200


def write_gallery(
    samples: Samples,
    request: Evaluate,
    ids: Sequence[str],
    worst: Disagreement,
    *,
    right: Collection[str],
    out: Path,
) -> None:
    """Write the page.

    Args:
        samples: the dataset's.
        request: what was compared.
        ids: pictures with a mistake, those with most first.
        worst: how much the layers disagree on each.
        right: ids of annotations that are no mistake, which are drawn faintly.
        out: the file.

    Raises:
        StorageError: the disk refuses.
    """
    places = dict(zip(ids, worst.order.tolist(), strict=True))

    def note(row: Mapping[str, Any]) -> str:
        at = places[row["sample_id"]]
        named = (("missed", worst.missed), ("invented", worst.invented))
        parts = [f"{int(of[at])} {name}" for name, of in (*named, ("confused", worst.confused))]
        return ", ".join(part for part in parts if not part.startswith("0 "))

    marks = AnnotationMarks(samples.store, (request.truth, request.layer), right)
    thumbnails = Thumbnails(samples, links=Links(out), marks=marks)
    tiles = thumbnails.tiles(
        ids[: request.most or _SHOWN],
        note=note,
        score=lambda row: float(worst.share[places[row["sample_id"]]]),
        names_beyond=True,
    )
    section = Section(
        key="disagreement",
        title="Most disagreement",
        explanation="Pictures with most mistakes first; what agrees or is too unsure is drawn "
        f"faintly. Missed: only in {request.truth}; invented: only in {request.layer}; confused: "
        "of different classes.",
        tiles=tiles,
        total=len(ids),
        empty="The layers agree.",
        measure="disagreement",
    )
    page = GalleryPage(
        kind="evaluate",
        title=f"{request.layer} beside {request.truth}",
        lead=f"Pictures of {samples.store.path.resolve().name} on which the two layers disagree, "
        f"at a confidence of {request.confidence:g} and an overlap of {request.overlap:g}.",
        sections=(section,),
        layers=marks.layers,
    )
    write_gallery_page(page, out)
