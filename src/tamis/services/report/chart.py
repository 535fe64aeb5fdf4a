"""Geometry of the report's histograms: numbers in, SVG coordinates out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tamis.services.report.contents import Histogram

__all__ = ["Bar", "Chart", "Line", "draw"]

WIDTH, HEIGHT = 560.0, 200.0
_BOTTOM, _SIDE = 24.0, 6.0
_ROW = 20.0
"""Height of one marker's label above the bars; each has a row of its own."""

_LEAST_BAR = 1.5
"""Height in pixels of a bar of count 1, which would vanish beside one of 10,000."""


@dataclass(frozen=True)
class Bar:
    """One bar with the sentence that a pointer resting on it shows."""

    x: float
    y: float
    width: float
    height: float
    label: str


@dataclass(frozen=True)
class Line:
    """A marker's line and where its label stands."""

    x: float
    y: float
    label: str
    label_x: float
    anchor: str


@dataclass(frozen=True)
class Chart:
    """A drawn histogram; coordinates in pixels of a view box of `width` x `height`."""

    width: float
    height: float
    base: float
    bars: tuple[Bar, ...]
    ticks: tuple[tuple[float, str, str], ...]
    lines: tuple[Line, ...]
    most: int


def draw(histogram: Histogram) -> Chart:
    """Return the coordinates of the histogram's bars, ticks and markers.

    Raises:
        ValueError: no bins, or `low` is not below `high`.
    """
    if not histogram.counts or not histogram.low < histogram.high:
        raise ValueError(
            f"a histogram needs bins and low < high; got {len(histogram.counts)} bins "
            f"over [{histogram.low}, {histogram.high}]"
        )
    base = HEIGHT - _BOTTOM
    room = base - 8.0 - _ROW * len(histogram.markers)
    most = max(histogram.counts)
    step = (histogram.high - histogram.low) / len(histogram.counts)
    wide = (WIDTH - 2 * _SIDE) / len(histogram.counts)
    bars = []
    for number, count in enumerate(histogram.counts):
        if count == 0:
            continue
        tall = max(_LEAST_BAR, room * count / most)
        left = histogram.low + number * step
        bars.append(
            Bar(
                x=_SIDE + number * wide + 0.5,
                y=base - tall,
                width=max(1.0, wide - 1.0),
                height=tall,
                label=f"{left:.3g} to {left + step:.3g}: {count:,}",
            )
        )
    anchors = ("start", "middle", "end")
    ticks = tuple(
        (_SIDE + share * (WIDTH - 2 * _SIDE), f"{_at(histogram, share):.3g}", anchor)
        for share, anchor in zip((0.0, 0.5, 1.0), anchors, strict=True)
    )
    return Chart(WIDTH, HEIGHT, base, tuple(bars), ticks, _lines(histogram), most)


def _at(histogram: Histogram, share: float) -> float:
    return histogram.low + share * (histogram.high - histogram.low)


def _lines(histogram: Histogram) -> tuple[Line, ...]:
    span = histogram.high - histogram.low
    lines = []
    for row, marker in enumerate(sorted(histogram.markers, key=lambda marker: marker.position)):
        share = min(1.0, max(0.0, (marker.position - histogram.low) / span))
        x = _SIDE + share * (WIDTH - 2 * _SIDE)
        left = share > 0.5  # noqa: PLR2004 - labels point to the roomier half
        lines.append(
            Line(
                x=x,
                y=row * _ROW,
                label=marker.label,
                label_x=x - 6 if left else x + 6,
                anchor="end" if left else "start",
            )
        )
    return tuple(lines)
