"""What the report says of labels: those that are suspect, those propagated, and the last probe."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from tamis.algo.intervals import share_right
from tamis.dataset.columns import Column
from tamis.dataset.log_reading import last
from tamis.dataset.operations import LabelsPropagated, MislabelsTagged, ProbeTrained
from tamis.dataset.samples import Kind
from tamis.pages.tile import Badge
from tamis.services.report.contents import Curve, CurvePoint, Figure, Gallery, Labels
from tamis.wording import counted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tamis.dataset.samples import Samples
    from tamis.pages.thumbnails import Thumbnails
    from tamis.services.report.contents import Step

__all__ = ["label_section"]

_SHARE: Final = 0.2
"""Of the room for thumbnails."""


def label_section(samples: Samples, thumbnails: Thumbnails, steps: Sequence[Step]) -> Labels | None:
    """Return what the last operations on labels found; None where there was none.

    Costs the marks of the pictures that these name.
    """
    tagged, spread = last(steps, MislabelsTagged), last(steps, LabelsPropagated)
    probe = last(steps, ProbeTrained)
    found = Labels(
        suspects=None if tagged is None else _suspects(samples, thumbnails, tagged),
        propagation=() if spread is None else _propagation(spread),
        queue=None if spread is None else _queue(samples, thumbnails, spread),
        probe=() if probe is None else _probe(probe),
        reliability=None if probe is None else _reliability(probe),
    )
    empty = Labels(None, (), None, (), None)
    return None if found == empty else found


def _suspects(samples: Samples, thumbnails: Thumbnails, tagged: MislabelsTagged) -> Gallery:
    now = _marks(samples, [one["id"] for one in tagged.found])
    open_ones = {
        one["id"]: one
        for one in tagged.found
        if (label_tags := now.get(one["id"])) is not None
        and label_tags[0] == one["given"]
        and tagged.tag in label_tags[1]
    }

    def said(row: Any) -> dict[str, Any]:
        return open_ones[row["sample_id"]]

    settled = len(tagged.found) - len(open_ones)
    more = tagged.suspects - len(tagged.found)
    return Gallery(
        "suspects",
        "Suspect labels",
        f"Of {tagged.checked:,} labels {tagged.suspects:,} were suspect, the most suspect first; "
        f"the badge is the label given. {counted(settled, 'label was')} settled since, by another "
        f"label or by taking the tag {tagged.tag} off.",
        thumbnails.tiles(
            list(open_ones),
            note=lambda row: f"perhaps {said(row)['suggested']}: {said(row)['kind']}",
            badge=lambda row: Badge(str(said(row)["given"]), "warn"),
            score=lambda row: float(said(row)["score"]),
            share=_SHARE,
            names_beyond=True,
        ),
        len(open_ones) + max(more, 0),
        "None is left: each has another label now, or lost its tag.",
        "suspicion",
    )


def _queue(samples: Samples, thumbnails: Thumbnails, spread: LabelsPropagated) -> Gallery | None:
    now = _marks(samples, spread.queue)
    left = [name for name in spread.queue if name in now and not now[name][0]]
    if not left:
        return None
    return Gallery(
        "review-first",
        "Review these first",
        "Pictures without a label where a look was expected to settle the most errors of labels "
        "that were propagated, their own and their neighbors'. tamis label review lists them anew.",
        thumbnails.tiles(left, share=_SHARE, names_beyond=True),
        len(left),
        "",
    )


def _marks(samples: Samples, ids: Sequence[str]) -> dict[str, tuple[str | None, list[str]]]:
    if not ids:
        return {}
    table = samples.of(kind=Kind.ALL).table(Column.SAMPLE_ID, Column.LABEL, Column.TAGS)
    wanted = set(ids)
    return {
        name: (label, tags or [])
        for name, label, tags in zip(*(c.to_pylist() for c in table.columns), strict=True)
        if name in wanted
    }


def _propagation(spread: LabelsPropagated) -> tuple[Figure, ...]:
    free = spread.propagated + spread.abstained
    figures = [
        Figure(
            "Propagated",
            f"{spread.propagated:,}",
            f"pictures got a label from {counted(spread.labels, 'labeled picture')}, by "
            f"{spread.method}",
        ),
        Figure(
            "Coverage",
            f"{spread.propagated / free:.1%}" if free else "100.0%",
            f"of the pictures without a label; {spread.abstained:,} were left without, since no "
            "class was likely enough",
        ),
    ]
    if spread.expected is not None:
        figures.append(
            Figure(
                "Expected accuracy",
                f"{spread.expected:.1%}",
                f"of these labels, {spread.low:.1%} to {spread.high:.1%} at 95 %, measured on "
                "labels that played no part in the fit",
            )
        )
    else:
        figures.append(
            Figure("Expected accuracy", "unknown", "too few labels could be held out to measure it")
        )
    return tuple(figures)


def _probe(probe: ProbeTrained) -> tuple[Figure, ...]:
    if probe.accuracy is None or probe.low is None or probe.high is None:
        return ()
    figures = [
        Figure(
            f"Probe {probe.name}",
            f"{probe.accuracy:.1%}",
            f"right on {counted(probe.measured, 'picture')} ({probe.measured_on}), "
            f"{probe.low:.1%} to {probe.high:.1%} at 95 %",
        )
    ]
    if probe.ece is not None:
        before = "" if probe.ece_before is None else f", {probe.ece_before:.3f} before calibration"
        figures.append(
            Figure(
                "Calibration error",
                f"{probe.ece:.3f}",
                f"mean distance of its probabilities from how often it is right{before}",
            )
        )
    return tuple(figures)


def _reliability(probe: ProbeTrained) -> Curve | None:
    if not probe.reliability:
        return None
    points = []
    for one in probe.reliability:
        share = share_right(int(one["right"]), int(one["pictures"]))
        points.append(
            CurvePoint(
                x=round(100 * one["confidence"], 1),
                y=share.value,
                low=share.low,
                high=share.high,
                label=f"{one['confidence']:.0%} sure: {share.value:.1%} right, {share.low:.1%} to "
                f"{share.high:.1%}, of {counted(int(one['pictures']), 'picture')}",
            )
        )
    return Curve(
        title=f"Reliability of the probe {probe.name}",
        explanation="How often it is right, by how sure it is, with 95 % intervals. Each point of "
        "probabilities that mean what they say is as high as it is far to the right.",
        axis="mean probability of the class predicted, %",
        points=tuple(points),
    )
