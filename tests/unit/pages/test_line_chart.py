"""A line over time: all it shows lies within its frame, and its numbers are those given."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tamis.pages.line_chart import LineChart, Point, Rule, draw_line

NUMBERS = st.floats(-1e6, 1e6)


@given(
    heights=st.lists(NUMBERS, min_size=1, max_size=80),
    levels=st.lists(NUMBERS, max_size=2),
    moments=st.lists(NUMBERS, max_size=2),
)
def test_all_lies_within_the_frame(heights, levels, moments):
    points = tuple(Point(place, y, "", place == 3) for place, y in enumerate(heights))
    rules = [tuple(Rule(at, "here") for at in one) for one in (levels, moments)]
    drawn = draw_line(LineChart("", "", "", points, *rules))
    places = [tuple(map(float, one.split(","))) for one in drawn.path.split()]
    assert len(places) == len(heights)
    places += [(x, y) for x, y, *_ in drawn.dots]
    places += [(drawn.left, y) for y, _ in drawn.levels]
    places += [(x, drawn.base) for x, *_ in drawn.moments]
    for x, y in places:
        assert drawn.left - 0.1 <= x <= drawn.right + 0.1
        assert 0 <= y <= drawn.base + 0.1
    assert len(drawn.dots) == (len(heights) if len(heights) <= 60 else 1)


def test_higher_is_higher_and_later_is_further():
    drawn = draw_line(LineChart("", "", "", (Point(1, 0.0, "a"), Point(3, 2.0, "b"))))
    (x, y, first, _), (later, above, second, _) = drawn.dots
    assert (first, second) == ("a", "b")
    assert later > x
    assert above < y
    assert [text for _, text in drawn.heights] == ["0", "1", "2"]
    assert [text for _, text, _ in drawn.ticks] == ["1", "3"]


def test_logarithms_are_shown_as_their_numbers():
    points = (Point(1, 0.0, ""), Point(2, 2.0, ""))
    drawn = draw_line(LineChart("", "", "", points, logarithms=True))
    assert [text for _, text in drawn.heights] == ["1", "10", "1e+02"]
    with pytest.raises(ValueError, match="needs a point"):
        draw_line(LineChart("", "", "", ()))
