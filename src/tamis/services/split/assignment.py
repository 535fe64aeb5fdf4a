"""Whole groups assigned to splits by labels, clusters or time, until no copy is torn."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import numpy as np

from tamis.algo.canonical_order import canonical_order
from tamis.algo.k_means import spherical_k_means
from tamis.algo.splits import assign_splits, split_targets
from tamis.algo.splits.by_time import split_by_time
from tamis.algo.splits.shared_views import divisible
from tamis.dataset.label_sets import LabelSets, label_sets
from tamis.services.split.leaks import look_across, torn_pairs
from tamis.wording import counted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from tamis.algo.splits.by_time import TimeSplit
    from tamis.algo.splits.closest_across import CrossPairs
    from tamis.dataset.embedded import EmbeddedSamples
    from tamis.dataset.store import Store
    from tamis.services.split.evidence import Evidence
    from tamis.services.split.joining import Joined
    from tamis.types import Indices

__all__ = ["Placed", "Strata", "place", "read_strata"]

# The second round joins what the pairs compared before had missed; further ones what that moved.
_MOST_ROUNDS: Final = 5

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


@dataclass(frozen=True)
class Placed:
    """Where pictures were placed.

    Attributes:
        split: `[N]` the split of each picture.
        joined: what was kept together, with pairs that were found torn on the way.
        cross: the most similar pairs across splits.
        notes: what the user should know.
    """

    split: Indices
    joined: Joined
    cross: CrossPairs
    notes: list[str]


def place(  # noqa: PLR0917 - what places depend on
    evidence: Evidence,
    joined: Joined,
    strata: Strata,
    times: Indices | None,
    fractions: Sequence[float],
    rng: np.random.Generator,
) -> Placed:
    """Place groups by their labels and clusters, or by time.

    Then the most similar pairs across splits are compared, as an audit does; copies among them
    are joined and all is placed anew, up to five times.

    Args:
        evidence: the pictures.
        joined: the groups that stay whole.
        strata: what is spread evenly; not by time.
        times: `[N]` order in time; None to spread.
        fractions: share of each split.
        rng: breaks ties.

    Raises:
        UsageError: there are fewer groups, or times at which they end, than splits.
    """
    targets = split_targets(len(evidence), fractions)
    for number in range(1, _MOST_ROUNDS + 1):
        notes: list[str] = []
        if times is None:
            categories = [strata.labels.of, strata.clusters]
            split = assign_splits(joined.groups, categories, fractions, rng=rng)
        else:
            by_time = split_by_time(joined.groups, times, fractions)
            split, notes = by_time.split, _told(by_time)
        cross = look_across(evidence, split, rng)
        left, right = torn_pairs(evidence, joined, cross, split)
        wider = joined.with_pairs(left, right)
        enough = int(wider.groups.max()) + 1 >= len(fractions) and divisible(wider.groups, targets)
        if left.size == 0 or number == _MOST_ROUNDS or not enough:
            break
        joined = wider
    return Placed(split, joined, cross, notes)


def _told(by_time: TimeSplit) -> list[str]:
    if not by_time.straddling:
        return []
    told = (
        f"{counted(by_time.straddling, 'group')} across a cut, wholly put on its later side, "
        f"with {counted(by_time.early, 'picture')} from before it"
    )
    return [told]
