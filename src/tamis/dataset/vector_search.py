"""The stored vectors nearest to a query: exactly, or by the index where that is safe."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

import numpy as np

from tamis.dataset.vector_index import partitions_for
from tamis.errors import UsageError

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray

    from tamis.dataset.samples import SampleSet
    from tamis.dataset.store import Store
    from tamis.types import Vectors

__all__ = ["Nearest", "nearest"]

_PROBES: Final = 32
_EXACT_BELOW_ROWS: Final = 20_000
_EXACT_BELOW_SHARE: Final = 0.05
_MOST_BY_INDEX: Final = 1000
_READ_BELOW_SHARE: Final = 0.04  # fewer rows are read one by one: measured four times cheaper
_SPARE: Final = 16
_TIE: Final = 1e-6


@dataclass(frozen=True)
class Nearest:
    """Samples near a query, best first.

    Attributes:
        ids: `[k]` sample ids.
        scores: `[k]` float32 cosine similarities, from the vectors as stored.
        vectors: `[k, D]` float32, theirs.
        method: how they were found; `exact` compared all that the condition lets through.
        compared: rows whose vectors, if they have one, were compared exactly.
    """

    ids: list[str]
    scores: NDArray[np.float32]
    vectors: Vectors
    method: Literal["exact", "index"]
    compared: int


@dataclass(frozen=True)
class _Request:
    where: str | None
    passing: int
    total: int


def nearest(
    among: SampleSet,
    column: str,
    query: NDArray[np.float32],
    count: int,
    *,
    exact: bool = False,
) -> Nearest:
    """Find the samples whose vectors are most similar to a query.

    The index answers where there is one, unless the condition is so selective (under 5 % of the
    rows, or 20,000) that it would lose some: then the rows that meet it are read and compared
    exactly. The score is the same cosine either way.

    Args:
        among: the samples that may be found.
        column: a vector column.
        query: `[D]` float32, any length but zero.
        count: how many samples, at least 1.
        exact: compare all, whatever there is.

    Raises:
        UsageError: the query has another dimension or no direction, `count` is less than 1, or
            the condition of `among` names a column that there is not.
    """
    samples, store = among.samples, among.samples.store
    known = next((c for c in samples.vector_columns if c.name == column), None)
    if known is None:
        raise UsageError(f"{column!r} is not a vector column")
    if query.shape != (known.dim,):
        raise UsageError(
            f"the query has shape {list(query.shape)}, but vectors of {known.spec} have "
            f"{known.dim} dimensions"
        )
    if count < 1:
        raise UsageError(f"k is {count}; ask for at least 1")
    length = float(np.linalg.norm(query))
    if not np.isfinite(length) or length == 0:
        raise UsageError("the query has no direction: what is added and subtracted cancels out")
    unit = (query / length).astype(np.float32)
    # Counting reads the condition's columns of all rows; `samples` keeps the counts.
    request = _Request(among.condition, passing=among.count(), total=samples.count_of(None))
    if exact or not _is_safe_by_index(store, column, count, request):
        return _exact(store, column, unit, count, request)
    return _by_index(store, column, unit, count, request)


def _is_safe_by_index(store: Store, column: str, count: int, request: _Request) -> bool:
    if count > _MOST_BY_INDEX or store.index_cover(column) is None:
        return False
    least = max(_EXACT_BELOW_ROWS, _EXACT_BELOW_SHARE * request.total)
    return request.where is None or request.passing >= least


def _by_index(
    store: Store, column: str, unit: NDArray[np.float32], count: int, request: _Request
) -> Nearest:
    # The fewer rows pass, the more partitions it takes to meet as many that do.
    most = partitions_for(request.total)
    probes = min(most, math.ceil(_PROBES * request.total / max(request.passing, 1)))
    rows = store.nearest(column, unit, count, request.where, probes=probes)
    return _ranked(rows, column, unit, "index", compared=rows.num_rows)


def _exact(
    store: Store, column: str, unit: NDArray[np.float32], count: int, request: _Request
) -> Nearest:
    if request.where is not None and request.passing < _READ_BELOW_SHARE * request.total:
        return _scanned(store, column, unit, count, request.where)
    # Which of many equal ones come first is left to chance there, so some more are asked for.
    rows = store.nearest(column, unit, count + _SPARE, request.where)
    found = _ranked(rows, column, unit, "exact", compared=request.passing)
    is_tied = len(found.ids) > count and found.scores[-1] > found.scores[count - 1] - _TIE
    if is_tied:
        found = _scanned(store, column, unit, count, request.where)
    return Nearest(
        found.ids[:count],
        found.scores[:count],
        found.vectors[:count],
        found.method,
        found.compared,
    )


def _ranked(
    rows: pa.Table,
    column: str,
    unit: NDArray[np.float32],
    method: Literal["exact", "index"],
    compared: int,
) -> Nearest:
    """Score rows by their stored vectors; of equal scores the earlier row comes first."""
    vectors = _rows_of(rows.column(column).combine_chunks(), len(unit))
    scores = vectors @ unit
    order = np.lexsort((rows.column("_rowid").to_numpy(), -scores))
    ids = rows.column("sample_id").to_pylist()
    return Nearest([ids[i] for i in order], scores[order], vectors[order], method, compared)


def _scanned(
    store: Store, column: str, unit: NDArray[np.float32], count: int, where: str | None
) -> Nearest:
    """Compare row by row in the dataset's order, which settles ties for good."""
    ids: list[str] = []
    scores = np.empty(0, np.float32)
    vectors = np.empty((0, len(unit)), np.float32)
    compared = 0
    for batch in store.batches(["sample_id", column], where):
        filled = batch.filter(batch.column(column).is_valid())
        rows = _rows_of(filled.column(column), len(unit))
        compared += len(rows)
        found = rows @ unit
        hopeful = np.arange(len(found))
        if len(scores) == count:
            hopeful = np.flatnonzero(found > scores[-1])
        if not len(hopeful):
            continue
        ids += filled.column("sample_id").take(hopeful).to_pylist()
        scores = np.concatenate([scores, found[hopeful]])
        vectors = np.concatenate([vectors, rows[hopeful]])
        # stable, so that of equal scores the earlier row stays
        best = np.argsort(-scores, kind="stable")[:count]
        ids, scores, vectors = [ids[i] for i in best], scores[best], vectors[best]
    return Nearest(ids, scores, vectors, "exact", compared)


def _rows_of(column: object, dim: int) -> Vectors:
    values: Vectors = np.asarray(column.flatten().to_numpy(), np.float32)  # type: ignore[attr-defined]
    return values.reshape(-1, dim)
