"""Evidence that pictures belong together: copies, changed versions and the user's groups."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from tamis.algo.components import join_groups
from tamis.algo.near_threshold import FEW_ROWS_THRESHOLD, near_threshold
from tamis.dataset.group_columns import codes_of, duplicate_columns
from tamis.dataset.samples import Samples
from tamis.services.split.blocks import TIME_BLOCK
from tamis.services.split.pixels import PixelVerdicts
from tamis.services.split.video_groups import SHOT, default_groups, shots_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tamis.dataset.embedded import EmbeddedSamples
    from tamis.dataset.store import Store
    from tamis.services.split.blocks import TimeBlocks
    from tamis.services.split.contract import Split
    from tamis.types import Indices, Vectors

__all__ = ["Evidence", "Known"]


@dataclass(frozen=True)
class Known:
    """What joins pictures.

    Attributes:
        copies: by column, the group of each sample that tells copies; -1 is none.
        changed: groups of copies and changed versions that `duplicates` marked; None if it did
            not.
        hashes: groups of equal perceptual hashes, which only propose copies; None where
            duplicates are marked.
        users: the same for the columns that the user named, and blocks of time.
        threshold: cosine similarity from which vectors are near; None if there is no telling.
        given: the user gave the threshold, so that it says by itself what a leak is.
        marked: duplicates were looked for, among all pictures.
        blocks: blocks of time, if they were asked for.
        notes: what the user should know.
    """

    copies: dict[str, Indices]
    changed: Indices | None
    hashes: Indices | None
    users: dict[str, Indices]
    threshold: float | None
    given: bool
    marked: bool
    blocks: TimeBlocks | None = None
    notes: list[str] = field(default_factory=list)

    @property
    def marks(self) -> Indices:
        """The groups by columns alone: copies and the user's."""
        return join_groups([*self.copies.values(), *self.users.values()])

    def taken(self, inside: NDArray[np.bool_]) -> Known:
        """Return what joins those that `inside` `[N]` says."""
        return replace(
            self,
            copies={name: of[inside] for name, of in self.copies.items()},
            changed=None if self.changed is None else self.changed[inside],
            hashes=None if self.hashes is None else self.hashes[inside],
            users={name: of[inside] for name, of in self.users.items()},
            blocks=None if self.blocks is None else self.blocks.taken(inside),
        )


@dataclass(frozen=True)
class Evidence:
    """Pictures, and what tells which of them belong together.

    Attributes:
        store: the dataset.
        samples: the pictures and their vectors.
        known: what joins them by columns.
        pixels: compares pairs.
    """

    store: Store
    samples: EmbeddedSamples
    known: Known
    pixels: PixelVerdicts

    @classmethod
    def read(
        cls,
        store: Store,
        samples: EmbeddedSamples,
        request: Split,
        blocks: TimeBlocks | None,
        targets: Indices | None = None,
    ) -> Evidence:
        """Read it for some pictures.

        Args:
            store: the dataset.
            samples: the pictures and their vectors.
            request: what was asked, the columns to group by among it.
            blocks: blocks of time, if they were asked for.
            targets: `[S]` how many pictures each split should get; given, frames of videos are
                kept together unless the user says what is.

        Raises:
            UsageError: a column is unknown or cannot group.
        """
        known = _known_groups(store, samples, request, blocks, targets)
        return cls(
            store, samples, known, PixelVerdicts.read(store, samples.ids, marked=known.marked)
        )

    def __len__(self) -> int:
        """Return the number of pictures."""
        return len(self.samples.ids)

    def similarity(self, left: Indices, right: Indices) -> Vectors:
        """Return the cosine similarity of pairs, `[P]`, at most 1."""
        vectors = self.samples.vectors
        found: Vectors = np.einsum("md,md->m", vectors[left], vectors[right])
        return np.minimum(found, 1)

    def taken(self, inside: NDArray[np.bool_]) -> Evidence:
        """Return it for those of the pictures that `inside` `[N]` says."""
        return replace(
            self,
            samples=self.samples.taken(inside),
            known=self.known.taken(inside),
            pixels=self.pixels.taken(inside),
        )


def _known_groups(
    store: Store,
    samples: EmbeddedSamples,
    request: Split,
    blocks: TimeBlocks | None,
    targets: Indices | None,
) -> Known:
    """Read what joins pictures, and find the threshold if none is given.

    The threshold found does not depend on a seed, so that an audit finds the same.

    Raises:
        UsageError: a column is unknown or cannot group.
    """
    found = duplicate_columns(store, samples.ids)
    notes = [] if blocks is None else list(blocks.notes)
    threshold = request.threshold
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
            "duplicates are not marked, so only the most similar pairs were compared by their "
            "pixels: tamis duplicates --apply  finds more"
        )
    by_column = {
        name: shots_of(store, samples.ids, request.shots)
        if name == SHOT and not Samples(store).has(SHOT)
        else codes_of(store, name, samples.ids)
        for name in request.group
    }
    if blocks is not None:
        by_column[TIME_BLOCK] = blocks.of
    if targets is not None and not by_column:
        copies = join_groups([*found.copies.values()])
        by_column, said = default_groups(store, samples.ids, copies, targets)
        notes += said
    return Known(
        copies=found.copies,
        changed=found.changed,
        hashes=found.hashes,
        users=by_column,
        threshold=threshold,
        given=given,
        marked=found.marked and not found.stale,
        blocks=blocks,
        notes=notes,
    )
