"""Whole groups placed in splits, until no copy that an audit would look at is torn."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from tamis.algo.shared_views import divisible
from tamis.algo.splits import assign_splits, split_targets
from tamis.algo.time_split import split_by_time
from tamis.services.splits.leaks import look_across, torn_pairs

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np

    from tamis.algo.cross_split import CrossPairs
    from tamis.algo.time_split import TimeSplit
    from tamis.services.splits.evidence import Evidence
    from tamis.services.splits.joining import Joined
    from tamis.services.splits.strata import Strata
    from tamis.types import Indices

__all__ = ["Placed", "place"]

# The second round joins what the pairs compared before had missed; further ones what that moved.
_MOST_ROUNDS: Final = 5


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
        f"{by_time.straddling:,} groups reach over a cut and lie wholly on its later side, "
        f"with {by_time.early:,} pictures that are from before it"
    )
    return [told]
