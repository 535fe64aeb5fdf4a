"""The pictures that a report shows, and what it says about each."""

from __future__ import annotations

from collections import defaultdict
from functools import partial
from operator import itemgetter
from typing import TYPE_CHECKING, Any

import pyarrow.compute as pc

from tamis.dataset.columns import Column
from tamis.dataset.samples import Kind
from tamis.pages.tile import Badge
from tamis.services.report.contents import DuplicateGroup, Gallery

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from tamis.dataset.samples import Samples
    from tamis.pages.thumbnails import Thumbnails
    from tamis.pages.tile import Tile

__all__ = ["closest", "duplicate_groups", "extremes", "outliers", "selected"]

_GROUPS, _DROPPED = 40, 4
_SELECTED, _OTHERS = 5000, 24
_SELECTED_SHARE = 0.75
"""Of the bytes that are left; the rest is for galleries further down."""


def duplicate_groups(
    samples: Samples, thumbnails: Thumbnails
) -> tuple[tuple[DuplicateGroup, ...], int, int]:
    """Return the groups shown, and how many groups and dropped pictures there are."""
    dropped: dict[str, list[str]] = defaultdict(list)
    set_aside = samples.of(kind=Kind.ALL).having(Column.DUPLICATE_OF)
    marked = set_aside.table(Column.SAMPLE_ID, Column.DUPLICATE_OF)
    for row in marked.to_pylist():
        dropped[row["duplicate_of"]].append(row["sample_id"])
    order = sorted(dropped, key=lambda keeper: -len(dropped[keeper]))
    groups = []
    for keeper in order[:_GROUPS]:
        kept = thumbnails.tiles([keeper], note=_size, badge=lambda _row: Badge("kept", "good"))
        beside = thumbnails.tiles(
            dropped[keeper][:_DROPPED],
            note=_size,
            badge=_dropped_badge,
            score=lambda row: row["duplicate_score"],
            columns=_PAIR_MARKS,
        )
        if not kept or not beside:
            break
        groups.append(DuplicateGroup(kept[0], beside, len(dropped[keeper])))
    return tuple(groups), len(order), marked.num_rows


_PAIR_MARKS = (Column.DUPLICATE_SCORE, Column.DUPLICATE_KIND)


_KINDS = {"near": "copy", "flip": "mirrored copy", "turned": "turned copy", "exact": "same file"}


def _dropped_badge(row: Mapping[str, Any]) -> Badge:
    score, kind = row["duplicate_score"], row["duplicate_kind"]
    what = _KINDS.get(kind or "dropped", kind)
    parts = [f"{score:.3f}" if isinstance(score, float) else None, what]
    return Badge(" · ".join(str(part) for part in parts if part is not None), "warn")


def _size(row: Mapping[str, Any]) -> str:
    return f"{row['width']} x {row['height']} pixels"


def selected(samples: Samples, thumbnails: Thumbnails) -> Gallery | None:
    """Return the selected pictures in order of choice; None if nothing was ever selected."""
    if not samples.has(Column.SELECTED):
        return None
    marks = (Column.SELECTED_RANK, Column.SELECTED_REASON)
    chosen = samples.of(kind=Kind.ALL).equal(Column.SELECTED, value=True)
    rows = chosen.table(Column.SAMPLE_ID, *marks).sort_by(Column.SELECTED_RANK)
    tiles = thumbnails.tiles(
        rows.column("sample_id").to_pylist()[:_SELECTED],
        note=lambda row: str(row["selected_reason"] or ""),
        badge=_rank_badge,
        columns=marks,
        share=_SELECTED_SHARE,
        names_beyond=True,
    )
    more = (
        f" The first {_SELECTED:,} are here; tamis export csv FILE --where selected lists all."
        if rows.num_rows > _SELECTED
        else ""
    )
    return Gallery(
        "selected",
        "Selected",
        f"The pictures that were chosen, in the order of choice, each with the reason.{more}",
        tiles,
        rows.num_rows,
        "No picture is selected.",
    )


def _rank_badge(row: Mapping[str, Any]) -> Badge | None:
    rank = row["selected_rank"]
    return None if rank is None else Badge(f"{rank}")


def outliers(
    thumbnails: Thumbnails,
    ids: Sequence[str],
    typical: NDArray[np.float32],
    *,
    without: frozenset[str],
    neighbors: int,
) -> Gallery:
    """Return the pictures least like their neighbours, leaving out those in `without`."""
    order = [row for row in typical.argsort(kind="stable").tolist() if ids[row] not in without]
    of = {ids[row]: float(typical[row]) for row in order[:_OTHERS]}
    tiles = thumbnails.tiles(
        list(of),
        note=lambda row: f"mean similarity {of[str(row['sample_id'])]:.3f}",
        score=lambda row: of[str(row["sample_id"])],
    )
    return Gallery(
        "outliers",
        "Outliers",
        "Pictures unlike all others: lowest mean cosine similarity to their "
        f"{neighbors} nearest neighbours first, duplicates left out.",
        tiles,
        len(order),
        "No picture has a vector.",
        "mean similarity",
    )


def closest(thumbnails: Thumbnails, ids: Sequence[str]) -> tuple[Tile, ...]:
    """Return the two pictures that are nearest across splits, each with its split."""
    return thumbnails.tiles(ids, note=_size, badge=lambda row: Badge(str(row["split"])))


def extremes(samples: Samples, thumbnails: Thumbnails) -> tuple[Gallery, ...]:
    """Return the pictures at the ends of scores, if there are any, brightness and sharpness."""
    marks = [column for *_, column, _, _ in _SCORES if samples.has(column)]
    whole = samples.of(kind=Kind.WHOLE)
    rows = whole.table(Column.SAMPLE_ID, Column.BRIGHTNESS, Column.SHARPNESS, *marks)
    ids = rows.column("sample_id")
    galleries = []
    scores = [row for row in _SCORES if row[2] in marks]
    for key, title, column, direction, sentence in (*scores, *_EXTREMES):
        known = pc.is_valid(rows.column(column))
        ranked = rows.filter(known).sort_by([(column, direction), ("sample_id", "ascending")])
        tiles = thumbnails.tiles(
            ranked.column("sample_id").to_pylist()[:_OTHERS],
            note=partial(_value, column),
            score=itemgetter(column),
            columns=[column],
        )
        galleries.append(
            Gallery(
                key,
                title,
                sentence,
                tiles,
                ranked.num_rows,
                f"None of {len(ids)} pictures.",
                column,
            )
        )
    return tuple(galleries)


def _value(column: str, row: Mapping[str, Any]) -> str:
    return f"{column} {row[column]:.4g}"


_SCORES = (
    (
        "representative",
        "Most representative",
        "representativeness",
        "descending",
        "Highest share of like pictures first, as  tamis scores  measured it.",
    ),
    (
        "unique",
        "Most unique",
        "uniqueness",
        "descending",
        "Largest cosine distance to the nearest other first, as  tamis scores  measured it.",
    ),
)

_EXTREMES = (
    (
        "darkest",
        "Darkest",
        "brightness",
        "ascending",
        "Lowest mean gray value first; 0 is black, 1 is white.",
    ),
    (
        "brightest",
        "Brightest",
        "brightness",
        "descending",
        "Highest mean gray value first; 0 is black, 1 is white.",
    ),
    (
        "blurriest",
        "Blurriest",
        "sharpness",
        "ascending",
        "Lowest variance of the Laplacian first; smooth scenes score as low as blurred ones.",
    ),
)
