"""Turns a report's contents into one self-contained HTML page."""

from __future__ import annotations

import json
from datetime import datetime
from typing import TYPE_CHECKING, Any

from tamis.pages.line_chart import draw_line
from tamis.pages.page import page_environment
from tamis.services.report.chart import draw
from tamis.services.report.curve_chart import draw_curve

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tamis.services.report.contents import ReportData

__all__ = ["render"]


_DRAWN = {"histogram"}
"""What is shown as a chart, not among the counts."""


def render(data: ReportData) -> str:
    """Return the page: no request to any network, and styles, pictures and script inside."""
    environment = page_environment("tamis.services.report")
    environment.filters.update(pairs=_pairs, day=_day, moment=_moment)
    environment.globals.update(draw=draw, draw_curve=draw_curve, draw_line=draw_line)
    return environment.get_template("page.html.jinja").render(report=data, version=data.version)


def _day(time: datetime) -> str:
    return f"{time.day} {time:%B %Y, %H:%M %Z}".rstrip()


def _moment(iso: str) -> str:
    return _day(datetime.fromisoformat(iso))


def _pairs(values: Mapping[str, Any]) -> list[tuple[str, str]]:
    return [
        (name, _plain(value))
        for name, value in values.items()
        if value is not None and name not in _DRAWN
    ]


def _plain(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, float):
        return f"{value:.6g}"
    return json.dumps(value, ensure_ascii=False, default=str)
