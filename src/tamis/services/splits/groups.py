"""What must stay together: duplicates, near vectors and the user's groups."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from tamis.algo.components import connected_components, join_groups
from tamis.algo.cross_split import closest_across
from tamis.algo.near_components import near_components
from tamis.algo.near_threshold import FEW_ROWS_THRESHOLD, near_threshold
from tamis.data.group_columns import codes_of, duplicate_columns
from tamis.errors import UsageError
from tamis.services.splits.pixels import JOINED_FROM, compare_pixels

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tamis.data.embedded import EmbeddedSamples
    from tamis.data.store import Store
    from tamis.types import Indices

__all__ = ["Known", "candidates", "join_known", "known_groups"]

_CANDIDATES_A_PICTURE, _MOST_CANDIDATES = 3, 10_000


@dataclass(frozen=True)
class Known:
    """What joins pictures.

    Attributes:
        duplicates: by column, the group of each sample that tells duplicates; -1 is none.
        users: the same for the columns that the user named.
        threshold: cosine similarity from which vectors are joined; None if none are.
        given: the user gave the threshold, so that it says by itself what a leak is.
        marked: duplicates were looked for, among all pictures.
        notes: what the user should know.
    """

    duplicates: dict[str, Indices]
    users: dict[str, Indices]
    threshold: float | None
    given: bool
    marked: bool
    notes: list[str] = field(default_factory=list)

    @property
    def names(self) -> list[str]:
        """What joins pictures, in words."""
        near = [] if self.threshold is None else [f"cosine similarity >= {self.threshold:.3g}"]
        return [*self.duplicates, *self.users, *near]

    @property
    def marks(self) -> Indices:
        """The groups by columns alone: duplicates and the user's."""
        return join_groups([*self.duplicates.values(), *self.users.values()])


def known_groups(
    store: Store,
    samples: EmbeddedSamples,
    group: str | Sequence[str] | None,
    threshold: float | None,
) -> Known:
    """Read what joins pictures, and find the threshold if none is given.

    The threshold found does not depend on a seed, so that an audit finds the same.

    Raises:
        UsageError: a column is unknown or cannot group, or the threshold is no cosine.
    """
    if threshold is not None and not -1.0 <= threshold <= 1.0:
        raise UsageError(f"the threshold must be a cosine similarity in [-1, 1], not {threshold}")
    found = duplicate_columns(store, samples.ids)
    users = [] if group is None else [group] if isinstance(group, str) else list(group)
    notes: list[str] = []
    given = threshold is not None
    if threshold is None:
        threshold = near_threshold(samples.vectors, rng=np.random.default_rng(0))
    if threshold is None and not found.marked:
        threshold = FEW_ROWS_THRESHOLD
    if found.stale:
        notes.append(
            "pictures were added since duplicates were marked: run  tamis duplicates --apply"
        )
    if not found.marked:
        notes.append(
            "duplicates are not marked, so pictures were grouped by identical file, equal "
            f"perceptual hash and a cosine similarity of at least {threshold:.3g}, and the most "
            "similar pairs by their pixels: tamis duplicates --apply  finds more"
        )
    return Known(
        duplicates=dict(zip(found.names, found.codes, strict=True)),
        users={name: codes_of(store, name, samples.ids) for name in users},
        threshold=threshold,
        given=given,
        marked=found.marked and not found.stale,
        notes=notes,
    )


def candidates(n: int) -> int:
    """How many of the most similar pairs are compared by their pixels."""
    return min(_MOST_CANDIDATES, _CANDIDATES_A_PICTURE * n)


def join_known(
    store: Store, samples: EmbeddedSamples, known: Known, rng: np.random.Generator
) -> Indices:
    """Return the groups that must stay whole: all that is known, united.

    The most similar pairs that nothing joins are compared by their pixels: `duplicates` looks at
    each picture's nearest, which many copies of one picture crowd out.
    """
    n = len(samples.ids)
    columns = [known.marks]
    if known.threshold is not None:
        columns.append(near_components(samples.vectors, known.threshold, rng=rng).labels)
    if n > 1:
        alone = np.arange(n)
        near = closest_across(samples.vectors, alone, most=candidates(n), rng=rng)
        groups = join_groups(columns)
        fresh = groups[near.left] != groups[near.right]
        left, right = near.left[fresh], near.right[fresh]
        scores, _ = compare_pixels(store, samples.ids, left, right)
        same = scores >= JOINED_FROM
        columns.append(connected_components(n, left[same], right[same]))
    return join_groups(columns)
