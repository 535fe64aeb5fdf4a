"""Whether pairs of pictures are the same shot, by their pixels."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tamis.pipelines.pair_verification import PairVerifier

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tamis.data.store import Store
    from tamis.types import Indices

__all__ = ["JOINED_FROM", "LEAK_FROM", "compare_pixels"]

JOINED_FROM = 0.7
"""Score from which two pictures are kept together, as in the groups that `duplicates` marks for
splits on photographs: joining two that only look alike costs little."""

LEAK_FROM = 0.8
"""Score from which two pictures that no mark joins are called a leak: plain shirts of one cut,
laid down alike, reach .76."""


def compare_pixels(
    store: Store, ids: list[str], left: Indices, right: Indices
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Score pairs of pictures from 0 (different) to 1 (the same shot).

    About 1 ms to decode a picture, and .5 to 3 ms a pair.

    Args:
        store: the dataset.
        ids: the samples.
        left: `[P]` numbers of `ids`.
        right: `[P]` numbers of `ids`.

    Returns:
        `[P]` scores, NaN where one has no thumbnail, and `[P]` whether one is mirrored.
    """
    scores = np.full(left.size, np.nan)
    flipped = np.zeros(left.size, np.bool_)
    involved = np.unique(np.concatenate([left, right]))
    names = [ids[row] for row in involved.tolist()]
    rows = store.read(["sample_id", "thumbnail"], ids=names)
    shown = np.asarray(rows.column("thumbnail").is_valid())
    known = np.full(len(ids), -1, np.int64)
    known[involved[shown]] = np.arange(np.count_nonzero(shown))
    both = np.flatnonzero((known[left] >= 0) & (known[right] >= 0))
    if both.size == 0:
        return scores, flipped
    kept = [name for name, has in zip(names, shown.tolist(), strict=True) if has]
    compared = PairVerifier(store, kept).compare(known[left[both]], known[right[both]])
    scores[both], flipped[both] = compared.view, compared.flipped
    return scores, flipped
