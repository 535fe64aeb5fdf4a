"""Gathers what a report says from a dataset's store."""

from __future__ import annotations

from datetime import UTC, datetime
from importlib.metadata import version
from typing import TYPE_CHECKING

import numpy as np

from tamis.dataset.columns import Column
from tamis.dataset.commands import command_of
from tamis.dataset.samples import Kind, Samples
from tamis.pages.thumbnails import THUMBNAIL_BUDGET, Thumbnails
from tamis.services.report.contents import ReportData, Step
from tamis.services.report.drift_checks import drift_checks
from tamis.services.report.figures import (
    Marks,
    closest_pair,
    coverage,
    duplicate_figures,
    encoder_of,
    headline,
    scores,
    similarity,
    split_figures,
)
from tamis.services.report.filter_scores import filter_scores
from tamis.services.report.galleries import (
    closest,
    duplicate_groups,
    extremes,
    outliers,
    selected,
)
from tamis.services.report.labels import label_section
from tamis.services.report.learning import learning_curve
from tamis.services.report.objects import objects
from tamis.services.report.pairs import audited_pairs, changed_pairs
from tamis.services.report.picture_map import picture_map
from tamis.services.report.tables import label_table
from tamis.services.report.typicality import NEIGHBORS, typicality
from tamis.types import no_progress
from tamis.wording import counted

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tamis.dataset.embedded import EmbeddedSamples
    from tamis.dataset.store import Store
    from tamis.pages.links import Links
    from tamis.services.report.contents import Histogram
    from tamis.services.report.pairs import Audit
    from tamis.services.report.typicality import Typicality
    from tamis.types import Progress

__all__ = ["collect"]

_FAILURES, _APART = 500, 8
_STAGES = 5


def collect(
    store: Store,
    *,
    column: str | None = None,
    audit: Audit | None = None,
    seed: int = 0,
    time: datetime | None = None,
    thumbnail_budget: int = THUMBNAIL_BUDGET,
    links: Links | None = None,
    progress: Progress = no_progress,
) -> ReportData:
    """Gather all that the report on a dataset shows.

    Costs one k-NN graph over the vectors, memory for them (4 N D bytes) and the narrow columns.

    Args:
        store: the dataset, as of its snapshot.
        column: the vector column to measure on; if None that of the default encoder.
        audit: what an audit of the splits found; None where there are none.
        seed: draws the random selections that coverage is compared with.
        time: when the report is made; now if None.
        thumbnail_budget: bytes of thumbnails to show at most.
        links: finds the files of pictures as the page sees them; no picture has a link if None.
        progress: told after each of five stages.

    Raises:
        UsageError: `column` is no vector column.
    """
    rng = np.random.default_rng(seed)
    samples = Samples(store)
    thumbnails = Thumbnails(samples, thumbnail_budget, links)
    embedded = _embedded(samples, column)
    progress(1, _STAGES)
    typical = None if embedded is None else typicality(embedded.vectors, rng)
    progress(2, _STAGES)
    groups, groups_total, dropped = duplicate_groups(samples, thumbnails)
    leaks = () if audit is None else audited_pairs(thumbnails, audit.leaks)
    apart = () if audit is None else audited_pairs(thumbnails, audit.changed_apart[:_APART])
    changed, changed_total = changed_pairs(samples, thumbnails)
    chosen = selected(samples, thumbnails)
    galleries = [] if chosen is None else [chosen]
    if embedded is not None and typical is not None:
        galleries.append(
            outliers(
                thumbnails,
                embedded.ids,
                typical.typical,
                without=_dropped_ids(samples),
                neighbors=min(NEIGHBORS, len(embedded.ids) - 1),
            )
        )
    table = samples.of(kind=Kind.WHOLE).table(Column.SAMPLE_ID, Column.LABEL, Column.SPLIT)
    marks = Marks(*(table.column(name).to_pylist() for name in table.column_names))
    pair = None if embedded is None else closest_pair(embedded, marks, rng)
    nearest = () if pair is None else closest(thumbnails, pair.ids)
    galleries += extremes(samples, thumbnails)
    progress(3, _STAGES)
    covered = () if embedded is None else coverage(samples, embedded, rng)
    progress(4, _STAGES)
    failures = store.failures().select(["path", "reason"]).to_pylist()
    steps = _steps(store)
    labels = label_section(samples, thumbnails, steps)
    data = ReportData(
        name=store.path.resolve().name,
        path=str(store.path),
        snapshot=store.snapshot,
        version=version("tamis"),
        time=time or datetime.now(UTC),
        headline=headline(samples, embedded, marks, failed=len(failures), dropped=dropped),
        groups=groups,
        groups_total=groups_total,
        duplicates=duplicate_figures(steps),
        changed=changed,
        changed_total=changed_total,
        charts=_charts(samples, steps, typical),
        keyword_filter=filter_scores(steps),
        learning_curve=learning_curve(steps),
        drift=drift_checks(store),
        galleries=tuple(galleries),
        splits=label_table(marks.labels, marks.splits),
        split_figures=split_figures(marks, audit, pair, steps),
        leaks=leaks,
        leaks_total=0 if audit is None else audit.leak_count,
        changed_apart=apart,
        changed_apart_total=0
        if audit is None or audit.changed_together
        else audit.changed + audit.undecided,
        closest=nearest,
        coverage=covered,
        failures=tuple((row["path"], row["reason"]) for row in failures[:_FAILURES]),
        failures_total=len(failures),
        steps=steps,
        notes=_notes(samples, embedded, typical),
        objects=objects(samples),
        labels=labels,
        layers=thumbnails.layers,
        map=picture_map(samples, embedded),
    )
    progress(5, _STAGES)
    return data


def _embedded(samples: Samples, column: str | None) -> EmbeddedSamples | None:
    if column is None and not samples.vector_columns:
        return None
    embedded = samples.of().vectors(column)
    return embedded if embedded.ids else None


def _charts(
    samples: Samples, steps: tuple[Step, ...], typical: Typicality | None
) -> tuple[Histogram, ...]:
    found = scores(samples, steps)
    known = None if typical is None else similarity(typical)
    return tuple(chart for chart in (found, known) if chart is not None)


def _dropped_ids(samples: Samples) -> frozenset[str]:
    return frozenset(samples.of(kind=Kind.ALL).having(Column.DUPLICATE_OF).ids)


def _steps(store: Store) -> tuple[Step, ...]:
    """Return the log up to the snapshot that is reported."""
    return tuple(
        Step(
            before=entry.before,
            snapshot=entry.snapshot,
            verb=entry.verb,
            params=entry.params,
            seed=entry.seed,
            counts=entry.counts,
            state=entry.state,
            time=entry.finished,
            command=command_of(entry),
        )
        for entry in store.log()
        if entry.before < store.snapshot
    )


def _notes(
    samples: Samples, embedded: EmbeddedSamples | None, typical: Typicality | None
) -> tuple[str, ...]:
    def sentences() -> Iterable[str]:
        if embedded is None:
            yield (
                "No picture has a vector yet (tamis embed makes them), so outliers, coverage "
                "and similarities are not shown."
            )
        elif typical is None:
            yield "One picture has no neighbours, so outliers and similarities are not shown."
        elif missing := samples.of(kind=Kind.WHOLE).count() - len(embedded.ids):
            yield (
                f"{counted(missing, 'picture has')} no vector by {encoder_of(samples, embedded)}, "
                "hence no part in outliers, coverage and similarities."
            )

    return tuple(sentences())
