"""What to label next: the pictures that represent a dataset, and some that differ from them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from tamis.algo import selection
from tamis.data.embedded import read_embedded
from tamis.errors import UsageError
from tamis.types import no_progress

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tamis.algo.coverage import Coverage
    from tamis.algo.selection import Picks, Strategy
    from tamis.data.store import Store
    from tamis.types import Progress

__all__ = ["Pick", "Selection", "select"]


@dataclass(frozen=True)
class Pick:
    """One selected picture.

    Attributes:
        path: as the user gave it.
        sample_id: its key in the dataset.
        reason: one short sentence.
        score: what it added to the mean similarity of all pictures to their nearest selected one
            (representative), or its cosine distance to everything selected before (diverse).
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
        outliers: pictures unusually far from their neighbours.
        outliers_taken: how many of them were picked.
        column: the vector column.
        neighbors: the neighbour kernel that ran, `exact` or `ivf`.
        recall: its recall, measured; 1 if exact.
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


def select(
    store: Store,
    n: int,
    *,
    column: str | None = None,
    strategy: Strategy = "default",
    diverse: float = 0.2,
    where: str | None = None,
    labelled: str | None = None,
    exclude_duplicates: bool = True,
    seed: int = 0,
    apply: bool = True,
    progress: Progress = no_progress,
) -> Selection:
    """Select `n` pictures that stand for the rest, most by facility location, some by k-center.

    The same pictures with the same seed give the same selection whatever order they were added in.
    With `apply`, one operation sets the marks `selected`, `selected_rank` (from 1) and
    `selected_reason`, and clears those of the selection before.

    Args:
        store: the dataset.
        n: how many; all candidates if there are fewer.
        column: vector column; if None the one with the most vectors.
        strategy: `default`, `facility-location`, `k-center` or `random`.
        diverse: share of `n` that the default strategy picks by k-center.
        where: SQL condition on the candidates, which are also what is to be represented.
        labelled: SQL condition on pictures that are labelled already: they represent others and
            are not selected again.
        exclude_duplicates: leave out pictures that are marked as duplicates of a kept one.
        seed: the only source of chance.
        apply: set the marks.
        progress: told when the vectors are read and when the picks are made.

    Raises:
        UsageError: no picture meets the conditions, or an option is out of range.
    """
    if n < 1:
        raise UsageError(f"select at least 1 picture, not {n}")
    progress(0, n)
    condition = where
    if exclude_duplicates and "duplicate_of" in store.columns():
        condition = _both(where, "duplicate_of IS NULL")
    samples = read_embedded(store, column, _either(condition, labelled))
    place = {sample_id: row for row, sample_id in enumerate(samples.ids)}
    must = np.array(
        [place[sample_id] for sample_id in _ids(store, labelled) if sample_id in place], np.int64
    )
    candidates = len(samples.ids) - len(must)
    if candidates == 0:
        raise UsageError(
            f"there is no picture to select from: {len(samples.ids)} have a vector in "
            f"{samples.column} and meet the conditions, {len(must)} of them labelled already"
        )
    picks = selection.select(
        samples.vectors,
        n,
        strategy=strategy,
        diverse=diverse,
        must=must,
        rng=np.random.default_rng(seed),
    )
    ids = [samples.ids[row] for row in picks.indices]
    paths = store.read(["path"], ids=ids).column("path").to_pylist()
    rows = [
        Pick(path, sample_id, reason, float(score))
        for path, sample_id, reason, score in zip(
            paths, ids, _reasons(picks), picks.scores, strict=True
        )
    ]
    if apply:
        params: dict[str, Any] = {
            "n": n,
            "column": samples.column,
            "strategy": strategy,
            "diverse": diverse,
            "where": where,
            "labelled": labelled,
            "exclude_duplicates": exclude_duplicates,
        }
        _mark(store, rows, params, seed)
    progress(n, n)
    return Selection(
        rows=rows,
        candidates=candidates,
        represented=len(samples.ids),
        coverage=picks.coverage,
        outliers=picks.outliers,
        outliers_taken=picks.outliers_taken,
        column=samples.column,
        neighbors=picks.graph_method,
        recall=picks.graph_recall,
    )


def _both(a: str | None, b: str) -> str:
    return b if a is None else f"({a}) AND {b}"


def _either(condition: str | None, labelled: str | None) -> str | None:
    """Return the condition on all pictures that play a part."""
    if condition is None or labelled is None:
        return condition
    return f"({condition}) OR ({labelled})"


def _ids(store: Store, where: str | None) -> list[str]:
    if where is None:
        return []
    ids: list[str] = store.read(["sample_id"], where=where).column("sample_id").to_pylist()
    return ids


def _reasons(picks: Picks) -> list[str]:
    return [
        _reason(*pick)
        for pick in zip(
            picks.kinds,
            picks.represents.tolist(),
            picks.scores.tolist(),
            picks.outlier.tolist(),
            strict=True,
        )
    ]


def _reason(kind: str, represents: int, score: float, outlier: bool) -> str:
    if kind == "random":
        return "picked at random"
    if kind == "k-center":
        note = "; an outlier" if outlier else ""
        return f"farthest from all picked before it, cosine distance {score:.3f}{note}"
    if represents > 1:
        return f"represents {represents:,} pictures"
    return "represents itself only" if represents else "like other picks; fills the number asked"


def _mark(store: Store, rows: Sequence[Pick], params: dict[str, Any], seed: int) -> None:
    chosen = {row.sample_id: rank for rank, row in enumerate(rows, start=1)}
    before = _ids(store, "selected IS NOT NULL") if "selected" in store.columns() else []
    ids = [*chosen, *(sample_id for sample_id in before if sample_id not in chosen)]
    cleared = [None] * (len(ids) - len(rows))
    with store.operation("select", params=params, seed=seed) as operation:
        operation.set_marks(
            ids,
            {
                "selected": pa.array([True] * len(rows) + cleared, pa.bool_()),
                "selected_rank": pa.array([*chosen.values(), *cleared], pa.int32()),
                "selected_reason": pa.array([row.reason for row in rows] + cleared, pa.string()),
            },
        )
        operation.counts["selected"] = len(rows)
