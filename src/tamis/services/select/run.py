"""What to label next: the pictures that represent a dataset, and some that differ from them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tamis.algo import selection
from tamis.algo.selection.reasons import reasons
from tamis.dataset.columns import Column, unknown
from tamis.dataset.conditions import any_of
from tamis.dataset.embedded import EmbeddedSamples
from tamis.dataset.presence import gone_ids
from tamis.dataset.samples import Kind, SampleSet
from tamis.dataset.selection_marks import mark_selected
from tamis.errors import UsageError
from tamis.services.select.contract import SCHEDULE
from tamis.services.select.detections import detections
from tamis.services.select.quotas import group_quotas, parse_quotas
from tamis.services.select.result import Pick, Selection
from tamis.services.select.round import select_round
from tamis.services.select.simulation import simulate_rounds
from tamis.verbs.feedback import SILENT
from tamis.wording import counted

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tamis.algo.selection import Picks, Quotas
    from tamis.dataset.samples import Samples
    from tamis.dataset.store import Store
    from tamis.runtime.workspace import Workspace
    from tamis.services.select.contract import Select
    from tamis.services.select.detections import Detections
    from tamis.services.select.result import Answer
    from tamis.types import Indices
    from tamis.verbs.feedback import Feedback

__all__ = ["select", "select_representative"]


def select(workspace: Workspace, request: Select, feedback: Feedback = SILENT) -> Answer:
    """Select pictures: to represent the others, the next to label, or in a simulation.

    Raises:
        UsageError: as `select_representative`, `select_round` and `simulate_rounds` say.
    """
    if request.simulate:
        return simulate_rounds(workspace, request, feedback)
    if request.round:
        return select_round(workspace, request, feedback)
    return select_representative(workspace, request, feedback)


def select_representative(
    workspace: Workspace, request: Select, feedback: Feedback = SILENT
) -> Selection:
    """Select `n` pictures that stand for the rest, most by facility location, some by k-center.

    The same pictures with the same seed give the same selection whatever order they were added in.
    Pictures that are gone are left out, as `tamis.dataset.presence` tells, where any is present,
    and so are those marked as duplicates of a kept one. With `apply`, one operation sets the marks
    `selected`, `selected_rank` (from 1) and `selected_reason`, and clears those of the selection
    before.

    Raises:
        UsageError: no picture meets the conditions, an option is out of range, or the quotas
            cannot be met.
    """
    store, n, progress = workspace.store, request.n, feedback.stage("select")
    view = workspace.samples
    known = workspace.vector_column(request.encoder)
    asked = parse_quotas(request.quotas)
    progress(0, n)
    kind = view.kind_of(request.where, request.labeled, request.include)
    part = view.of(request.where, kind=kind).lacking(Column.DUPLICATE_OF)
    part, small = _large_enough(part, request.min_part)
    for other in (request.labeled, request.include):
        part = part if other is None else part.either(view.of(other, kind=kind))
    samples = part.vectors(known.name)
    place = {sample_id: row for row, sample_id in enumerate(samples.ids)}
    _require_vectors(view, place, request.include, samples.column)
    samples, gone = _present(view, samples, request.labeled)
    place = {sample_id: row for row, sample_id in enumerate(samples.ids)}
    must, excluded, included = (
        _rows(view, place, one) for one in (request.labeled, request.forbid, request.include)
    )
    _require_free(store, samples, included, must, "labeled already")
    _require_free(store, samples, included, excluded, "excluded")
    free = np.setdiff1d(np.arange(len(samples.ids)), np.union1d(must, excluded))
    if free.size == 0:
        raise UsageError(
            f"there is no picture to select from: {len(samples.ids)} have a vector in "
            f"{samples.column} and meet the conditions, {must.size} of them labeled already"
            + (f", {excluded.size} excluded" if request.forbid else "")
            + (f"; {gone} are gone (tamis check lists them)" if gone else "")
            + (f"; {small}" if small else "")
        )
    judged = detections(store, request, samples.ids)
    if judged is not None:
        listed = judged.shortlist(np.setdiff1d(free, included), n)
        excluded = np.union1d(excluded, np.setdiff1d(free, np.union1d(listed, included)))
        free = np.union1d(listed, np.intersect1d(free, included))
    groups: Quotas | None = None
    if asked:
        table = store.read([asked[0].column], ids=samples.ids)
        values = table.column(asked[0].column).to_pylist()
        groups = group_quotas(asked, values, free, min(n, free.size))
    strategy = request.strategy
    if strategy is None or strategy == SCHEDULE:
        strategy = "default"
    picks = selection.select(
        samples.vectors,
        n,
        strategy=strategy,
        diverse=request.diverse,
        must=must,
        excluded=excluded,
        include=included,
        quotas=groups,
        overwrite=True,
        rng=np.random.default_rng(request.seed),
    )
    ids = [samples.ids[row] for row in picks.indices]
    paths = store.read(["path"], ids=ids).column("path").to_pylist()
    rows = [
        Pick(path, sample_id, reason, float(score))
        for path, sample_id, reason, score in zip(
            paths, ids, _why(picks, judged), picks.scores, strict=True
        )
    ]
    if request.apply:
        mark_selected(
            store,
            [row.sample_id for row in rows],
            [row.reason for row in rows],
            params={"column": samples.column, "strategy": strategy},
            seed=request.seed,
            request=request,
            counts={},
        )
    progress(n, n)
    return Selection(
        picks=rows,
        candidates=int(free.size),
        represented=len(samples.ids),
        coverage=picks.coverage,
        outliers=picks.outliers,
        outliers_taken=picks.outliers_taken,
        encoder=known.spec,
        column=samples.column,
        neighbors=picks.graph_method,
        recall=picks.graph_recall,
        parts=picks.parts,
        gone=gone,
        notes=[*([small] if small else []), *_notes(n, len(rows), picks.parts, len(samples.ids))],
    )


def _why(picks: Picks, judged: Detections | None) -> list[str]:
    said = reasons(picks)
    if judged is None:
        return said
    rows = picks.indices.tolist()
    return [f"{sentence}{judged.why[row]}" for sentence, row in zip(said, rows, strict=True)]


def _large_enough(part: SampleSet, least: int) -> tuple[SampleSet, str | None]:
    """Leave out parts of pictures too small to show anything; tell how many."""
    small = f"(box_width < {least} OR box_height < {least})"
    if not least or not part.samples.has(Column.KIND) or not (count := part.where(small).count()):
        return part, None
    told = f"{counted(count, 'part has')} a side under {least} pixels, left out"
    large = part.where(any_of(unknown(Column.KIND), f"NOT {small}"))
    return large, f"{told}; --min-part 0 takes them"


def _notes(wanted: int, picked: int, parts: int, represented: int) -> list[str]:
    notes = []
    if picked < wanted:
        notes.append(f"{wanted} were asked for and {picked} can be selected")
    if parts > 1:
        notes.append(
            f"chosen in {parts} random parts and from their union, for {represented:,} pictures "
            "are too many to compare all"
        )
    return notes


def _present(
    view: Samples, samples: EmbeddedSamples, labeled: str | None
) -> tuple[EmbeddedSamples, int]:
    """Leave out pictures that are gone, but for labeled ones, which are not selected anyway."""
    gone = gone_ids(view.store, ids=samples.ids)
    if labeled is not None:
        gone = gone.difference(view.of(labeled, kind=Kind.ALL).ids)
    if not gone:
        return samples, 0
    kept = np.array([one not in gone for one in samples.ids], np.bool_)
    ids = [one for one in samples.ids if one not in gone]
    return EmbeddedSamples(samples.column, ids, samples.vectors[kept]), len(gone)


def _rows(view: Samples, place: Mapping[str, int], where: str | None) -> Indices:
    ids = [] if where is None else view.of(where, kind=Kind.ALL).ids
    return np.array([place[one] for one in ids if one in place], np.int64)


def _require_vectors(
    view: Samples, place: Mapping[str, int], include: str | None, column: str
) -> None:
    if include is None:
        return
    wanted = view.of(include).ids
    lacking = [one for one in wanted if one not in place]
    if not wanted:
        raise UsageError(f"no picture meets the condition to be included: {include}")
    if lacking:
        path = view.rows([Column.PATH], lacking[:1]).column(0)[0].as_py()
        raise UsageError(
            f"{counted(len(lacking), 'picture')} to be included without a vector in {column}, "
            f"the first "
            f"{path}: run  tamis embed  first, or leave them out"
        )


def _require_free(
    store: Store, samples: EmbeddedSamples, included: Indices, others: Indices, what: str
) -> None:
    both = np.intersect1d(included, others)
    if both.size:
        path = store.read(["path"], ids=[samples.ids[both[0]]]).column("path")[0].as_py()
        raise UsageError(
            f"{counted(both.size, 'picture is')} to be included and {what}, the first {path}: "
            f"leave them "
            "out of one of the conditions"
        )
