"""A model of nominal patches that learns more of them, without the earlier ones at hand."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tamis.algo.defects.patch_model import MemoryBank, Moments, residual_of, variance_left
from tamis.errors import UsageError

if TYPE_CHECKING:
    from tamis.algo.defects.patch_model import PatchModel
    from tamis.types import Vectors

__all__ = ["with_more"]


def with_more(model: PatchModel, patches: Vectors, size: int) -> PatchModel:
    """Return a model that has learned more nominal patches.

    A bank gets those that are farthest from what it holds, one after the other, so that no place is
    farther from it than before. A residual is that of all patches, earlier ones included, which it
    knows by their moments; it gets as many directions as leave no more variance than before, so
    that distances keep their scale. O(N D) for each patch that a bank gets, O(N D² + D³) for a
    residual.

    Args:
        model: what learns.
        patches: `[N, D]` float32 unit vectors.
        size: patches that a bank holds at most; one that holds more already stays as it is.

    Raises:
        UsageError: a residual does not know its moments.
    """
    if isinstance(model, MemoryBank):
        return _larger(model, patches, size)
    if model.moments is None:
        raise UsageError("this residual does not know what it was made of: fit it again")
    left = variance_left(model, model.moments)
    return residual_of(model.moments + Moments.of(patches), left)


def _larger(bank: MemoryBank, patches: Vectors, size: int) -> MemoryBank:
    wanted = min(size - len(bank.patches), len(patches))
    if wanted <= 0:
        return bank
    distances = bank.distances(patches)
    picks: list[int] = []
    while len(picks) < wanted:
        place = int(np.argmax(distances))
        picks.append(place)
        np.minimum(distances, 1.0 - patches @ patches[place], out=distances)
        distances[place] = -np.inf
    return MemoryBank(np.concatenate([bank.patches, patches[np.sort(picks)]]))
