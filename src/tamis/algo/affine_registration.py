"""How one picture lies in another where it may be tilted: affine maps between pairs.

A pair's map `[oy, ox, yy, yx, xy, xx]` takes a point of the left picture, in units of its sides, to
the right one: `y' = oy + yy y + yx x`, `x' = ox + xy y + xx x`. In pictures squashed to a square a
rotation is an affine map as well.

Source: Baker & Matthews, Lucas-Kanade 20 years on, IJCV 2004, section 2.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from tamis.algo.grid_filters import filtered, slopes
from tamis.algo.normal_equations import normal_equations

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tamis.algo.grid_filters import Grids
    from tamis.algo.registration import Transforms

__all__ = ["AffineMaps", "affine_frames", "as_affine", "refine_affine"]

AffineMaps: TypeAlias = "NDArray[np.float32]"
"""`[M, 6]` float32: oy, ox, yy, yx, xy, xx."""

_LARGEST_MOVE = 0.05
_SMALLEST_OVERLAP = 0.05
# Pairs whose numbers stay in a core's own memory while they are worked on.
_AT_ONCE = 32


def as_affine(transforms: Transforms) -> AffineMaps:
    """Return crops and scales of `tamis.algo.registration` as affine maps."""
    oy, ox, sy, sx = transforms.T
    none = np.zeros_like(oy)
    return np.stack([oy, ox, sy, none, none, sx], axis=1)


def affine_frames(
    left: Grids, right: Grids, maps: AffineMaps, side: int
) -> tuple[Grids, Grids, NDArray[np.float32]]:
    """Cut out of both pictures what they share, each resampled to `side` x `side` pixels.

    Pixels between others are read linearly; where the right picture does not reach, its border is
    repeated and the weight is 0.

    Returns:
        Both frames, and `[M, side, side]` weights, 1 where both pictures reach.
    """
    low, size = _shared_box(maps)
    y, x = _points(low, size, side)
    v, u = _mapped(maps, y, x)
    inside = ((v >= 0) & (v <= 1) & (u >= 0) & (u <= 1)).astype(np.float32)
    return _sampled(left, y, x), _sampled(right, v, u), inside


def refine_affine(
    left: Grids,
    right: Grids,
    maps: AffineMaps,
    *,
    side: int,
    band: tuple[float, float],
    steps: int,
) -> AffineMaps:
    """Move maps to where the shared parts agree best, by Gauss-Newton.

    Contrast and brightness do not matter, and pixels far off (a caption, a moved object) weigh
    little. O(steps * side²) a pair.

    Args:
        left: `[M, n, n]` grey levels.
        right: `[M, n, n]` grey levels.
        maps: `[M, 6]` to start from; it converges from about `band[0]` + 1 pixels away.
        side: pixels of the shared frame to work on.
        band: the detail to compare, between two blurs in pixels of that frame.
        steps: iterations, at least 1.
    """
    for _ in range(steps):
        a, b, inside = affine_frames(left, right, maps, side)
        a, b = filtered(a, *band), filtered(b, *band)
        energy_a = np.einsum("mij,mij,mij->m", a, a, inside) + 1e-3
        energy_b = np.einsum("mij,mij,mij->m", b, b, inside) + 1e-3
        b *= np.sqrt(energy_a / energy_b)[:, None, None]
        residual = (a - b).reshape(len(a), -1)
        down, across = slopes(np.float32(0.5) * (a + b))
        weight = inside.reshape(len(a), -1)
        spread = (np.abs(residual) * weight).sum(axis=1) / np.maximum(weight.sum(axis=1), 1) + 1e-3
        weight = weight / (1 + (residual / (2 * spread[:, None])) ** 2)
        # About the middle of the frame, where moving and stretching are told apart best.
        place = ((np.arange(side) + 0.5) / side - 0.5).astype(np.float32)
        y, x = place[:, None], place[None, :]
        parts = [down, across, down * y, down * x, across * y, across * x]
        jacobian = np.stack(parts, axis=1).reshape(len(a), 6, side * side)
        normal, pull = normal_equations(jacobian, weight, residual)
        trace = np.trace(normal[:, :2, :2], axis1=1, axis2=2) / 2
        # Stretching and turning move the rim by half as much as the same number moves all.
        damping = 1e-3 * np.outer(trace, (1, 1, 0.25, 0.25, 0.25, 0.25)) + 1e-6
        normal += damping[:, :, None] * np.eye(6)
        move = np.linalg.solve(normal, pull[..., None])[..., 0]
        move = np.clip(move, -_LARGEST_MOVE, _LARGEST_MOVE).astype(np.float32)
        maps = _composed(maps, move)
    return maps


def _composed(maps: AffineMaps, move: NDArray[np.float32]) -> AffineMaps:
    """Apply a move given in units of the shared frame, about its middle, before the map."""
    low, size = _shared_box(maps)
    middle = low + size / 2
    linear = maps[:, 2:].reshape(-1, 2, 2)
    # p -> p + size * (move + turn (p - middle) / size)
    turn = move[:, 2:].reshape(-1, 2, 2) * size[:, :, None] / size[:, None, :]
    shift = size * move[:, :2] - np.einsum("mij,mj->mi", turn, middle)
    offset = maps[:, :2] + np.einsum("mij,mj->mi", linear, shift)
    linear = linear + linear @ turn
    return np.concatenate([offset, linear.reshape(-1, 4)], axis=1).astype(np.float32)


def _shared_box(maps: AffineMaps) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Origin and size `[M, 2]` of the part of the left picture that the right one covers.

    As if the map only scaled: of a tilted picture the corners stick out.
    """
    linear = maps[:, 2:].reshape(-1, 2, 2)
    middle = np.full(2, 0.5, np.float32)
    at = maps[:, :2] + linear @ middle
    scale = np.maximum(np.stack([linear[:, 0, 0], linear[:, 1, 1]], axis=1), 0.1)
    low = np.clip(0.5 - at / scale, 0, 1 - _SMALLEST_OVERLAP)
    high = np.clip(0.5 + (1 - at) / scale, low + _SMALLEST_OVERLAP, 1)
    return low.astype(np.float32), (high - low).astype(np.float32)


def _points(
    low: NDArray[np.float32], size: NDArray[np.float32], side: int
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    place = ((np.arange(side) + 0.5) / side).astype(np.float32)
    y = low[:, 0, None] + size[:, 0, None] * place
    x = low[:, 1, None] + size[:, 1, None] * place
    return y[:, :, None], x[:, None, :]


def _mapped(
    maps: AffineMaps, y: NDArray[np.float32], x: NDArray[np.float32]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    oy, ox, yy, yx, xy, xx = (maps[:, at, None, None] for at in range(6))
    return oy + yy * y + yx * x, ox + xy * y + xx * x


def _sampled(pictures: Grids, y: NDArray[np.float32], x: NDArray[np.float32]) -> Grids:
    """Read pictures at points in units of their sides, linearly, borders repeated."""
    parts = [slice(at, at + _AT_ONCE) for at in range(0, len(pictures), _AT_ONCE)]
    made = [_sampled_part(pictures[part], y[part], x[part]) for part in parts]
    return np.concatenate(made) if made else np.empty((0, y.shape[1], x.shape[2]), np.float32)


def _sampled_part(pictures: Grids, y: NDArray[np.float32], x: NDArray[np.float32]) -> Grids:
    m, n, _ = pictures.shape
    rows, columns = np.clip(y * n - 0.5, 0, n - 1), np.clip(x * n - 0.5, 0, n - 1)
    top = np.minimum(rows.astype(np.int64), n - 2)
    start = np.minimum(columns.astype(np.int64), n - 2)
    down, across = (rows - top).astype(np.float32), (columns - start).astype(np.float32)
    flat = np.ascontiguousarray(pictures).reshape(-1)
    at = (np.arange(m)[:, None, None] * (n * n) + top * n) + start
    upper = flat.take(at, mode="clip")
    upper += (flat[1:].take(at, mode="clip") - upper) * across
    at += n
    lower = flat.take(at, mode="clip")
    lower += (flat[1:].take(at, mode="clip") - lower) * across
    frames: Grids = upper + (lower - upper) * down
    return frames
