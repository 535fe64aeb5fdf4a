"""Histograms: bars, ticks and markers stand where their numbers say."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tamis.services.report.chart import draw
from tamis.services.report.contents import Histogram, Marker


def histogram(counts: tuple[int, ...], low: float = 0, high: float = 1, *marks: float) -> Histogram:
    markers = tuple(Marker(mark, f"at {mark}") for mark in marks)
    return Histogram("title", "why", low, high, counts, "axis", markers)


def test_heights_are_in_proportion_and_bars_stand_on_the_axis() -> None:
    chart = draw(histogram((1, 4, 2)))
    tall = [bar.height for bar in chart.bars]
    assert tall[0] == pytest.approx(tall[1] / 4)
    assert tall[2] == pytest.approx(tall[1] / 2)
    assert all(bar.y + bar.height == pytest.approx(chart.base) for bar in chart.bars)
    assert chart.most == 4


def test_bars_say_their_range_and_count() -> None:
    chart = draw(histogram((0, 1234), 0.5, 1.0))
    assert [bar.label for bar in chart.bars] == ["0.75 to 1: 1,234"]


@given(
    st.lists(st.integers(0, 10**9), min_size=1, max_size=80).filter(any),
    st.lists(st.floats(-2, 2), max_size=4),
)
def test_all_is_inside_the_chart(counts: list[int], marks: list[float]) -> None:
    chart = draw(histogram(tuple(counts), 0.0, 1.0, *marks))
    for bar in chart.bars:
        assert bar.x >= 0
        assert bar.x + bar.width <= chart.width
        assert 0 <= bar.y < chart.base
    assert len(chart.bars) == sum(count > 0 for count in counts)
    assert all(0 <= line.x <= chart.width for line in chart.lines)
    assert len({line.y for line in chart.lines}) == len(marks)


def test_a_marker_stands_at_its_position_and_its_label_points_inward() -> None:
    left, right = draw(histogram((1,), 0.0, 1.0, 0.9, 0.25)).lines
    assert left.x < right.x
    assert (left.anchor, right.anchor) == ("start", "end")
    assert (right.x - left.x) / (560 - 12) == pytest.approx(0.65)


@pytest.mark.parametrize(("counts", "low", "high"), [((), 0, 1), ((1,), 1, 1), ((1,), 2, 1)])
def test_what_is_no_histogram_is_refused(counts: tuple[int, ...], low: float, high: float) -> None:
    with pytest.raises(ValueError, match="needs bins and low < high"):
        draw(histogram(counts, low, high))
