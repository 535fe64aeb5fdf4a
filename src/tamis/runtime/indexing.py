"""When an index for search is worth building, and what it loses."""

from __future__ import annotations

import statistics
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from tamis.dataset.samples import Kind, Samples, SampleSet
from tamis.dataset.vector_index import INDEX_FROM
from tamis.dataset.vector_search import nearest

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tamis.dataset.store import Store

__all__ = ["IndexAudit", "audit_index", "is_index_worthwhile"]

_EXTEND_FROM_SHARE: Final = 0.05
_AUDIT_NEIGHBOURS: Final = 10


@dataclass(frozen=True)
class IndexAudit:
    """What a trial of an index found.

    Attributes:
        rows: that the index covers.
        total: rows of the dataset.
        recall: share of the exact ten nearest that search by the index returns.
        queries: stored vectors that were looked for; each one's own row does not count.
        milliseconds: median of a search by the index.
        milliseconds_exact: median of an exact one.
    """

    rows: int
    total: int
    recall: float
    queries: int
    milliseconds: float
    milliseconds_exact: float


def audit_index(
    store: Store, column: str, *, queries: int = 50, seed: int = 0
) -> IndexAudit | None:
    """Search for some stored vectors by the index and exactly; None where there is no index.

    Args:
        store: the dataset.
        column: a vector column.
        queries: how many vectors, drawn at random.
        seed: of the draw.
    """
    cover = store.index_cover(column)
    if cover is None:
        return None
    everything = Samples(store).of(kind=Kind.ALL)
    ids = everything.having(column).ids
    drawn = np.random.default_rng(seed).choice(len(ids), min(queries, len(ids)), replace=False)
    chosen = [ids[number] for number in np.sort(drawn)]
    vectors = store.read([column], ids=chosen)[column].to_pylist()
    agreed, times, exact_times = 0, [], []
    for sample_id, vector in zip(chosen, vectors, strict=True):
        query = np.asarray(vector, np.float32)
        found, seconds = _timed(everything, column, query, exact=False)
        truth, exact_seconds = _timed(everything, column, query, exact=True)
        agreed += len((found & truth) - {sample_id})
        times.append(1e3 * seconds)
        exact_times.append(1e3 * exact_seconds)
    return IndexAudit(
        rows=cover.rows,
        total=cover.total,
        recall=agreed / (_AUDIT_NEIGHBOURS * len(chosen)),
        queries=len(chosen),
        milliseconds=statistics.median(times),
        milliseconds_exact=statistics.median(exact_times),
    )


def _timed(
    among: SampleSet, column: str, query: NDArray[np.float32], *, exact: bool
) -> tuple[set[str], float]:
    begin = time.perf_counter()
    found = nearest(among, column, query, _AUDIT_NEIGHBOURS + 1, exact=exact)
    return set(found.ids), time.perf_counter() - begin


def is_index_worthwhile(store: Store, column: str, *, new: int) -> bool:
    """Tell whether a column's index should be built, or take in `new` rows beside older ones.

    Rows that the index lacks are found all the same, one by one: that costs time, not answers.
    """
    total = store.count()
    if total < INDEX_FROM or not new:
        return False
    cover = store.index_cover(column) if Samples(store).has(column) else None
    lacking = total if cover is None else cover.total - cover.rows + new
    return lacking > _EXTEND_FROM_SHARE * total
