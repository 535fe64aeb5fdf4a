"""Geometry of a line over time: numbers in, SVG coordinates out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

__all__ = ["DrawnLine", "LineChart", "Point", "Rule", "draw_line"]

WIDTH: Final = 560.0
HEIGHT: Final = 200.0
_LEFT, _RIGHT, _TOP, _BOTTOM = 44.0, 14.0, 22.0, 24.0
_MOST_DOTS: Final = 60
"""Points up to which each has a dot."""


@dataclass(frozen=True)
class Point:
    """One value, and the sentence that a pointer resting on it shows.

    Attributes:
        x: where it stands.
        y: how high.
        label: the sentence.
        raised: whether it is worth pointing out, such as an alarm.
    """

    x: float
    y: float
    label: str
    raised: bool = False


@dataclass(frozen=True)
class Rule:
    """A line across the chart, level or upright, with its name."""

    at: float
    label: str


@dataclass(frozen=True)
class LineChart:
    """Values over time.

    Attributes:
        title: heading.
        explanation: what is measured and how to read it.
        axis: name of the horizontal axis.
        points: left to right, at least one.
        levels: lines at a height, such as that of an alarm.
        moments: lines at a place, such as the beginning of a drift.
        logarithms: whether heights are decimal logarithms, whose numbers are shown beside the axis.
    """

    title: str
    explanation: str
    axis: str
    points: tuple[Point, ...]
    levels: tuple[Rule, ...] = ()
    moments: tuple[Rule, ...] = ()
    logarithms: bool = False


@dataclass(frozen=True)
class DrawnLine:
    """A drawn chart; coordinates in pixels of a view box of `width` x `height`.

    Attributes:
        width: of the view box.
        height: of the view box.
        left: where level lines begin.
        right: where they end.
        top: where upright lines begin.
        base: where they end.
        path: the line through the points, as SVG points.
        dots: x, y, label and whether it is worth pointing out, of those points that have a dot.
        levels: y and label.
        moments: x, label, x of the label and its anchor.
        heights: y and text of the numbers beside the vertical axis.
        ticks: x and text of the numbers under the horizontal one, and how they are anchored.
    """

    width: float
    height: float
    left: float
    right: float
    top: float
    base: float
    path: str
    dots: tuple[tuple[float, float, str, bool], ...]
    levels: tuple[tuple[float, str], ...]
    moments: tuple[tuple[float, str, float, str], ...]
    heights: tuple[tuple[float, str], ...]
    ticks: tuple[tuple[float, str, str], ...]


def draw_line(chart: LineChart) -> DrawnLine:
    """Return the coordinates of a chart's line, dots, rules and numbers.

    Raises:
        ValueError: there is no point.
    """
    if not chart.points:
        raise ValueError("a line needs a point")
    xs = [point.x for point in chart.points]
    ys = [*(point.y for point in chart.points), *(rule.at for rule in chart.levels)]
    first, last = min(xs), max(xs)
    low, high = min(ys), max(ys)
    if low == high:
        low, high = low - 1.0, high + 1.0
    wide, tall = WIDTH - _LEFT - _RIGHT, HEIGHT - _TOP - _BOTTOM

    def across(x: float) -> float:
        return _LEFT + wide * ((x - first) / (last - first) if last > first else 0.5)

    def down(y: float) -> float:
        return _TOP + tall * (high - y) / (high - low)

    every = len(chart.points) <= _MOST_DOTS
    moments = []
    for rule in chart.moments:
        x = across(min(max(rule.at, first), last))
        left = x > WIDTH / 2
        moments.append((x, rule.label, x - 6 if left else x + 6, "end" if left else "start"))
    ends = ((first, "start"), (last, "end")) if last > first else ((first, "middle"),)
    return DrawnLine(
        width=WIDTH,
        height=HEIGHT,
        left=_LEFT,
        right=WIDTH - _RIGHT,
        top=_TOP - 14,
        base=HEIGHT - _BOTTOM,
        path=" ".join(f"{across(point.x):.1f},{down(point.y):.1f}" for point in chart.points),
        dots=tuple(
            (across(point.x), down(point.y), point.label, point.raised)
            for point in chart.points
            if every or point.raised
        ),
        levels=tuple((down(rule.at), rule.label) for rule in chart.levels),
        moments=tuple(moments),
        heights=tuple(
            (down(y), f"{10**y if chart.logarithms else y:.2g}")
            for y in (low, (low + high) / 2, high)
        ),
        ticks=tuple((across(x), f"{x:g}", anchor) for x, anchor in ends),
    )
