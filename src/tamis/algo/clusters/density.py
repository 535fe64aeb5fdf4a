"""Clusters as dense regions, by packages that are extras: HDBSCAN and EVoC."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

import numpy as np

from tamis.algo.canonical_order import canonical_order
from tamis.algo.clusters.clustering import Clustering, describe_clusters
from tamis.algo.clusters.rand_index import adjusted_rand
from tamis.algo.clusters.stability import Stability, kept_together
from tamis.algo.k_means import nearest_centroid
from tamis.algo.unit_vectors import unit_vectors
from tamis.errors import MissingExtraError, UsageError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tamis.types import Indices, Vectors

__all__ = ["DensityMethod", "cluster_by_density"]

DensityMethod: TypeAlias = Literal["hdbscan", "evoc"]

_LEAST_SIZE: Final = 15
_ROWS_A_SIZE: Final = 1000
_AXES: Final = 20
"""Over 30, HDBSCAN would take its neighbours from a package that draws by chance."""

_ROWS_FOR_AXES: Final = 5000
_PAIRS: Final = 2
_NAMES: Final = {"hdbscan": "fast_hdbscan", "evoc": "evoc"}


def cluster_by_density(
    X: NDArray[Any], method: DensityMethod, *, rng: np.random.Generator
) -> Clustering:
    """Group rows into dense regions; those between are in no cluster.

    HDBSCAN (Campello, Moulavi and Sander 2013) sees the rows along their 20 main axes, EVoC as
    they are. No cluster is under 15 rows, or a thousandth. Both are run again on random halves,
    to say how far their clusters come again: EVoC's change with the seed. Rows are given in an
    order of content, so the answer does not depend on theirs.

    Raises:
        MissingExtraError: the package is not installed.
        UsageError: there are too few rows, no region is dense, or `X` is not made of unit vectors.
    """
    try:
        package: Any = import_module(_NAMES[method])
    except ModuleNotFoundError as error:
        raise MissingExtraError(f"clustering by {method}", "clusters") from error
    vectors = unit_vectors(X)
    if len(vectors) < 2 * _LEAST_SIZE:
        raise UsageError(
            f"{len(vectors)} rows are too few for dense regions; give {2 * _LEAST_SIZE} or more, "
            "or cluster by k-means"
        )
    order = canonical_order(vectors)
    ordered = vectors[order]
    seed = int(rng.integers(2**31))
    rows = _along_main_axes(ordered, rng) if method == "hdbscan" else ordered
    size = max(_LEAST_SIZE, len(rows) // _ROWS_A_SIZE)
    found = _fit(package, method, rows, size, seed)
    if found.max() < 0:
        raise UsageError(
            f"{method} finds no dense region among {len(vectors)} rows; cluster by k-means"
        )
    labels = np.empty(len(vectors), np.int64)
    labels[order] = found
    plain = describe_clusters(vectors, labels)
    indices, together = [], []
    for _ in range(_PAIRS):
        mixed = rng.permutation(len(rows))
        halves = np.sort(mixed[: mixed.size // 2]), np.sort(mixed[mixed.size // 2 :])
        both = []
        for half in halves:
            part = _fit(package, method, rows[half], max(size // 2, 5), int(rng.integers(2**31)))
            if part.max() >= 0:
                centroids = describe_clusters(ordered[half], part).centroids
                both.append(nearest_centroid(ordered, centroids)[0])
            else:
                both.append(np.zeros(len(rows), np.int64))
        indices.append(adjusted_rand(*both))
        together += [kept_together(plain.labels[order], each) for each in both]
    spread = float(np.std(indices, ddof=1))
    stability = Stability(float(np.mean(indices)), spread, np.mean(together, axis=0))
    outside = int((plain.labels < 0).sum())
    reason = (
        f"{len(plain.sizes)} clusters: dense regions of {size} rows or more, by {method}; "
        f"{outside} rows are in no cluster"
    )
    return describe_clusters(vectors, labels, stability=stability, reason=reason)


def _fit(package: Any, method: str, rows: NDArray[Any], size: int, seed: int) -> Indices:
    if method == "hdbscan":
        model = package.HDBSCAN(min_cluster_size=size, reproducible=True)
    else:
        model = package.EVoC(base_min_cluster_size=size, random_state=seed)
    return np.asarray(model.fit_predict(rows), dtype=np.int64)


def _along_main_axes(X: Vectors, rng: np.random.Generator) -> Vectors:
    few = X
    if len(X) > _ROWS_FOR_AXES:
        few = X[np.sort(rng.choice(len(X), _ROWS_FOR_AXES, replace=False))]
    mean = few.mean(axis=0, dtype=np.float64)
    centred = few - mean
    axes = np.linalg.eigh(centred.T @ centred)[1][:, ::-1][:, :_AXES]
    along: Vectors = ((X - mean) @ axes).astype(np.float32)
    return along
