"""All that tells which pictures belong together, in one place."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from tamis.services.splits.groups import known_groups
from tamis.services.splits.pixels import PixelVerdicts

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from tamis.dataset.embedded import EmbeddedSamples
    from tamis.dataset.store import Store
    from tamis.services.splits.blocks import TimeBlocks
    from tamis.services.splits.groups import Known
    from tamis.types import Indices, Vectors

__all__ = ["Evidence"]


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
        group: str | Sequence[str] | None,
        threshold: float | None,
        blocks: TimeBlocks | None,
    ) -> Evidence:
        """Read it for some pictures.

        Raises:
            UsageError: a column is unknown or cannot group, or the threshold is no cosine.
        """
        known = known_groups(store, samples, group, threshold, blocks)
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
