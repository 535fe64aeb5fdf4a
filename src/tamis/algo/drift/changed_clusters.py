"""What changed: clusters of both sides together that grew, shrank, are new or gone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

import numpy as np

from tamis.algo.k_means import spherical_k_means
from tamis.algo.two_sample import deals, unit_counts
from tamis.algo.unit_vectors import normalise_rows
from tamis.errors import UsageError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tamis.algo.two_sample import Deals, Pooled
    from tamis.types import Indices

__all__ = ["ClusterChange", "ClusterChanges", "changed_clusters"]

_MOST_CLUSTERS: Final = 50
_ABSENT: Final = 0.1
"""A cluster is new where the reference has under this share of what it would have unchanged."""


@dataclass(frozen=True)
class ClusterChange:
    """How one cluster differs between the sides.

    Attributes:
        cluster: its number.
        change: `grew`, `shrank`, `new` (the reference has hardly any row in it), `gone` (the batch
            has), or `same` where chance explains the difference.
        reference: rows of the reference in it.
        batch: rows of the batch in it.
        reference_share: share of the reference's rows.
        batch_share: share of the batch's rows.
        p: adjusted for all clusters (Westfall and Young 1993, step-down).
        medoid: the pooled row nearest to its center, a row of the batch where it has one.
    """

    cluster: int
    change: Literal["grew", "shrank", "new", "gone", "same"]
    reference: int
    batch: int
    reference_share: float
    batch_share: float
    p: float
    medoid: int


@dataclass(frozen=True)
class ClusterChanges:
    """Clusters of both sides together.

    Attributes:
        clusters: those that changed most first.
        cluster: `[N]` cluster of each pooled row.
    """

    clusters: tuple[ClusterChange, ...]
    cluster: Indices


def changed_clusters(
    pooled: Pooled,
    k: int | None = None,
    *,
    level: float = 0.05,
    permutations: int = 999,
    rng: np.random.Generator,
) -> ClusterChanges:
    """Say which clusters hold more or less of the batch than of the reference.

    Clusters are of both sides together, so that a new kind of picture has one of its own and
    nothing is fitted on one side alone. Where nothing has changed, any cluster at all is reported
    with a chance of `level` at most. O(N k D) to cluster, O(B G k) to test.

    Args:
        pooled: both sides.
        k: how many clusters; the root of half of the rows, 50 at most, if None.
        level: what adjusted p-values are held against.
        permutations: B.
        rng: draws first centers and permutations.

    Raises:
        UsageError: `k` is under 2, or `permutations` under 1.

    Example:
        >>> from tamis.algo.two_sample import pool
        >>> rng = np.random.default_rng(0)
        >>> centers = np.repeat(np.eye(3), [60, 60, 60], axis=0)
        >>> X = centers + 0.1 * rng.normal(size=centers.shape)
        >>> found = changed_clusters(pool(X[:120], X[60:], rng=rng), 3, rng=rng)
        >>> sorted(one.change for one in found.clusters)
        ['gone', 'new', 'same']
    """
    if k is None:
        k = int(np.clip(np.sqrt(len(pooled.X) / 2), 2, _MOST_CLUSTERS))
    if k < 2:  # noqa: PLR2004 - one cluster always holds all
        raise UsageError(f"clusters to compare must be at least 2, not {k}")
    rows = normalise_rows(pooled.X.copy())
    found = spherical_k_means(rows, k, rng=rng)
    cluster = found.labels
    counts = unit_counts(pooled, cluster)
    dealt = deals(pooled.unit_is_batch, permutations, rng)
    differences = _differences(counts, pooled.sizes, dealt)
    p = _step_down(differences)
    held = [
        np.bincount(cluster[pooled.batch == side], minlength=len(found.centroids))
        for side in (False, True)
    ]
    shares = [side / side.sum() for side in held]
    likeness = np.einsum("nd,nd->n", rows, found.centroids[cluster])
    changes = [
        ClusterChange(
            name,
            _change(shares[0][name], shares[1][name], p[name] <= level),
            int(held[0][name]),
            int(held[1][name]),
            float(shares[0][name]),
            float(shares[1][name]),
            float(p[name]),
            _medoid(cluster == name, pooled.batch, likeness),
        )
        for name in range(counts.shape[1])
        if held[0][name] + held[1][name]
    ]
    changes.sort(key=lambda one: (one.p, -abs(one.batch_share - one.reference_share), one.cluster))
    return ClusterChanges(tuple(changes), cluster)


def _differences(
    counts: NDArray[np.float64], sizes: NDArray[np.float64], dealt: Deals
) -> NDArray[np.float64]:
    """`[B + 1, k]` differences of shares, in their standard deviations over the deals."""
    batch = dealt.astype(np.float64)
    rows, inside = (batch @ sizes)[:, None], batch @ counts
    differences = inside / rows - (counts.sum(axis=0) - inside) / (sizes.sum() - rows)
    spread = differences.std(axis=0)
    scaled: NDArray[np.float64] = np.abs(differences) / np.where(spread > 0, spread, np.inf)
    return scaled


def _step_down(differences: NDArray[np.float64]) -> NDArray[np.float64]:
    """`[k]` p-values that hold for all clusters together."""
    order = np.argsort(-differences[0], kind="stable")
    # For each cluster the largest difference of it and all that differ less.
    rest = np.maximum.accumulate(differences[:, order[::-1]], axis=1)[:, ::-1]
    shares = (rest >= differences[0, order] - 1e-9).mean(axis=0)
    p = np.empty(order.size)
    p[order] = np.maximum.accumulate(shares)
    return p


def _change(
    reference: float, batch: float, significant: bool
) -> Literal["grew", "shrank", "new", "gone", "same"]:
    if not significant:
        return "same"
    if batch > reference:
        return "new" if reference < _ABSENT * batch else "grew"
    return "gone" if batch < _ABSENT * reference else "shrank"


def _medoid(
    inside: NDArray[np.bool_], batch: NDArray[np.bool_], likeness: NDArray[np.float32]
) -> int:
    mine = inside & batch if (inside & batch).any() else inside
    return int(np.flatnonzero(mine)[likeness[mine].argmax()])
