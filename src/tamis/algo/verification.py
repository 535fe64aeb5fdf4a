"""Whether candidate pairs show the same view: registration, then agreement of fine detail.

Two stages, so that many candidates cost little: the first looks at 32 x 32 pixels of every
picture and keeps the pairs that could be, with how one lies in the other; the second looks at
128 x 128 pixels of those.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypedDict

import numpy as np

from tamis.algo.affine_registration import affine_frames, as_affine, refine_affine
from tamis.algo.agreement import agreement, exact_share
from tamis.algo.grid_filters import shrink
from tamis.algo.registration import overlap_frames, refine
from tamis.algo.window_search import search_windows, window_vectors

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from tamis.algo.affine_registration import AffineMaps
    from tamis.algo.grid_filters import Grids
    from tamis.algo.registration import Transforms
    from tamis.types import Indices

__all__ = [
    "COARSE_SIDE",
    "GREY_SIDE",
    "PlausiblePairs",
    "plausible_pairs",
    "verify",
    "verify_in_place",
]

COARSE_SIDE = 32
"""Pixels a side that the first stage looks at."""

GREY_SIDE = 128
"""Pixels a side that the second stage looks at."""

_MIDDLE_SIDE, _FRAME_SIDE, _HALF_FRAME_SIDE = 64, 96, 48
_BATCH = 256
_COARSE_BAND, _FINE_BAND, _HALF_COARSE_BAND = (1.0, 3.0), (0.7, 3.0), (0.7, 2.0)
_BROAD_BAND = (2.0, 4.0)
# Correlations that every copy tried keeps well clear of: crops to 70 %, and a crop with a caption,
# brightness, half size and strong JPEG together (lowest: .4 of the first, .5 of the second).
_FIRST_GATE, _SECOND_GATE = 0.4, 0.5
# Agreement at half the resolution, which is always higher: lowest of the same copies .85.
_THIRD_GATE = 0.7
# The same before a tilt is undone; over the second, none is looked for.
_TILTED_GATE, _UPRIGHT = 0.25, 0.9
# Agreement after a tilt was undone roughly: lowest of copies tilted by up to 4 degrees .72.
_HOPEFUL, _ASTRAY = 0.5, 0.1
# A tilt has to agree better by this much; two more degrees of freedom always agree a little better.
_TURNED = 0.03

# Times that neighbours differ more (in squares) than at half the resolution, where they are twice
# as far apart: of photographs and drawings they differ less, of pages of text five times more.
_ONLY_FINE = 1.5
# Charts of one template from .25, unrelated pictures up to .05 and pages of text up to .08; and
# what that counts as: more than unrelated pictures ever reach.
_ONE_TEMPLATE, _TEMPLATE_VIEW = 0.2, 0.92
_IN_PLACE = np.array([0, 0, 1, 0, 0, 1], np.float32)


class _How(TypedDict):
    side: int
    band: tuple[float, float]
    steps: int


# How much worse the mirrored reading may look and still be tried: many things are symmetric.
_SYMMETRY = 0.05


@dataclass(frozen=True)
class PlausiblePairs:
    """Pairs that the first stage could not rule out, each in one or both orientations.

    Attributes:
        pair: `[H]` int64, which candidate this is a reading of.
        flipped: `[H]` bool, whether the right picture is mirrored left-right.
        transforms: `[H, 4]` float32, how the left picture lies in the (mirrored) right one.
    """

    pair: Indices
    flipped: NDArray[np.bool_]
    transforms: Transforms


def plausible_pairs(coarse: NDArray[np.uint8], left: Indices, right: Indices) -> PlausiblePairs:
    """Rule out the candidates that differ already when small.

    About .2 ms a pair and orientation on one core; memory O(N) for the pictures and constant for
    the pairs.

    Args:
        coarse: `[N, 32, 32]` uint8 grey pictures, squashed to a square.
        left: `[M]` row numbers.
        right: `[M]` row numbers.
    """
    found = [_plausible(coarse, left, right, part) for part in _batches(len(left))]
    if not found:
        return PlausiblePairs(
            np.empty(0, np.int64), np.empty(0, np.bool_), np.empty((0, 4), np.float32)
        )
    return PlausiblePairs(*(np.concatenate(columns) for columns in zip(*found, strict=True)))


def verify(
    left: NDArray[np.uint8],
    right: NDArray[np.uint8],
    flipped: NDArray[np.bool_],
    transforms: Transforms,
) -> tuple[NDArray[np.float32], AffineMaps]:
    """Score how far plausible pairs show the same view, from 0 to 1, and register them.

    See `tamis.algo.agreement` for what the score means. About 2 ms a pair of the same view on one
    core, .5 ms one that is ruled out (score 0).

    Args:
        left: `[M, 128, 128]` uint8 grey pictures, squashed to a square.
        right: `[M, 128, 128]` uint8.
        flipped: `[M]`, whether the right picture is mirrored left-right first.
        transforms: `[M, 4]` from `plausible_pairs`.

    Returns:
        `[M]` float32 in [0, 1], and how the left picture lies in the (mirrored) right one.
    """
    scores, maps = np.zeros(len(left), np.float32), as_affine(transforms)
    for part in _batches(len(left)):
        scores[part], maps[part] = _scores(left[part], right[part], flipped[part], transforms[part])
    return np.clip(scores, 0, 1), maps


def verify_in_place(
    left: NDArray[np.uint8], right: NDArray[np.uint8], flipped: NDArray[np.bool_]
) -> tuple[NDArray[np.float32], AffineMaps]:
    """Score pairs as `verify` does, from where each picture lies as the other does.

    For pairs that agree in fine detail as they lie (`tamis.algo.detail_signs`): where the first
    stage looks, they may show nothing, or one strong change that leads it astray. What agrees
    exactly in a fifth of its detail is filled into one template, and scores at least .92. About 8
    ms a pair on one core.

    Args:
        left: `[M, 128, 128]` uint8 grey pictures, squashed to a square.
        right: `[M, 128, 128]` uint8.
        flipped: `[M]`, whether the right picture is mirrored left-right first.
    """
    scores = np.zeros(len(left), np.float32)
    maps = np.tile(_IN_PLACE, (len(left), 1))
    for part in _batches(len(left)):
        a, b = _whole(left[part], right[part], flipped[part], np.arange(len(left[part])))
        scores[part] = agreement(*affine_frames(a, b, maps[part], _FRAME_SIDE)[:2])
        rows = np.flatnonzero(scores[part] < _UPRIGHT)
        if rows.size == 0:
            continue
        a, b, rows = a[rows], b[rows], part.start + rows
        start = maps[rows]
        # What is turned or moved a little is found by broad detail; some textures have none.
        for bands in ((_FINE_BAND,), (_BROAD_BAND, _FINE_BAND)):
            placed = start
            for band in bands:
                placed = refine_affine(a, b, placed, side=_FRAME_SIDE, band=band, steps=3)
            found = agreement(*affine_frames(a, b, placed, _FRAME_SIDE)[:2])
            better = found > scores[rows]
            maps[rows] = np.where(better[:, None], placed, maps[rows])
            scores[rows] = np.where(better, found, scores[rows])
        # Where much of the detail differs, the rest may still be one print in one place.
        printed = exact_share(*affine_frames(a, b, maps[rows], _FRAME_SIDE)[:2]) >= _ONE_TEMPLATE
        scores[rows[printed]] = np.maximum(scores[rows[printed]], _TEMPLATE_VIEW)
    return np.clip(scores, 0, 1), maps


def _scores(
    left: NDArray[np.uint8],
    right: NDArray[np.uint8],
    flipped: NDArray[np.bool_],
    transforms: Transforms,
) -> tuple[NDArray[np.float32], AffineMaps]:
    middle_a = shrink(left, _MIDDLE_SIDE)
    middle_b = _oriented(shrink(right, _MIDDLE_SIDE), flipped)
    transforms, _ = refine(
        middle_a, middle_b, transforms, side=_HALF_FRAME_SIDE, band=_FINE_BAND, steps=2
    )
    # Most candidates that are merely alike fall here, at an eighth of the cost.
    frames = overlap_frames(middle_a, middle_b, transforms, _HALF_FRAME_SIDE)
    scores, maps = agreement(*frames), as_affine(transforms)
    near = np.flatnonzero(scores >= _TILTED_GATE)
    scores[scores < _TILTED_GATE] = 0
    turned = np.zeros(len(scores), np.bool_)
    tilted = near[scores[near] < _UPRIGHT]
    if tilted.size:
        placed, better = _turned(middle_a[tilted], middle_b[tilted], maps[tilted], scores[tilted])
        turned[tilted] = better > scores[tilted] + _TURNED
        maps[tilted] = np.where(turned[tilted, None], placed, maps[tilted])
        scores[tilted] = np.maximum(better, scores[tilted])
    scores[scores < _THIRD_GATE] = 0
    lost = np.flatnonzero(scores == 0)
    lost = lost[_only_fine(left[lost], middle_a[lost]) & _only_fine(right[lost], middle_b[lost])]
    upright, oblique = np.flatnonzero((scores > 0) & ~turned), np.flatnonzero((scores > 0) & turned)
    how: _How = {"side": _MIDDLE_SIDE, "band": _FINE_BAND, "steps": 2}
    if upright.size:
        placed, _ = refine(middle_a[upright], middle_b[upright], transforms[upright], **how)
        maps[upright] = as_affine(placed)
        whole = _whole(left, right, flipped, upright)
        frames = overlap_frames(*whole, placed, _FRAME_SIDE)
        scores[upright] = agreement(*frames)
        # Smooth pictures hide a tilt at half the resolution.
        unsure = scores[upright] < _UPRIGHT
        some = upright[unsure]
        if some.size:
            pair = middle_a[some], middle_b[some]
            placed = refine_affine(*pair, maps[some], side=_MIDDLE_SIDE, band=_COARSE_BAND, steps=4)
            left_part, right_part = (one[unsure] for one in whole)
            shown = affine_frames(left_part, right_part, placed, _FRAME_SIDE)
            better = agreement(*shown[:2])
            found = np.flatnonzero(better > scores[some] + _TURNED)
            maps[some[found]], scores[some[found]] = placed[found], better[found]
    if oblique.size:
        maps[oblique] = refine_affine(middle_a[oblique], middle_b[oblique], maps[oblique], **how)
        whole = _whole(left, right, flipped, oblique)
        a_frame, b_frame, _ = affine_frames(*whole, maps[oblique], _FRAME_SIDE)
        scores[oblique] = agreement(a_frame, b_frame)
    if lost.size:
        whole = _whole(left, right, flipped, lost)
        maps[lost], scores[lost] = _finely_placed(*whole, as_affine(transforms[lost]))
    return scores, maps


def _whole(
    left: NDArray[np.uint8], right: NDArray[np.uint8], flipped: NDArray[np.bool_], rows: Indices
) -> tuple[Grids, Grids]:
    """Some pairs at their full resolution, the right ones mirrored where they are to be."""
    a, b = left[rows].astype(np.float32), right[rows].astype(np.float32)
    return a, _oriented(b, flipped[rows])


def _only_fine(pictures: NDArray[np.uint8], middle: Grids) -> NDArray[np.bool_]:
    """Which pictures lose most of their detail at half the resolution, as a page of text does."""

    def variation(grids: NDArray[np.generic]) -> NDArray[np.float32]:
        # Some columns tell it as well as all do.
        steps = np.diff(grids[:, :, ::4].astype(np.float32), axis=1)
        rough: NDArray[np.float32] = np.einsum("mij,mij->m", steps, steps) / steps[0].size
        return rough

    if len(pictures) == 0:
        return np.empty(0, np.bool_)
    only: NDArray[np.bool_] = variation(pictures) > _ONLY_FINE * variation(middle)
    return only


def _finely_placed(a: Grids, b: Grids, maps: AffineMaps) -> tuple[AffineMaps, NDArray[np.float32]]:
    """Register by fine detail alone: where the left pictures lie, and how far both agree."""
    # What was found at half the resolution is of no use: only the coarse places are.
    placed = refine_affine(a, b, maps, side=_FRAME_SIDE, band=_BROAD_BAND, steps=4)
    found = agreement(*affine_frames(a, b, placed, _FRAME_SIDE)[:2])
    hopeful = found >= _HOPEFUL
    found[~hopeful] = 0
    if hopeful.any():
        a, b = a[hopeful], b[hopeful]
        placed[hopeful] = refine_affine(
            a, b, placed[hopeful], side=_FRAME_SIDE, band=_FINE_BAND, steps=3
        )
        found[hopeful] = agreement(*affine_frames(a, b, placed[hopeful], _FRAME_SIDE)[:2])
    return placed, found


def _turned(
    a: Grids, b: Grids, maps: AffineMaps, scores: NDArray[np.float32]
) -> tuple[AffineMaps, NDArray[np.float32]]:
    """Undo tilts: where the left pictures lie then, and how far the two agree; 0 if ruled out."""
    # At half the resolution first, where a step costs a quarter and most candidates fall.
    half = shrink(a, COARSE_SIDE), shrink(b, COARSE_SIDE)
    placed = refine_affine(*half, maps, side=_HALF_FRAME_SIDE // 2, band=_HALF_COARSE_BAND, steps=3)
    found = agreement(*affine_frames(a, b, placed, _HALF_FRAME_SIDE)[:2])
    # What only has fine detail (a page of text) may have gone astray.
    astray = np.flatnonzero(found < scores - _ASTRAY)
    if astray.size:
        placed[astray] = refine_affine(
            a[astray], b[astray], maps[astray], side=_HALF_FRAME_SIDE, band=_COARSE_BAND, steps=3
        )
    hopeful = found >= _HOPEFUL
    hopeful[astray] = True
    found[:] = 0
    if hopeful.any():
        a, b = a[hopeful], b[hopeful]
        placed[hopeful] = refine_affine(
            a, b, placed[hopeful], side=_HALF_FRAME_SIDE, band=_FINE_BAND, steps=3
        )
        found[hopeful] = agreement(*affine_frames(a, b, placed[hopeful], _HALF_FRAME_SIDE)[:2])
    return placed, found


def _plausible(
    coarse: NDArray[np.uint8], left: Indices, right: Indices, part: slice
) -> tuple[Indices, NDArray[np.bool_], Transforms]:
    rows, place = np.unique(np.concatenate([left[part], right[part]]), return_inverse=True)
    pictures = coarse[rows].astype(np.float32)
    m = len(place) // 2
    first = np.tile(place[:m], 2)
    second = np.tile(place[m:], 2)
    flipped = np.repeat([False, True], m)
    _, transforms = search_windows(window_vectors(pictures), first, second, flipped)
    near = np.arange(2 * m)
    correlation = np.zeros(2 * m, np.float32)
    for side, steps, gate in ((16, 4, _FIRST_GATE), (COARSE_SIDE, 2, _SECOND_GATE)):
        transforms[near], correlation[near] = refine(
            pictures[first[near]],
            _oriented(pictures[second[near]], flipped[near]),
            transforms[near],
            side=side,
            band=_COARSE_BAND,
            steps=steps,
        )
        correlation[near[correlation[near] < gate]] = -1
        near = near[correlation[near] >= gate]
    best = np.maximum(correlation[:m], correlation[m:])
    near = near[correlation[near] >= np.tile(best, 2)[near] - _SYMMETRY]
    return (part.start + near % m).astype(np.int64), flipped[near], transforms[near]


def _oriented(pictures: Grids, flipped: NDArray[np.bool_]) -> Grids:
    oriented = pictures.copy()
    oriented[flipped] = pictures[flipped][:, :, ::-1]
    return oriented


def _batches(n: int) -> Iterator[slice]:
    for start in range(0, n, _BATCH):
        yield slice(start, min(start + _BATCH, n))
