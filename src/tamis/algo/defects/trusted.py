"""Which patches and pictures to learn from where flawed ones may be among them unmarked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from tamis.algo.defects.patch_model import MemoryBank

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from tamis.types import Vectors

__all__ = ["cross_distances", "lowest_share", "suspects"]

_COMPARED: Final = 4000
_FENCE: Final = 10.0


def cross_distances(
    folds: Sequence[Vectors], rng: np.random.Generator, *, compared: int = _COMPARED
) -> list[NDArray[np.float32]]:
    """Return how far each patch is from the nearest of a random sample of other folds' patches.

    What few pictures show, such as an unmarked flaw, is far from all others. With one fold nothing
    is known, and all are 0. O(N C D).

    Args:
        folds: `[N_f, D]` float32 unit vectors.
        rng: draws the sample.
        compared: how many patches to draw in all.
    """
    if len(folds) == 1:
        return [np.zeros(len(folds[0]), np.float32)]
    each = max(compared // (len(folds) - 1), 1)
    drawn = [
        fold[np.sort(rng.choice(len(fold), min(each, len(fold)), replace=False))] for fold in folds
    ]
    return [
        MemoryBank(
            np.concatenate([one for other, one in enumerate(drawn) if other != number])
        ).distances(fold)
        for number, fold in enumerate(folds)
    ]


def lowest_share(values: NDArray[np.float32], share: float) -> NDArray[np.bool_]:
    """Return which of `[N]` values are not among the highest `1 - share` of them; ties stay."""
    if share >= 1 or not len(values):
        return np.ones(len(values), np.bool_)
    kept: NDArray[np.bool_] = values <= np.quantile(values, share)
    return kept


def suspects(scores: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Return which of `[N]` scores, in deviations, lie far above the others: by more than 10.

    Highest scores have a long upper tail, so the fence is wide; it is wider where they spread more.
    """
    center = np.median(scores)
    spread = 1.4826 * np.median(np.abs(scores - center))
    far: NDArray[np.bool_] = scores - center > _FENCE * max(float(spread), 1.0)
    return far
