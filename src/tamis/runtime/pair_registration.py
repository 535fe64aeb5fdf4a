"""How the pictures of candidate pairs lie in each other, if they show one view."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from tamis.algo.detail_signs import detail_signs, sign_agreement
from tamis.algo.verification import plausible_pairs, verify, verify_in_place

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tamis.algo.affine_registration import AffineMaps
    from tamis.dataset.grey_pictures import GreyPictures
    from tamis.types import Indices, Vectors

__all__ = ["Readings", "registered"]

_THREADS = 2
# A picture that is nearly symmetric agrees with itself mirrored: what is upright goes first.
_PREFER_UPRIGHT = 0.02
# Readings whose views differ by less are both compared in full.
_EQUAL_VIEWS = 0.02
# Under this view no pair is called changed, and no copy that was made has come out.
_COMPARED_FROM = 0.7
# A pair that agrees so well where small pictures say that it lies does lie there.
_SETTLED_VIEW = 0.9
# Agreement of fine detail in place; unrelated photographs reach .3, and text on the same lines .7.
_IN_PLACE = 0.35


class Readings(NamedTuple):
    """Pairs that share a view, each in the orientations that could be, upright ones first.

    Attributes:
        pair: `[R]` which pair this is a reading of.
        flipped: `[R]` bool, whether the right picture is mirrored left-right.
        view: `[R]` float32 in [0, 1], how far the two agree so.
        maps: `[R, 6]` how the left picture lies in the (mirrored) right one.
    """

    pair: Indices
    flipped: NDArray[np.bool_]
    view: Vectors
    maps: AffineMaps


def registered(pictures: GreyPictures, left: Indices, right: Indices, turns: Indices) -> Readings:
    """Rule out pairs that share no view, and register the others; small products, in threads.

    Args:
        pictures: whose small and large sides are those of `tamis.algo.verification`.
        left: `[P]` numbers of pictures.
        right: `[P]` numbers of pictures.
        turns: `[P]` quarters counter-clockwise that the right picture is turned by first.
    """
    parts = _shares(len(left))
    small, signs, seen_right = pictures.small, pictures.signs, right
    if turns.any():
        # Turned pictures are further ones, after all that are not.
        small = np.concatenate([small, _turned(pictures.small[right], turns)])
        signs = np.concatenate([signs, detail_signs(_turned(pictures.large(right), turns))])
        seen_right = len(pictures.small) + np.arange(len(right))
    with ThreadPoolExecutor(_THREADS) as pool:
        found = list(pool.map(lambda at: plausible_pairs(small, left[at], seen_right[at]), parts))
        pair = np.concatenate([one.pair + at.start for one, at in zip(found, parts, strict=True)])
        flipped = np.concatenate([one.flipped for one in found])
        transforms = np.concatenate([one.transforms for one in found])
        one = pictures.large(left[pair])
        other = _turned(pictures.large(right[pair]), turns[pair])
        shares = _shares(len(pair))
        verified = list(
            pool.map(lambda at: verify(one[at], other[at], flipped[at], transforms[at]), shares)
        )
    view = np.concatenate([scores for scores, _ in verified])
    maps = np.concatenate([maps for _, maps in verified])
    best = np.zeros(len(left), np.float32)
    np.maximum.at(best, pair, view)
    # What small pictures did not settle may still lie in place.
    unsure = np.flatnonzero(best < _SETTLED_VIEW)
    for mirrored in (False, True):
        agreed = sign_agreement(signs, left[unsure], seen_right[unsure], mirrored=mirrored)
        again = unsure[agreed >= _IN_PLACE]
        one = pictures.large(left[again])
        other = _turned(pictures.large(right[again]), turns[again])
        way = np.full(len(again), mirrored)
        scores, placed = verify_in_place(one, other, way)
        pair, flipped = np.append(pair, again), np.append(flipped, way)
        view, maps = np.append(view, scores), np.concatenate([maps, placed])
    best[:] = 0
    np.maximum.at(best, pair, np.where(flipped, view - _PREFER_UPRIGHT, view))
    kept = np.flatnonzero((view >= _COMPARED_FROM) & (view >= best[pair] - _EQUAL_VIEWS))
    # Upright readings first: a mirrored one has to be better to replace it.
    kept = kept[np.lexsort((pair[kept], flipped[kept]))]
    return Readings(pair[kept], flipped[kept], view[kept], maps[kept])


def _turned(pictures: NDArray[np.uint8], turns: Indices) -> NDArray[np.uint8]:
    """Turn each of `[M, n, n]` by its quarters."""
    if not turns.any():
        return pictures
    return np.stack([np.rot90(one, turn) for one, turn in zip(pictures, turns, strict=True)])


def _shares(n: int) -> list[slice]:
    """Cut `n` pairs so that each thread has a part; one empty part if there are none."""
    size = max(-(-n // _THREADS), 1)
    return [slice(start, min(start + size, n)) for start in range(0, max(n, 1), size)]
