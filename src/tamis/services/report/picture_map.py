"""The map of a report: points as paths of SVG, in several colorings, without any script."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from tamis.algo.principal_plane import principal_plane
from tamis.dataset.columns import Column
from tamis.dataset.map_columns import map_columns
from tamis.runtime.picture_map import evenly, map_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tamis.dataset.embedded import EmbeddedSamples
    from tamis.dataset.samples import Samples
    from tamis.types import Vectors

__all__ = ["SIDE", "Coloring", "PictureMap", "PointGroup", "picture_map"]

SIDE: Final = 1000
"""Width and height of the drawing, in its own units."""

_MOST_POINTS: Final = 20_000
_MOST_GROUPS: Final = 12
_LEAST_POINTS: Final = 3
_FITTED: Final = 4000
_GOLDEN: Final = 137.508
_GREY: Final = "#8f9494"


@dataclass(frozen=True)
class PointGroup:
    """Points of one color.

    Attributes:
        name: what they have in common.
        color: as CSS writes it.
        path: the points, as the `d` of a path with round ends.
        count: how many there are.
    """

    name: str
    color: str
    path: str
    count: int


@dataclass(frozen=True)
class Coloring:
    """All points, colored by one column; those in front come last.

    Attributes:
        name: of the column, as the page says it.
        groups: of points.
    """

    name: str
    groups: tuple[PointGroup, ...]


@dataclass(frozen=True)
class PictureMap:
    """Pictures as points near those that they look like.

    Attributes:
        explanation: how it was made, and what it is worth.
        shown: how many points.
        total: how many pictures have a vector.
        radius: of a point.
        colorings: at least one.
    """

    explanation: str
    shown: int
    total: int
    radius: float
    colorings: tuple[Coloring, ...]


def picture_map(samples: Samples, embedded: EmbeddedSamples | None) -> PictureMap | None:
    """Return the map of at most 20,000 pictures; None where fewer than three have a vector.

    It is the map that `tamis map` made of these vectors, else their principal plane.
    """
    if embedded is None or len(embedded.ids) < _LEAST_POINTS:
        return None
    shown = evenly(embedded.ids, _MOST_POINTS)
    shown, places, explanation = _placed(samples, embedded, shown)
    if len(shown) < _LEAST_POINTS:
        return None
    spots = np.rint((places * [1, -1] + 1) / 2 * SIDE).astype(int)
    names = [name for name, _, _ in _COLORINGS]
    rows = samples.rows(names, shown)
    colorings = []
    for name, title, said in _COLORINGS:
        values = [said(value) for value in rows.column(name).to_pylist()]
        if any(value is not None for value in values):
            colorings.append(Coloring(title, _groups(values, spots)))
    if not colorings:
        colorings.append(Coloring("Pictures", _groups([None] * len(shown), spots)))
    return PictureMap(
        explanation=explanation,
        shown=len(shown),
        total=len(embedded.ids),
        radius=float(np.clip(180 / np.sqrt(len(shown)), 1.8, 8)),
        colorings=tuple(colorings),
    )


def _text(value: object) -> str | None:
    return None if value is None else str(value)


_COLORINGS: Final[tuple[tuple[Column, str, Callable[[object], str | None]], ...]] = (
    (Column.LABEL, "Labels", _text),
    (Column.SELECTED, "Selected", lambda value: "selected" if value else None),
    (Column.CLUSTER, "Clusters", lambda value: None if value is None else f"cluster {value}"),
    (Column.SPLIT, "Splits", _text),
    (Column.DUPLICATE_KIND, "Duplicates", _text),
)


def _placed(
    samples: Samples, embedded: EmbeddedSamples, ids: list[str]
) -> tuple[list[str], Vectors, str]:
    column = next(one for one in samples.vector_columns if one.name == embedded.column)
    made = map_of(samples, column)
    if made is not None:
        rows = samples.rows(list(map_columns(column)), ids)
        places = np.stack([np.asarray(one, np.float32) for one in rows.columns], axis=1)
        there = np.isfinite(places[:, 0])
        return (
            [name for name, known in zip(ids, there.tolist(), strict=True) if known],
            places[there],
            (
                f"Pictures lie near those they look like: {made.neighbors_kept:.0%} of the most "
                "alike are neighbors on it. How far groups lie apart means little."
            ),
        )
    at = {name: row for row, name in enumerate(embedded.ids)}
    vectors = embedded.vectors[[at[name] for name in ids]]
    plane = principal_plane(vectors[:: max(len(vectors) // _FITTED, 1)])
    return (
        ids,
        plane.place(vectors),
        (
            "The plane in which the vectors vary most. What lies far apart is unlike; what lies "
            "close need not be alike: tamis map makes a map that keeps neighbors."
        ),
    )


def _groups(
    values: Sequence[str | None], spots: np.ndarray[tuple[int, int], np.dtype[np.int_]]
) -> tuple[PointGroup, ...]:
    """Return the points by value, those without one first, rare values in front."""
    counts = Counter(value for value in values if value is not None)
    ranked = sorted(counts, key=lambda one: (-counts[one], one))
    own = {name: rank for rank, name in enumerate(ranked[:_MOST_GROUPS])}
    members: dict[str | None, list[int]] = {}
    for row, value in enumerate(values):
        key = value if value in own or value is None else ""
        members.setdefault(key, []).append(row)
    found = []
    for key in (None, "", *own):
        rows = members.get(key, [])
        if rows:
            path = "".join(f"M{x} {y}h0" for x, y in spots[rows].tolist())
            others = f"{len(ranked) - _MOST_GROUPS} others"
            name = "none" if key is None else key or others
            hue = f"hsl({(8 + own[key] * _GOLDEN) % 360:.0f} 58% 52%)" if key else _GREY
            found.append(PointGroup(name, hue, path, len(rows)))
    return tuple(found)
