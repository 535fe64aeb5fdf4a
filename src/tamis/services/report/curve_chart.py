"""Geometry of the report's curves: numbers in, SVG coordinates out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tamis.services.report.chart import HEIGHT, WIDTH

if TYPE_CHECKING:
    from tamis.services.report.contents import Curve

__all__ = ["DrawnCurve", "Mark", "draw_curve"]

_LEFT, _RIGHT, _TOP, _BOTTOM = 48.0, 14.0, 8.0, 24.0
_LEAST_GAP = 40.0
"""Pixels between two numbers under the axis."""


@dataclass(frozen=True)
class Mark:
    """One point, its interval, and the sentence that a pointer resting on it shows."""

    x: float
    y: float
    low: float
    high: float
    label: str


@dataclass(frozen=True)
class DrawnCurve:
    """A drawn curve; coordinates in pixels of a view box of `width` x `height`.

    Attributes:
        width: of the view box.
        height: of the view box.
        left: where the grid lines begin.
        right: where they end.
        marks: the points, left to right.
        path: the line through them, as SVG points.
        grid: for each grid line its y and its share in words.
        ticks: for each number under the axis its x and its text.
    """

    width: float
    height: float
    left: float
    right: float
    marks: tuple[Mark, ...]
    path: str
    grid: tuple[tuple[float, str], ...]
    ticks: tuple[tuple[float, str], ...]


def draw_curve(curve: Curve) -> DrawnCurve:
    """Return the coordinates of the curve's points, intervals, grid and ticks; y from 0 to 1.

    Raises:
        ValueError: there is no point.
    """
    if not curve.points:
        raise ValueError("a curve needs a point")
    most = max(point.x for point in curve.points) or 1.0
    wide, tall = WIDTH - _LEFT - _RIGHT, HEIGHT - _TOP - _BOTTOM

    def across(x: float) -> float:
        return _LEFT + wide * x / most

    def down(share: float) -> float:
        return _TOP + tall * (1.0 - share)

    marks = tuple(
        Mark(across(one.x), down(one.y), down(one.low), down(one.high), one.label)
        for one in curve.points
    )
    ticks: list[tuple[float, str]] = []
    for one in reversed(curve.points):
        if not ticks or ticks[-1][0] - across(one.x) >= _LEAST_GAP:
            ticks.append((across(one.x), f"{one.x:g}"))
    return DrawnCurve(
        width=WIDTH,
        height=HEIGHT,
        left=_LEFT,
        right=WIDTH - _RIGHT,
        marks=marks,
        path=" ".join(f"{mark.x:.1f},{mark.y:.1f}" for mark in marks),
        grid=tuple((down(share), f"{share:.0%}") for share in (0.0, 0.25, 0.5, 0.75, 1.0)),
        ticks=tuple(reversed(ticks)),
    )
