"""What a drift check found as one page: over time, what changed, pictures before and after."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from typing import TYPE_CHECKING, Final

import numpy as np

from tamis.formats.exports.destination import new_file
from tamis.outside_text import storable
from tamis.pages.line_chart import LineChart, Point, Rule, draw_line
from tamis.pages.links import Links
from tamis.pages.page import page_environment, require_page
from tamis.pages.thumbnails import Thumbnails
from tamis.pages.tile import Badge

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from tamis.dataset.samples import Samples
    from tamis.pages.tile import Tile
    from tamis.services.drift.batch import Batch
    from tamis.services.drift.comparison import Comparison
    from tamis.services.drift.monitor import PastCheck
    from tamis.services.drift.reference import Reference
    from tamis.services.drift.result import DriftCluster, DriftReport

__all__ = ["Page", "distance_chart", "evidence_chart", "write_page"]

_BEFORE: Final = 6
_AFTER: Final = 6
_BUDGET: Final = 4_000_000
_SMOOTHED: Final = 20
_SEVERAL: Final = 2


@dataclass(frozen=True)
class Page:
    """What a page is made of.

    Attributes:
        reference: what the batch was held against.
        batch: the pictures.
        found: how they compare.
        report: the answer.
        usual: of the dataset with the reference's pictures; None if there is none.
        past: checks so far, this one the last.
    """

    reference: Reference
    batch: Batch
    found: Comparison
    report: DriftReport
    usual: Samples | None
    past: Sequence[PastCheck]


@dataclass(frozen=True)
class _Number:
    """A figure with its sentence."""

    label: str
    value: str
    explanation: str


@dataclass(frozen=True)
class _Kind:
    """A kind of picture that changed, before and after."""

    title: str
    before: tuple[Tile, ...]
    after: tuple[Tile, ...]


def write_page(page: Page, out: Path) -> Path:
    """Write the page, replacing an earlier one, and return its path.

    Raises:
        UsageError: the name does not end in `.html`, or is a folder's.
        StorageError: the disk is full or refuses.
    """
    require_page(out)
    environment = page_environment("tamis.services.drift")
    environment.globals.update(draw_line=draw_line)
    report = page.report
    new = Thumbnails(page.batch.samples, _BUDGET, Links(out))
    old = None if page.usual is None else Thumbnails(page.usual, _BUDGET, Links(out))
    label = {one.sample_id for one in report.examples if one.label}
    shown = new.tiles(
        [one.sample_id for one in report.examples],
        badge=lambda row: Badge("to label", "warn") if row["sample_id"] in label else None,
    )
    charts = [_witness_chart(page)]
    if len(page.past) >= _SEVERAL:
        charts += [evidence_chart(page.past, page.reference.facts.level), distance_chart(page.past)]
    content = environment.get_template("drift_page.html.jinja").render(
        version=version("tamis"),
        report=report,
        numbers=_numbers(report),
        charts=charts,
        kinds=[
            _kind(page, one, number, new, old)
            for one, number in zip(report.clusters, page.found.changed, strict=True)
        ],
        shown=shown if report.drift else (),
    )
    with new_file(out, overwrite=True) as draft:
        draft.write_text(storable(content), encoding="utf-8")
    return out


def evidence_chart(past: Sequence[PastCheck], level: float) -> LineChart:
    """Return the running e-value after each check, on a scale of powers of ten."""
    points = tuple(
        Point(
            place + 1,
            math.log10(max(one.e_value, 1e-6)),
            f"{_day(one.time)}: e-value {one.e_value:.3g} after {one.pictures:,} pictures"
            + (", alarm" if one.alarm else ""),
            one.alarm,
        )
        for place, one in enumerate(past)
    )
    return LineChart(
        "Evidence of drift, check by check",
        "The running e-value, on a scale of powers of ten. Without drift it reaches the line with "
        f"a chance of {level:.0%} at most, however often one looks; after an alarm it begins anew.",
        "check",
        points,
        levels=(Rule(-math.log10(level), f"alarm at {1 / level:.3g}"),),
        logarithms=True,
    )


def distance_chart(past: Sequence[PastCheck]) -> LineChart:
    """Return the distance of each check's pictures from the reference."""
    points = tuple(
        Point(
            place + 1,
            one.mmd2,
            f"{_day(one.time)}: MMD² {one.mmd2:.3g}, p = {one.p_value:.3g}"
            + (", drift" if one.drift else ""),
            one.drift,
        )
        for place, one in enumerate(past)
    )
    return LineChart(
        "Distance from the reference, check by check",
        "Unbiased squared MMD, about 0 without drift. It depends on what is in a check, so it has "
        "no line of its own; checks that were decided to be drift are pointed out.",
        "check",
        points,
        levels=(Rule(0.0, "no drift"),),
    )


def _witness_chart(page: Page) -> LineChart:
    """How unusual each picture of the batch is, in their order, averaged over some in a row."""
    side, witness = page.batch.side, page.found.witness
    width = max(1, min(_SMOOTHED, witness.size // 5))
    sums = np.cumsum(np.concatenate([[0.0], witness]))
    means = (sums[width:] - sums[:-width]) / width
    points = tuple(
        Point(place + width, float(mean), side.paths[place + width - 1])
        for place, mean in enumerate(means)
    )
    since = [
        Rule(side.paths.index(one.since) + 1, "since")
        for one in page.report.alarms[:1]
        if one.since is not None
    ]
    return LineChart(
        "How unusual the pictures are, in the order in which they were taken",
        "How much denser the batch is around a picture than the reference is, averaged over "
        f"{width} in a row. One picture in 20 of the reference lies above the line by itself.",
        "picture",
        points,
        levels=(Rule(page.found.threshold, "1 in 20 of the reference"),),
        moments=tuple(since),
    )


def _kind(
    page: Page, one: DriftCluster, number: int, new: Thumbnails, old: Thumbnails | None
) -> _Kind:
    stored = len(page.reference.ids)
    inside = np.flatnonzero(page.found.clusters == number)
    usual = [page.reference.ids[row] for row in inside[inside < stored].tolist()]
    rows = inside[inside >= stored] - stored
    rows = rows[np.argsort(-page.found.witness[rows], kind="stable")]
    now = [page.batch.side.ids[row] for row in rows.tolist()]
    there = [] if page.usual is None else page.usual.of().one_of("sample_id", usual[:200]).ids
    known = [name for name in usual if name in set(there)]
    return _Kind(
        f"{one.change}: {one.reference_share:.0%} before, {one.batch_share:.0%} now",
        () if old is None else old.tiles(known[:_BEFORE]),
        new.tiles(now[:_AFTER]),
    )


def _numbers(report: DriftReport) -> list[_Number]:
    found = [
        _Number(
            "p-value",
            f"{report.p_value:.3g}",
            f"drift is decided where it is at most {report.level:g}",
        ),
        _Number(
            "pictures",
            f"{report.pictures:,}",
            f"held against {report.reference_pictures:,} of the reference",
        ),
    ]
    if report.drift:
        causes = {
            "capture": "the way pictures are taken",
            "content": "what they show",
            "both": "both how they are taken and what they show",
        }
        found.append(_Number("cause", report.cause, causes.get(report.cause, "")))
    if report.e_value is not None:
        sentence = "of all checks so far" if not report.alarms else "an alarm"
        found.append(_Number("running e-value", f"{report.e_value:.3g}", sentence))
    if report.harm is not None:
        found.append(
            _Number(
                "expected change of accuracy",
                f"{100 * report.harm.change:+.1f} points",
                f"from {report.harm.accuracy:.0%}; 95% interval {100 * report.harm.low:+.1f} to "
                f"{100 * report.harm.high:+.1f}, if no class is new",
            )
        )
    return found


def _day(time: float) -> str:
    return f"{datetime.fromtimestamp(time, UTC):%-d %B %Y, %H:%M} UTC"
