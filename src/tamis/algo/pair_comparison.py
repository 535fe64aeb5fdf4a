"""Two registered pictures compared for copies: the means from placement to the worst region."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from tamis.algo.clipped_light import LostLight, lost_light
from tamis.algo.coherent_residual import Aligned, Worst, coherent_residual
from tamis.algo.fine_registration import Placement, register
from tamis.algo.local_wear import beyond_wear
from tamis.algo.photometric_fit import (
    ToneCurves,
    fit_tone,
    is_grey,
    luma_chroma,
    quartered,
    steepness,
)
from tamis.algo.picture_filters import blurred
from tamis.algo.relative_blur import blur_between
from tamis.algo.translucent_mark import may_be_mark, without_mark

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tamis.algo.affine_registration import AffineMaps
    from tamis.algo.local_wear import Compress

__all__ = ["PairResidual", "compare_pictures"]

_CLEARLY_BLURRED = 0.8
_HALVED_FROM, _HALF_STEPS, _FEW_PLACES = 64, 4, 8_000
# Under this many pixels, reading between pixels would blur more than it places.
_UNMOVED = 0.05
_RIM = 1.5
_BUT_ITS_RIM = 0.75
_LEAST_SHARED = 400
_TONE_PLACES = 2000
# Two exposures alike need no fit the other way round.
_AS_BRIGHT = 0.98
_SHARE_PLACES = 40
_THINNEST = 0.01
_LITTLE_MOVED = 2.0
# Of what varies across lines: less varies along them where they are all that a picture shows.
_ALONG = 0.03
_SAME_SCALE, _DENSER = 0.97, 1.1


@dataclass(frozen=True)
class PairResidual:
    """What is left between two pictures once processing is explained.

    Attributes:
        worst: the residual's worst region; None where they share too few pixels.
        aligned: both on one grid, equal in tone and sharpness; None as above.
        grid: how many pixels a side the comparison saw, the shorter side of what they share.
        swapped: whether the grid is the right picture's.
        placement: from the grid's picture to the other.
        shapes: height and width of the grid's picture and of the other.
        blur: that made both equally sharp, in pixels of the grid: of the grid's picture if over
            0, of the other if under 0.
        pictures: in RGB, the grid's, and the other where it lies on the grid as it is.
    """

    worst: Worst | None
    aligned: Aligned | None
    grid: int
    swapped: bool
    placement: Placement
    shapes: tuple[tuple[int, int], tuple[int, int]]
    blur: float = 0.0
    pictures: tuple[NDArray[np.uint8], ...] = ()

    @property
    def excess(self) -> float:
        """How far the worst region exceeds what copying does; infinite if nothing is shared."""
        return np.inf if self.worst is None else self.worst.excess

    def unmarked(self, line: float) -> PairResidual:
        """Return the same once a translucent mark is taken off, if what exceeds a line is one."""
        if self.worst is None or self.aligned is None or self.excess < line:
            return self
        cleaned = without_mark(self.aligned, self.worst, line)
        if cleaned is None:
            return self
        worst = coherent_residual(cleaned)
        # The rim of a mark is blended by half pixels, which no fit takes off in full.
        rest = replace(worst, excess=_BUT_ITS_RIM * worst.excess)
        return self if rest.excess >= line else replace(self, worst=rest, aligned=cleaned)

    def unworn(self, compress: Compress) -> PairResidual:
        """Return the same with each place judged by what compression does to it."""
        if self.worst is None or self.aligned is None:
            return self
        unworn = beyond_wear(self.aligned, self.worst, self.pictures, compress)
        return replace(self, worst=unworn)

    def may_be_marked(self, line: float) -> bool:
        """Whether a translucent mark could be found if the pictures were larger."""
        if self.worst is None or self.aligned is None:
            return False
        return may_be_mark(self.aligned, self.worst, line)

    @property
    def slides(self) -> bool:
        """Whether one picture could lie elsewhere along its lines, since both show little else.

        Parallel lines agree wherever they are moved along themselves, so that what lies beyond
        their ends cannot be told. Two that lie in place as they are did not move.
        """
        if self.aligned is None or self.placement.moves(self.shapes[0]) < _LITTLE_MOVED:
            return False
        return all(_only_lines(luma, self.aligned.shared) for luma in self.aligned.luma)

    @property
    def sharper(self) -> int:
        """Which picture is clearly sharper: -1 the left one, 1 the right one, 0 neither.

        Less than a pixel of blur hides nothing, and shrinking alone makes as much.
        """
        if abs(self.blur) < _CLEARLY_BLURRED:
            return 0
        return int(np.sign(self.blur)) * (1 if self.swapped else -1)

    @property
    def left_shape(self) -> tuple[int, int]:
        """Height and width of the left picture."""
        return self.shapes[1] if self.swapped else self.shapes[0]

    def map(self) -> AffineMaps:
        """Return how the left picture lies in the right one, in units of the sides, `[6]`."""
        here, there = self.shapes
        placement = self.placement.inverse() if self.swapped else self.placement
        if self.swapped:
            here, there = there, here
        shrink, grow = np.diag(1 / np.array(there, float)), np.diag(np.array(here, float))
        linear = shrink @ placement.linear @ grow
        offset = shrink @ (placement.offset + 0.5 - placement.linear @ np.full(2, 0.5))
        return np.concatenate([offset, linear.reshape(-1)]).astype(np.float32)

    def beyond(self) -> tuple[float, float]:
        """Return which share of the left picture lies outside the right one, and the reverse."""
        offset, linear = self.map()[:2].astype(float), self.map()[2:].astype(float).reshape(2, 2)
        axis = (np.arange(_SHARE_PLACES) + 0.5) / _SHARE_PLACES
        points = np.stack(np.meshgrid(axis, axis, indexing="ij"), axis=-1).reshape(-1, 2)
        there = points @ linear.T + offset
        back = (points - offset) @ np.linalg.inv(linear).T
        left, right = (float(np.mean(np.any((at < 0) | (at > 1), axis=1))) for at in (there, back))
        return left, right

    def rims(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return the strips of the left picture that the right one lacks, and the reverse.

        Each `[K, 4]` as `regions`, widest first; of a picture that has more, the narrowest are left
        out.
        """
        offset, linear = self.map()[:2].astype(float), self.map()[2:].astype(float).reshape(2, 2)
        corners = np.array([(y, x) for y in (0, 1) for x in (0, 1)], float)
        seen_right = corners @ linear.T + offset
        seen_left = (corners - offset) @ np.linalg.inv(linear).T
        left, right = (_strips(seen) for seen in (seen_left, seen_right))
        both = min(len(left), len(right))
        return left[:both], right[:both]

    def regions(self, line: float) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return the places over a line in the left and in the right picture, worst first.

        Each `[K, 4]`: x, y, width and height in units of the sides.
        """
        if self.worst is None:
            return np.empty((0, 4), np.float32), np.empty((0, 4), np.float32)
        boxes = self.worst.regions(line)
        here, there = np.empty((2, len(boxes), 4), np.float32)
        for number, (rows, columns) in enumerate(boxes):
            corners = np.array(
                [(y, x) for y in (rows.start, rows.stop) for x in (columns.start, columns.stop)],
                np.float64,
            )
            here[number] = _as_shares(corners, self.shapes[0])
            placed = (corners - 0.5) @ self.placement.linear.T + self.placement.offset + 0.5
            there[number] = _as_shares(placed, self.shapes[1])
        return (there, here) if self.swapped else (here, there)


def compare_pictures(
    left: NDArray[np.uint8], right: NDArray[np.uint8], unit: AffineMaps, *, settled: bool = False
) -> PairResidual:
    """Explain the difference of two pictures by processing, and look at what is left.

    Registration, tone (gain, gamma and clipping a channel) and blur are fitted to the pair; see
    `tamis.algo.coherent_residual` for what remains. About 25 ms for two of 256 x 192 pixels.

    Args:
        left: `[H, W, 3]` uint8 RGB.
        right: `[H', W', 3]` uint8 RGB, mirrored already if the pair is.
        unit: `[6]`, one row of `AffineMaps`: how the left picture lies in the right one.
        settled: whether that was found by comparing smaller versions of both.
    """
    placement = Placement.of_map(unit, left.shape[:2], right.shape[:2])
    swapped = placement.scale < _SAME_SCALE
    if swapped:
        left, right, placement = right, left, placement.inverse()
    shapes = (left.shape[:2], right.shape[:2])
    left, right = (np.ascontiguousarray(rgb.transpose(2, 0, 1)) for rgb in (left, right))
    quarters = []
    sides = []
    for picture in (left, right):
        values = picture.astype(np.float32)
        quarters.append(quartered(values))
        sides.append(luma_chroma(values, quarters[-1]))
    here, there = sides
    finer = 0.45 * np.sqrt(placement.scale**2 - 1) if placement.scale > _DENSER else 0.0
    coarser = blurred(there[0], finer)
    if not settled:
        placement = _nearly_placed(here[0], coarser, placement)
    placement = register(here[0], coarser, placement, 1, places=_FEW_PLACES)
    placement = register(here[0], coarser, placement, 1)
    shared = _shared(placement, shapes)
    if np.count_nonzero(shared) < _LEAST_SHARED:
        return PairResidual(None, None, 0, swapped, placement, shapes)
    forward, brighter = _tones(quarters[0], quarters[1], placement)
    if forward:
        there = luma_chroma(brighter.applied(right))
    else:
        here = luma_chroma(brighter.applied(left))
    lost = lost_light(brighter, left if forward else right)
    aligned, blur = _aligned(here, there, placement, finer, shared, lost, forward)
    aligned = replace(aligned, white=255.0 + float(brighter.beyond[:, -1].max(initial=0)))
    worst = coherent_residual(aligned)
    side = int(min(shared.any(axis=0).sum(), shared.any(axis=1).sum()))
    in_place = shapes[0] == shapes[1] and placement.moves(shapes[0]) < _UNMOVED
    planes = (left, right) if in_place else (left,)
    pictures = tuple(np.ascontiguousarray(rgb.transpose(1, 2, 0)) for rgb in planes)
    return PairResidual(worst, aligned, side, swapped, placement, shapes, blur, pictures)


def _nearly_placed(
    here: NDArray[np.float32], there: NDArray[np.float32], placement: Placement
) -> Placement:
    """Register at half the resolution, where most of the way costs a quarter."""
    if min(*here.shape, *there.shape) < _HALVED_FROM:
        return placement
    here, there, half = quartered(here), quartered(there), placement.halved()
    return register(here, there, half, _HALF_STEPS, places=_FEW_PLACES).doubled()


def _shared(
    placement: Placement, shapes: tuple[tuple[int, int], tuple[int, int]]
) -> NDArray[np.bool_]:
    """Where both pictures have pixels; the rim is left out where one was cut or turned."""
    if shapes[0] == shapes[1] and placement.moves(shapes[0]) < _UNMOVED:
        return np.ones(shapes[0], np.bool_)
    shared = placement.inside(*shapes, _RIM)
    rim = int(np.ceil(_RIM))
    shared[:rim] = shared[-rim:] = False
    shared[:, :rim] = shared[:, -rim:] = False
    return shared


def _tones(
    here: NDArray[np.float32], there: NDArray[np.float32], placement: Placement
) -> tuple[bool, ToneCurves]:
    """Fit the curves from the darker picture to the brighter; True if the right one is darker.

    Args:
        here: the left one, quartered.
        there: the right one.
        placement: of the whole pictures.
    """
    # Some thousand places tell the curves as well as all do.
    step = max(int(np.sqrt(here[0].size / _TONE_PLACES)), 1)
    steep, steep_there = steepness(here)[::step, ::step], steepness(there)
    here = here[:, ::step, ::step]
    half = placement.halved()
    few = Placement(step * half.linear, half.offset)
    shapes = (here.shape[1:], there.shape[1:])
    inside, sampler = few.inside(*shapes, 1), few.sampler(*shapes)
    x = np.stack([sampler.linear(one)[inside] for one in there], axis=-1)
    y = np.stack([one[inside] for one in here], axis=-1)
    slope = np.maximum(steep[inside], sampler.linear(steep_there)[inside])
    forward = fit_tone(x, y, slope)
    if forward.gain >= _AS_BRIGHT:
        return True, forward
    backward = fit_tone(y, x, slope)
    return (False, backward) if backward.gain > forward.gain else (True, forward)


def _aligned(  # noqa: PLR0917 - two pictures and what is known of them
    here: tuple[NDArray[np.float32], NDArray[np.float32]],
    there: tuple[NDArray[np.float32], NDArray[np.float32]],
    placement: Placement,
    finer: float,
    shared: NDArray[np.bool_],
    lost: LostLight | None,
    forward: bool,
) -> tuple[Aligned, float]:
    """Bring both to one grid and one sharpness; where light was lost, as near as that allows.

    Also the blur, as in `PairResidual`.

    Args:
        here: brightness and colours on the grid.
        there: the same of the other picture.
        placement: of the grid in the other picture.
        finer: blur that makes the other picture as coarse as the grid.
        shared: where both have pixels.
        lost: what the brighter one may have lost.
        forward: whether that is the one on the grid.
    """
    luma, chroma = here
    shape = luma.shape
    moved = luma.shape != there[0].shape or placement.moves(shape) >= _UNMOVED
    other, tint = there
    grey = is_grey(chroma, tint)
    if moved:
        whole = placement.sampler(shape, other.shape)
        half = placement.halved().sampler(chroma.shape[1:], tint.shape[1:])
        other = whole.cubic(blurred(other, finer))
        tint = np.stack([half.linear(one) for one in blurred(tint, finer / 2)])
        if lost is not None and not forward:
            colours = np.stack([half.linear(one) for one in lost.chroma])
            lost = LostLight(whole.linear(lost.luma), colours)
    first, sigma = blur_between(luma, other, shared)
    if sigma and first:
        luma, chroma = blurred(luma, sigma), blurred(chroma, sigma / 2)
    elif sigma:
        other, tint = blurred(other, sigma), blurred(tint, sigma / 2)
    if lost is not None:
        if sigma and first == forward:
            lost = LostLight(blurred(lost.luma, sigma), blurred(lost.chroma, sigma / 2))
        if forward:
            other, tint = lost.explained(other, luma), lost.explained_colours(tint, chroma)
        else:
            luma, chroma = lost.explained(luma, other), lost.explained_colours(chroma, tint)
    colours = np.empty((2, 2, 0, 0), np.float32) if grey else np.stack([chroma, tint])
    return Aligned(np.stack([luma, other]), colours, shared), sigma if first else -sigma


def _only_lines(luma: NDArray[np.float32], shared: NDArray[np.bool_]) -> bool:
    """Whether all that varies does so across one direction, by its structure tensor."""
    # Every second place of every second row tells it as well as all do. No products of long
    # vectors: BLAS would split them over threads.
    here = shared[1:-1:2, 1:-1:2]
    down = (luma[2::2, 1:-1:2] - luma[:-2:2, 1:-1:2])[here].astype(np.float64)
    across = (luma[1:-1:2, 2::2] - luma[1:-1:2, :-2:2])[here].astype(np.float64)
    mixed = (down * across).sum()
    least, most = np.linalg.eigvalsh([[(down**2).sum(), mixed], [mixed, (across**2).sum()]])
    return bool(least < _ALONG * most)


def _strips(seen: NDArray[np.float64]) -> NDArray[np.float32]:
    """Boxes above, below, left and right of the part of a picture that the other shows too."""
    (top, start), (bottom, end) = (np.clip(at, 0, 1) for at in (seen.min(axis=0), seen.max(axis=0)))
    boxes = np.array(
        [(0, 0, 1, top), (0, bottom, 1, 1 - bottom), (0, 0, start, 1), (end, 0, 1 - end, 1)],
        np.float32,
    )
    area = boxes[:, 2] * boxes[:, 3]
    order = np.argsort(-area, kind="stable")
    kept: NDArray[np.float32] = boxes[order[area[order] > _THINNEST]]
    return kept


def _as_shares(corners: NDArray[np.float64], shape: tuple[int, int]) -> NDArray[np.float64]:
    """x, y, width, height of the box around corners, inside the picture, in units of its sides."""
    low = np.clip(corners.min(axis=0) / shape, 0, 1)
    high = np.clip(corners.max(axis=0) / shape, 0, 1)
    return np.array([low[1], low[0], high[1] - low[1], high[0] - low[0]])
