"""Where the points of a curve are drawn."""

from __future__ import annotations

from itertools import pairwise

import pytest

from tamis.services.report.contents import Curve, CurvePoint
from tamis.services.report.curve_chart import draw_curve


def curve(*points):
    return Curve(
        "title",
        "why",
        "labels",
        tuple(CurvePoint(x, y, y - 0.1, y + 0.1, f"{x} labels") for x, y in points),
    )


def test_shares_go_up_and_counts_go_right():
    drawn = draw_curve(curve((10, 0.2), (40, 0.5), (100, 0.9)))
    assert [mark.x for mark in drawn.marks] == sorted(mark.x for mark in drawn.marks)
    assert [mark.y for mark in drawn.marks] == sorted((m.y for m in drawn.marks), reverse=True)
    for mark in drawn.marks:
        assert mark.high < mark.y < mark.low
        assert drawn.left < mark.x <= drawn.right
    heights = {share: y for y, share in drawn.grid}
    assert heights["0%"] - heights["100%"] == pytest.approx(168)
    assert drawn.marks[1].y == pytest.approx(heights["50%"])
    assert drawn.marks[-1].x == drawn.right
    assert [text for _, text in drawn.ticks] == ["10", "40", "100"]
    assert drawn.path.count(",") == 3


def test_numbers_under_the_axis_do_not_run_into_each_other():
    drawn = draw_curve(curve(*((x, 0.5) for x in range(1, 101))))
    places = [x for x, _ in drawn.ticks]
    assert min(b - a for a, b in pairwise(places)) >= 40
    assert drawn.ticks[-1][1] == "100"


def test_a_curve_without_points_is_refused():
    with pytest.raises(ValueError, match="needs a point"):
        draw_curve(curve())
    assert len(draw_curve(curve((0, 0.5))).marks) == 1
