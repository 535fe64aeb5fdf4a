"""What a report says, as plain records that know neither stores nor HTML."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from tamis.pages.line_chart import LineChart
    from tamis.pages.tile import PicturePair, Tile
    from tamis.services.report.picture_map import PictureMap

__all__ = [
    "Curve",
    "CurvePoint",
    "DriftChecks",
    "DuplicateGroup",
    "Figure",
    "Gallery",
    "Histogram",
    "Labels",
    "Marker",
    "Objects",
    "ReportData",
    "Step",
    "Table",
]


@dataclass(frozen=True)
class Gallery:
    """Pictures with something in common.

    Attributes:
        key: anchor in the page, letters and hyphens.
        title: heading.
        explanation: one sentence: what is shown, in which order, how it is measured.
        tiles: the pictures shown.
        total: how many pictures there are, shown or not.
        empty: sentence for when there are none.
        measure: what the pictures' score is.
    """

    key: str
    title: str
    explanation: str
    tiles: tuple[Tile, ...]
    total: int
    empty: str
    measure: str = "score"


@dataclass(frozen=True)
class DuplicateGroup:
    """One shot: the picture that is kept beside those dropped for it.

    Attributes:
        keeper: the picture that is kept.
        dropped: pictures shown beside it.
        total: how many pictures were dropped for the keeper, shown or not.
    """

    keeper: Tile
    dropped: tuple[Tile, ...]
    total: int


@dataclass(frozen=True)
class Figure:
    """One exact number and the sentence that explains it."""

    label: str
    value: str
    explanation: str


@dataclass(frozen=True)
class Table:
    """A table of counts.

    Attributes:
        corner: name of the first column.
        columns: names of the others.
        rows: each row's name and its cells, as text.
        totals: the cells of the last row, the sums.
        explanation: one sentence: what is counted.
        caption: heading of the table.
    """

    caption: str
    corner: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, tuple[str, ...]], ...]
    totals: tuple[str, ...]
    explanation: str


@dataclass(frozen=True)
class Objects:
    """What there is to say of annotations.

    Attributes:
        layers: what each layer holds.
        classes: objects by class; None where nothing has a place.
        figures: how many and how large objects are.
        charts: likewise, as histograms.
    """

    layers: Table
    classes: Table | None = None
    figures: tuple[Figure, ...] = ()
    charts: tuple[Histogram, ...] = ()


@dataclass(frozen=True)
class Labels:
    """What there is to say of labels.

    Attributes:
        suspects: labels that are probably wrong; None where none were tagged.
        propagation: how the last propagation went.
        queue: pictures to review first; None where there is nothing to review.
        probe: how well the last probe does.
        reliability: how often it is right, by how sure it is; None where nothing was measured.
    """

    suspects: Gallery | None
    propagation: tuple[Figure, ...]
    queue: Gallery | None
    probe: tuple[Figure, ...]
    reliability: Curve | None


@dataclass(frozen=True)
class Marker:
    """A vertical line in a histogram, e.g. a threshold."""

    position: float
    label: str


@dataclass(frozen=True)
class Histogram:
    """Counts over equal bins.

    Attributes:
        title: heading.
        explanation: one sentence: what is counted and how to read it.
        low: left edge of the first bin.
        high: right edge of the last bin.
        counts: one for each bin, left to right.
        axis: name of the horizontal axis with its unit.
        markers: positions worth pointing out.
    """

    title: str
    explanation: str
    low: float
    high: float
    counts: tuple[int, ...]
    axis: str
    markers: tuple[Marker, ...] = ()


@dataclass(frozen=True)
class CurvePoint:
    """A measured share and its interval.

    Attributes:
        x: where it stands.
        y: the share, in [0, 1].
        low: lower end of its interval.
        high: upper end.
        label: one sentence that says it in words.
    """

    x: float
    y: float
    low: float
    high: float
    label: str


@dataclass(frozen=True)
class Curve:
    """A share that changes with a count.

    Attributes:
        title: heading.
        explanation: what is measured and how to read it.
        axis: name of the horizontal axis.
        points: left to right, at least one.
    """

    title: str
    explanation: str
    axis: str
    points: tuple[CurvePoint, ...]


@dataclass(frozen=True)
class DriftChecks:
    """What was found against a drift reference.

    Attributes:
        figures: the reference, and how often there was drift.
        charts: evidence and distance, check by check; none without checks.
    """

    figures: tuple[Figure, ...]
    charts: tuple[LineChart, ...]


@dataclass(frozen=True)
class Step:
    """One operation of the log.

    Attributes:
        before: the dataset's snapshot that it started from.
        snapshot: its last snapshot.
        verb: e.g. `embed`.
        params: its parameters.
        seed: None where nothing was left to chance.
        counts: what it did.
        state: `done`, or what became of it.
        time: when it ended, ISO 8601.
        command: the command that does it again; None where the command line cannot.
    """

    before: int
    snapshot: int
    verb: str
    params: Mapping[str, Any]
    seed: int | None
    counts: Mapping[str, Any]
    state: str
    time: str
    command: str | None = None


@dataclass(frozen=True)
class ReportData:
    """All that one report shows.

    Attributes:
        name: the dataset's name.
        path: where it lies, as given.
        snapshot: the snapshot that is reported.
        version: of tamis.
        time: when the report was made, with a time zone.
        headline: the main counts.
        groups: duplicates, largest groups first.
        groups_total: how many groups there are, shown or not.
        duplicates: what is known about how they were found.
        changed: pairs of one view with other content, a pair for each group shown.
        changed_total: how many groups of changed versions there are, shown or not.
        charts: the histograms that show where the threshold lies, and how alike pictures are.
        keyword_filter: the scores of the last keyword filter; None where there was none.
        learning_curve: accuracy by number of labels over the rounds of labeling; None where there
            were none.
        drift: checks against a drift reference; None where there is no reference.
        galleries: in the order of the page.
        splits: splits x labels; None where there are no splits.
        split_figures: how well the splits are kept apart and balanced.
        leaks: pairs of pictures that should lie in one split and do not.
        leaks_total: how many leaks there are, shown or not.
        changed_apart: pairs across splits that are changed versions and no leaks.
        changed_apart_total: how many of those there are, shown or not.
        closest: the two most similar pictures of different splits.
        coverage: how well the selection stands for the dataset.
        failures: path and reason of each file shown.
        failures_total: how many files could not be used, shown or not.
        steps: the operations that made the dataset, oldest first.
        notes: sentences on what could not be shown, and why.
        objects: what there is to say of annotations; None where there are none.
        labels: what there is to say of labels; None where no operation did.
        layers: layers of annotations that are drawn on the pictures.
        map: pictures as points; None where too few have vectors.
    """

    name: str
    path: str
    snapshot: int
    version: str
    time: datetime
    headline: tuple[Figure, ...]
    groups: tuple[DuplicateGroup, ...] = ()
    groups_total: int = 0
    duplicates: tuple[Figure, ...] = ()
    changed: tuple[PicturePair, ...] = ()
    changed_total: int = 0
    charts: tuple[Histogram, ...] = ()
    keyword_filter: Histogram | None = None
    learning_curve: Curve | None = None
    drift: DriftChecks | None = None
    galleries: tuple[Gallery, ...] = ()
    splits: Table | None = None
    split_figures: tuple[Figure, ...] = ()
    leaks: tuple[PicturePair, ...] = ()
    leaks_total: int = 0
    changed_apart: tuple[PicturePair, ...] = ()
    changed_apart_total: int = 0
    closest: tuple[Tile, ...] = ()
    coverage: tuple[Figure, ...] = ()
    failures: tuple[tuple[str, str], ...] = ()
    failures_total: int = 0
    steps: tuple[Step, ...] = ()
    notes: tuple[str, ...] = ()
    objects: Objects | None = None
    labels: Labels | None = None
    layers: tuple[str, ...] = ()
    map: PictureMap | None = None
