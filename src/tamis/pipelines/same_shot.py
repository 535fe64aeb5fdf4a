"""Whether pairs of pictures are the same shot: verified on their pixels, in threads."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import numpy as np

from tamis.algo.verification import (
    COARSE_SIDE,
    GREY_SIDE,
    PlausiblePairs,
    plausible_pairs,
    verify,
)
from tamis.types import no_progress

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tamis.data.grey_pictures import GreyPictures
    from tamis.types import Indices, Progress, Vectors

__all__ = ["score_copies", "score_pairs"]

_AT_ONCE = 1024
_THREADS = 2
# A picture that is nearly symmetric agrees with itself mirrored.
_PREFER_UPRIGHT = 0.02


def score_pairs(
    pictures: GreyPictures, left: Indices, right: Indices, *, progress: Progress = no_progress
) -> tuple[Vectors, NDArray[np.bool_]]:
    """Score pairs of pictures from 0 (different) to 1 (the same shot).

    About .5 to 3 ms a pair of one core.

    Args:
        pictures: at the sides of `tamis.algo.verification`, 32 and 128 pixels.
        left: `[P]` numbers of pictures.
        right: `[P]` numbers of pictures.
        progress: told how many pairs are compared.

    Returns:
        `[P]` float32 scores, 0 where ruled out, and `[P]` whether one is mirrored.
    """
    straight, mirrored = np.zeros((2, len(left)), np.float32)
    for start in range(0, len(left), _AT_ONCE):
        part = slice(start, start + _AT_ONCE)
        plausible = _plausible(pictures.small, left[part], right[part])
        pair = plausible.pair + start
        scores = _scores(pictures.large(left[pair]), pictures.large(right[pair]), plausible)
        straight[pair[~plausible.flipped]] = scores[~plausible.flipped]
        mirrored[pair[plausible.flipped]] = scores[plausible.flipped]
        progress(min(start + _AT_ONCE, len(left)), len(left))
    return np.maximum(straight, mirrored), mirrored > straight + _PREFER_UPRIGHT


def score_copies(originals: NDArray[np.uint8], copies: NDArray[np.uint8]) -> Vectors:
    """Score pictures that were made from others, each with its original.

    Args:
        originals: `[P, 128, 128]` uint8 grey pictures.
        copies: `[P, 128, 128]` uint8.

    Returns:
        `[P]` float32 scores in [0, 1].
    """
    m = len(originals)
    pictures = np.concatenate([originals, copies])
    step = GREY_SIDE // COARSE_SIDE
    blocks = pictures.reshape(2 * m, COARSE_SIDE, step, COARSE_SIDE, step)
    small = np.rint(blocks.mean(axis=(2, 4), dtype=np.float32)).astype(np.uint8)
    plausible = _plausible(small, np.arange(m), np.arange(m, 2 * m))
    scores = np.zeros(m, np.float32)
    found = _scores(originals[plausible.pair], copies[plausible.pair], plausible)
    np.maximum.at(scores, plausible.pair, found)
    return scores


def _plausible(small: NDArray[np.uint8], left: Indices, right: Indices) -> PlausiblePairs:
    """Run `plausible_pairs` in threads; its products are small and each runs in one."""
    parts = _shares(len(left))
    with ThreadPoolExecutor(_THREADS) as pool:
        found = list(pool.map(lambda at: plausible_pairs(small, left[at], right[at]), parts))
    return PlausiblePairs(
        np.concatenate([one.pair + at.start for one, at in zip(found, parts, strict=True)]),
        np.concatenate([one.flipped for one in found]),
        np.concatenate([one.transforms for one in found]),
    )


def _scores(
    left: NDArray[np.uint8], right: NDArray[np.uint8], plausible: PlausiblePairs
) -> Vectors:
    """Run `verify` in threads."""
    parts = _shares(len(left))
    with ThreadPoolExecutor(_THREADS) as pool:
        found = pool.map(
            lambda at: verify(left[at], right[at], plausible.flipped[at], plausible.transforms[at]),
            parts,
        )
        return np.concatenate(list(found))


def _shares(n: int) -> list[slice]:
    """Cut `n` pairs so that each thread has a part; one empty part if there are none."""
    size = max(-(-n // _THREADS), 1)
    return [slice(start, min(start + size, n)) for start in range(0, max(n, 1), size)]
