"""What to label next: the pictures that represent a dataset, and some that differ from them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from tamis.algo import selection
from tamis.algo.selection.reasons import reasons
from tamis.dataset.conditions import all_of, any_of
from tamis.dataset.embedded import EmbeddedSamples, read_embedded
from tamis.dataset.parts import whole_pictures
from tamis.dataset.presence import gone_ids
from tamis.dataset.selection_marks import mark_selected
from tamis.errors import UsageError
from tamis.services.selection.quotas import group_quotas, parse_quotas
from tamis.types import no_progress

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tamis.algo.coverage import Coverage
    from tamis.algo.selection import Quotas, Strategy
    from tamis.dataset.store import Store
    from tamis.types import Indices, Progress

__all__ = ["Pick", "Selection", "select"]


@dataclass(frozen=True)
class Pick:
    """One selected picture.

    Attributes:
        path: as the user gave it.
        sample_id: its key in the dataset.
        reason: one short sentence.
        score: by what its strategy picked it: for facility location what it added to the mean
            similarity of all pictures to their nearest selected one, for k-center its cosine
            distance to everything selected before.
    """

    path: str
    sample_id: str
    reason: str
    score: float


@dataclass(frozen=True)
class Selection:
    """The selected pictures, in the order in which they were picked.

    Attributes:
        rows: the picks.
        candidates: how many pictures could be picked.
        represented: how many pictures were to be represented.
        coverage: how well the picks cover them, beside as many random picks.
        outliers: pictures unusually far from their neighbours, estimated where `neighbors` is
            `sample`.
        outliers_taken: how many of them were picked.
        column: the vector column.
        neighbors: the neighbour kernel that ran, `exact`, `ivf` or `sample`.
        recall: its recall, measured; 1 if exact.
        parts: into how many random parts the pictures were divided, 1 if they were not.
        gone: pictures that were left out since their file is missing or holds something else.
    """

    rows: list[Pick]
    candidates: int
    represented: int
    coverage: Coverage | None
    outliers: int
    outliers_taken: int
    column: str
    neighbors: str
    recall: float
    parts: int
    gone: int


def select(
    store: Store,
    n: int,
    *,
    column: str | None = None,
    strategy: Strategy | Mapping[str, float] = "default",
    diverse: float | None = None,
    where: str | None = None,
    labelled: str | None = None,
    forbid: str | None = None,
    include: str | None = None,
    quotas: Sequence[str] = (),
    exclude_duplicates: bool = True,
    seed: int = 0,
    apply: bool = True,
    progress: Progress = no_progress,
) -> Selection:
    """Select `n` pictures that stand for the rest, most by facility location, some by k-center.

    The same pictures with the same seed give the same selection whatever order they were added in.
    Pictures that are gone are left out, as `tamis.dataset.presence` tells, where any is present.
    With `apply`, one operation sets the marks `selected`, `selected_rank` (from 1) and
    `selected_reason`, and clears those of the selection before.

    Args:
        store: the dataset.
        n: how many; all candidates if there are fewer.
        column: vector column; if None the one with the most vectors.
        strategy: one of `tamis.algo.selection.STRATEGIES`, or several with their shares.
        diverse: share of `n` that the default strategy picks by k-center; if None none of the
            first 30 and a fifth of what is beyond.
        where: SQL condition on the candidates, which are also what is to be represented.
        labelled: SQL condition on pictures that are labelled already: they represent others and
            are not selected again.
        forbid: SQL condition on pictures that are represented, but not selected.
        include: SQL condition on pictures that are selected in any case; they count in `n`.
        quotas: how many of each group, see `parse_quotas`; pictures in `labelled` do not count.
        exclude_duplicates: leave out pictures that are marked as duplicates of a kept one.
        seed: the only source of chance.
        apply: set the marks.
        progress: told when the vectors are read and when the picks are made.

    Raises:
        UsageError: no picture meets the conditions, an option is out of range, or the quotas
            cannot be met.
    """
    if n < 1:
        raise UsageError(f"select at least 1 picture, not {n}")
    asked = parse_quotas(quotas)
    progress(0, n)
    condition = where
    if exclude_duplicates and "duplicate_of" in store.columns():
        condition = all_of(where, "duplicate_of IS NULL")
    samples = read_embedded(store, column, _either(condition, labelled, include))
    place = {sample_id: row for row, sample_id in enumerate(samples.ids)}
    _require_vectors(store, place, include, samples.column)
    samples, gone = _present(store, samples, labelled)
    place = {sample_id: row for row, sample_id in enumerate(samples.ids)}
    must, forbidden, included = (_rows(store, place, part) for part in (labelled, forbid, include))
    _require_free(store, samples, included, must, "labelled already")
    _require_free(store, samples, included, forbidden, "forbidden")
    free = np.setdiff1d(np.arange(len(samples.ids)), np.union1d(must, forbidden))
    if free.size == 0:
        raise UsageError(
            f"there is no picture to select from: {len(samples.ids)} have a vector in "
            f"{samples.column} and meet the conditions, {must.size} of them labelled already"
            + (f", {forbidden.size} forbidden" if forbid else "")
            + (f"; {gone} are gone (tamis check lists them)" if gone else "")
        )
    groups: Quotas | None = None
    if asked:
        table = store.read([asked[0].column], ids=samples.ids)
        values = table.column(asked[0].column).to_pylist()
        groups = group_quotas(asked, values, free, min(n, free.size))
    picks = selection.select(
        samples.vectors,
        n,
        strategy=strategy,
        diverse=diverse,
        must=must,
        forbidden=forbidden,
        include=included,
        quotas=groups,
        overwrite=True,
        rng=np.random.default_rng(seed),
    )
    ids = [samples.ids[row] for row in picks.indices]
    paths = store.read(["path"], ids=ids).column("path").to_pylist()
    rows = [
        Pick(path, sample_id, reason, float(score))
        for path, sample_id, reason, score in zip(
            paths, ids, reasons(picks), picks.scores, strict=True
        )
    ]
    if apply:
        params: dict[str, Any] = {
            "n": n,
            "column": samples.column,
            "strategy": strategy if isinstance(strategy, str) else dict(strategy),
            "diverse": diverse,
            "where": where,
            "labelled": labelled,
            "forbid": forbid,
            "include": include,
            "quotas": list(quotas),
            "exclude_duplicates": exclude_duplicates,
        }
        mark_selected(
            store,
            [row.sample_id for row in rows],
            [row.reason for row in rows],
            params=params,
            seed=seed,
            counts={},
        )
    progress(n, n)
    return Selection(
        rows=rows,
        candidates=int(free.size),
        represented=len(samples.ids),
        coverage=picks.coverage,
        outliers=picks.outliers,
        outliers_taken=picks.outliers_taken,
        column=samples.column,
        neighbors=picks.graph_method,
        recall=picks.graph_recall,
        parts=picks.parts,
        gone=gone,
    )


def _present(
    store: Store, samples: EmbeddedSamples, labelled: str | None
) -> tuple[EmbeddedSamples, int]:
    """Leave out pictures that are gone, but for labelled ones, which are not selected anyway."""
    gone = gone_ids(store, ids=samples.ids) - set(_ids(store, labelled))
    if not gone:
        return samples, 0
    kept = np.array([one not in gone for one in samples.ids], np.bool_)
    ids = [one for one in samples.ids if one not in gone]
    return EmbeddedSamples(samples.column, ids, samples.vectors[kept]), len(gone)


def _either(condition: str | None, *others: str | None) -> str | None:
    """Return the condition on all pictures that play a part."""
    return any_of(condition, *(part for part in others if part is not None))


def _ids(store: Store, where: str | None) -> list[str]:
    if where is None:
        return []
    ids: list[str] = store.read(["sample_id"], where=where).column("sample_id").to_pylist()
    return ids


def _rows(store: Store, place: Mapping[str, int], where: str | None) -> Indices:
    return np.array([place[one] for one in _ids(store, where) if one in place], np.int64)


def _require_vectors(
    store: Store, place: Mapping[str, int], include: str | None, column: str
) -> None:
    if include is None:
        return
    wanted = _ids(store, whole_pictures(store.columns(), include))
    lacking = [one for one in wanted if one not in place]
    if not wanted:
        raise UsageError(f"no picture meets the condition to be included: {include}")
    if lacking:
        path = store.read(["path"], ids=lacking[:1]).column("path")[0].as_py()
        raise UsageError(
            f"{len(lacking)} pictures are to be included but have no vector in {column}, the first "
            f"{path}: run  tamis embed  first, or leave them out"
        )


def _require_free(
    store: Store, samples: EmbeddedSamples, included: Indices, others: Indices, what: str
) -> None:
    both = np.intersect1d(included, others)
    if both.size:
        path = store.read(["path"], ids=[samples.ids[both[0]]]).column("path")[0].as_py()
        raise UsageError(
            f"{both.size} pictures are to be included and are {what}, the first {path}: leave them "
            "out of one of the conditions"
        )
