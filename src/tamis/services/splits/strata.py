"""What each split should have its share of: labels, and clusters of vectors."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from tamis.algo.canonical_order import canonical_order
from tamis.algo.k_means import spherical_k_means
from tamis.data.label_sets import LabelSets, label_sets

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tamis.data.embedded import EmbeddedSamples
    from tamis.data.store import Store
    from tamis.types import Indices

__all__ = ["Strata", "read_strata"]

_MOST_CLUSTERS = 50


@dataclass(frozen=True)
class Strata:
    """Labels and clusters of the pictures."""

    labels: LabelSets
    clusters: Indices

    def taken(self, inside: NDArray[np.bool_]) -> Strata:
        """Return those of the pictures that `inside` `[N]` says."""
        labels = replace(self.labels, of=self.labels.of[np.flatnonzero(inside)])
        return Strata(labels, self.clusters[inside])


def read_strata(
    store: Store,
    samples: EmbeddedSamples,
    label: str,
    delimiter: str | None,
    rng: np.random.Generator,
) -> Strata:
    """Read the labels, and cluster the vectors: sqrt(N / 2) clusters, 50 at most.

    Raises:
        UsageError: `label` is no column of labels.
    """
    n = len(samples.ids)
    order = canonical_order(samples.vectors)
    k = int(np.clip(np.sqrt(n / 2), 1, _MOST_CLUSTERS))
    clusters = np.empty(n, dtype=np.int64)
    clusters[order] = spherical_k_means(samples.vectors[order], k, rng=rng).labels
    return Strata(label_sets(store, label, samples.ids, delimiter), clusters)
