"""Select rows by one or several strategies within quotas, and measure their coverage."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from tamis.algo.canonical_order import canonical_order
from tamis.algo.coverage import compare_with_random
from tamis.algo.exact_neighbors import exact_search
from tamis.algo.neighbors import knn_graph
from tamis.algo.outliers import distance_outliers, sampled_outliers
from tamis.algo.selection.picks import Picks
from tamis.algo.selection.quotas import Allowance, Quotas
from tamis.algo.selection.strategy import Pool, Stage
from tamis.algo.strategies import FROM_PROBABILITIES, STRATEGIES, strategy_named
from tamis.algo.unit_vectors import unit_vectors
from tamis.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from tamis.types import Indices, Vectors

__all__ = ["select"]

OUTLIER_LIMIT = 100_000
"""Above this many rows, outliers are determined from a random sample."""

_OUTLIER_NEIGHBORS = 10
_OUTLIER_SAMPLE = 20_000
_COLUMNS = 16
_REPRESENTATIVE_FIRST, _USUALLY_DIVERSE = 30, 0.2
_SUM_TOLERANCE = 1e-2


def select(
    X: NDArray[Any],
    n: int,
    *,
    strategy: str | Mapping[str, float] = "default",
    diverse: float | None = None,
    probabilities: NDArray[Any] | None = None,
    must: Indices | None = None,
    excluded: Indices | None = None,
    include: Indices | None = None,
    quotas: Quotas | None = None,
    overwrite: bool = False,
    rng: np.random.Generator,
) -> Picks:
    """Select `n` rows that are worth labeling.

    Rows are first sorted by content, so the result does not depend on their order, except that
    identical rows may be swapped. The cost is that of the strategy, plus `knn_graph` up to 100,000
    rows, plus one copy of `X`.

    Args:
        X: `[N, D]` unit vectors.
        n: how many to select; all candidates if there are fewer.
        strategy: one of `tamis.algo.strategies`, or several with their shares of `n`, which run in
            this order; each sees the picks of those before it.
        diverse: share of `n`, in [0, 1], that the default strategy picks by k-center; None for
            none of the first 30 and a fifth of the rest.
        probabilities: `[N, K]` class probabilities of every row, for strategies that use model
            uncertainty.
        must: `[L]` rows that are taken already, e.g. labeled: they represent others, count toward
            coverage, and are not among the picks.
        excluded: `[F]` rows that may not be picked, but should be represented.
        include: `[I]` rows that are picked in any case; they count toward `n`.
        quotas: how many rows of each group to pick; rows in `must` do not count.
        overwrite: allow reordering `X` in place, which saves the copy.
        rng: the only source of randomness.

    Raises:
        UsageError: `X` is not made of finite unit vectors, an option is out of range, or the
            quotas cannot be met.

    Example:
        >>> X = np.array([[1, 0], [0.8, 0.6], [0.6, 0.8], [0, 1], [0, -1]])
        >>> picks = select(X, 2, diverse=0.5, rng=np.random.default_rng(0))
        >>> picks.indices, picks.kinds
        (array([1, 4]), ('facility-location', 'k-center'))
    """
    shares = _shares(strategy, _diverse_share(diverse, n), probabilities)
    if n < 0:
        raise UsageError(f"the number of rows to pick must be 0 or more, not {n}")
    vectors = unit_vectors(X)
    order = canonical_order(vectors)
    vectors = _in_order(vectors, order, in_place=overwrite)
    place = np.empty_like(order)
    place[order] = np.arange(order.size)
    chosen = _places(must, place, "must")
    ruled_out = np.union1d(chosen, _places(excluded, place, "excluded"))
    included = _places(include, place, "include")
    if np.intersect1d(included, ruled_out).size:
        row = order[np.intersect1d(included, ruled_out)[0]]
        raise UsageError(f"row {row} is to be included and is ruled out or picked already")
    candidates = np.setdiff1d(place, ruled_out)
    n = min(n, candidates.size)
    if quotas is not None:
        quotas = replace(quotas, groups=_ordered(quotas.groups, order, "groups"))
    likely = None if probabilities is None else _distributions(probabilities, order)
    allowance = Allowance(n, candidates, include=included, quotas=quotas, total=order.size)

    done = Stage(included, np.zeros(included.size))
    stages, kinds = [done], ["include"] * included.size
    for name, count in _counts(shares, n - included.size).items():
        if count == 0 or candidates.size == 0:
            continue
        picked = np.concatenate([stage.indices for stage in stages])
        pool = Pool(
            X=vectors,
            candidates=np.setdiff1d(candidates, picked),
            chosen=np.concatenate([chosen, picked]),
            allowance=allowance,
            probabilities=likely,
            rng=rng,
        )
        stages.append(strategy_named(name).pick(pool, min(count, pool.candidates.size)))
        kinds += [name] * stages[-1].indices.size
    picked = np.concatenate([stage.indices for stage in stages])
    outlier, outliers, method, recall = _outliers(vectors, picked, rng)
    represents, distances = _roles(vectors, picked, chosen)
    return Picks(
        indices=order[picked],
        kinds=tuple(kinds),
        scores=np.concatenate([stage.scores for stage in stages]),
        clusters=_filled([stage.clusters for stage in stages], stages, -1),
        cluster_sizes=_filled([stage.cluster_sizes for stage in stages], stages, 0),
        classes=None if likely is None else np.argsort(-likely[picked], kind="stable")[:, :2],
        represents=represents,
        distances=distances,
        outlier=outlier,
        outliers=outliers,
        coverage=compare_with_random(
            vectors, picked, candidates=candidates, chosen=chosen, rng=rng
        ),
        graph_method=method,
        graph_recall=recall,
        parts=max(stage.parts for stage in stages),
    )


def _diverse_share(given: float | None, n: int) -> float:
    if given is not None:
        if not 0.0 <= given <= 1.0:
            raise UsageError(f"the diverse share must be between 0 and 1, not {given}")
        return given
    # With a small budget, skip outliers: in benchmarks they lowered accuracy.
    return _USUALLY_DIVERSE * max(0, n - _REPRESENTATIVE_FIRST) / max(n, 1)


def _shares(
    strategy: str | Mapping[str, float], diverse: float, probabilities: NDArray[Any] | None
) -> Mapping[str, float]:
    if strategy == "default":
        return {"facility-location": 1.0 - diverse, "k-center": diverse}
    shares: dict[str, float] = {strategy: 1.0} if isinstance(strategy, str) else dict(strategy)
    for name, share in shares.items():
        if name not in STRATEGIES[1:]:
            raise UsageError(f"strategy must be one of {', '.join(STRATEGIES)}, not {name!r}")
        if not 0.0 <= share <= 1.0:
            raise UsageError(f"the share of {name} must be between 0 and 1, not {share}")
    if probabilities is None and (lacking := shares.keys() & FROM_PROBABILITIES):
        raise UsageError(
            f"the strategy {min(lacking)} needs class probabilities of every row: train a model "
            "on labels first, or take a strategy that needs none"
        )
    if abs(sum(shares.values()) - 1.0) > 1e-6:  # noqa: PLR2004 - rounding of decimal shares
        raise UsageError(f"the shares must add up to 1, not {sum(shares.values()):g}")
    return shares


def _counts(shares: Mapping[str, float], n: int) -> dict[str, int]:
    """Divide `n` by the shares, carrying the rounding along so that the counts add up to `n`."""
    counts, left, weight = {}, n, sum(shares.values())
    for name, share in reversed(list(shares.items())):
        counts[name] = left if weight <= share else round(left * share / weight)
        left -= counts[name]
        weight -= share
    return dict(reversed(counts.items()))


def _distributions(probabilities: NDArray[Any], order: Indices) -> NDArray[np.float32]:
    if probabilities.ndim != 2 or probabilities.shape[1] < 2:  # noqa: PLR2004 - [N, K], two classes
        raise UsageError(
            f"probabilities must have the shape [N, K] with K > 1, not {probabilities.shape}"
        )
    rows: NDArray[np.float32] = _ordered(probabilities, order, "probabilities").astype(np.float32)
    sums = rows.sum(axis=1, dtype=np.float64)
    wrong = ~(np.abs(sums - 1.0) <= _SUM_TOLERANCE) | (rows < 0).any(axis=1)
    if wrong.any():
        row = int(order[wrong].min())
        raise UsageError(
            f"probabilities must be 0 or more and add up to 1 in each row, but row {row} holds "
            f"{probabilities[row].tolist()} ({int(wrong.sum())} such rows)"
        )
    return rows


def _ordered(values: NDArray[Any], order: Indices, name: str) -> NDArray[Any]:
    if values.shape[0] != order.size:
        raise UsageError(f"{name} must be given for {order.size} rows, not {values.shape[0]}")
    return values[order]


def _filled(parts: list[Indices | None], stages: list[Stage], empty: int) -> Indices:
    return np.concatenate(
        [
            np.full(stage.indices.size, empty, np.int64) if part is None else part
            for part, stage in zip(parts, stages, strict=True)
        ]
    )


def _places(rows: Indices | None, place: Indices, name: str) -> Indices:
    numbers = np.empty(0, dtype=np.int64) if rows is None else np.unique(rows)
    if numbers.size and (numbers[0] < 0 or numbers[-1] >= place.size):
        raise UsageError(
            f"{name} rows must be from 0 to {place.size - 1}, not {numbers[0]} to {numbers[-1]}"
        )
    return np.sort(place[numbers])


def _in_order(X: Vectors, order: Indices, *, in_place: bool) -> Vectors:
    if not in_place:
        return X[order]
    # A few columns at a time, so that only those are copied.
    for begin in range(0, X.shape[1], _COLUMNS):
        X[:, begin : begin + _COLUMNS] = X[order, begin : begin + _COLUMNS]
    return X


def _outliers(
    X: Vectors, picked: Indices, rng: np.random.Generator
) -> tuple[NDArray[np.bool_], int, str, float]:
    if X.shape[0] <= OUTLIER_LIMIT:
        graph = knn_graph(X, _OUTLIER_NEIGHBORS, rng=rng)
        outlier = distance_outliers(graph)
        return outlier[picked], int(outlier.sum()), graph.method, graph.recall_estimate
    outlier, share = sampled_outliers(X, picked, size=_OUTLIER_SAMPLE, rng=rng)
    return outlier, round(share * X.shape[0]), "sample", 1.0


def _roles(X: Vectors, picked: Indices, chosen: Indices) -> tuple[Indices, NDArray[np.float64]]:
    """Count the rows that each pick is nearest to, and its distance to the nearest other pick."""
    everything = np.concatenate([picked, chosen])
    if picked.size == 0:
        return np.empty(0, np.int64), np.empty(0, np.float64)
    nearest, _ = exact_search(X, X[everything], 1)
    represents = np.bincount(nearest[:, 0], minlength=everything.size)[: picked.size]
    if everything.size == 1:
        return represents, np.array([2.0])
    near, similarity = exact_search(X[picked], X[everything], 2)
    other = np.where(near[:, 0] == np.arange(picked.size), 1, 0)
    distance = 1.0 - similarity[np.arange(picked.size), other].astype(np.float64)
    return represents, np.maximum(distance, 0.0)
