"""Subpixel registration of pairs of pictures by offset and scale.

A pair's transform `[oy, ox, sy, sx]` maps a point of the left picture, in units of its sides, to
the right one: `right = o + s * left`. The axes scale separately, so that a picture squashed to a
square still fits; there is no rotation.

Source: Baker & Matthews, Lucas-Kanade 20 years on, IJCV 2004, section 2; Benhimane & Malis, IROS
2004, for the mean of both gradients.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from tamis.algo.grid_filters import filtered, resampled, sampling_matrix, slopes
from tamis.algo.normal_equations import normal_equations

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tamis.algo.grid_filters import Grids

__all__ = ["Transforms", "overlap_frames", "refine"]

Transforms: TypeAlias = "NDArray[np.float32]"
"""`[M, 4]` float32: oy, ox, sy, sx."""

# Crops to 65% and slightly below: what window search and Gauss-Newton can reach together.
_SMALLEST_SCALE, _LARGEST_SCALE = 0.6, 1 / 0.6
_LARGEST_MOVE = 0.05
_SMALLEST_OVERLAP = 0.05


def overlap_frames(
    left: Grids, right: Grids, transforms: Transforms, side: int
) -> tuple[Grids, Grids]:
    """Cut the shared part out of both pictures, each resampled to `side` x `side` pixels.

    The part spans at least a twentieth of the left picture's side, whatever the transform.
    O(n² side) per pair.
    """
    low, size = _overlap(transforms)
    at, span = transforms[:, :2] + transforms[:, 2:] * low, transforms[:, 2:] * size
    return _cut(left, low, size, side), _cut(right, at, span, side)


def refine(
    left: Grids,
    right: Grids,
    transforms: Transforms,
    *,
    side: int,
    band: tuple[float, float],
    steps: int,
) -> tuple[Transforms, NDArray[np.float32]]:
    """Refine transforms by Gauss-Newton to where the shared parts agree best.

    It is invariant to contrast and brightness, and pixels that differ much (a caption, a moved
    object) have little weight. O(steps * side² (n + side)) per pair.

    Args:
        left: `[M, n, n]` gray levels.
        right: `[M, n, n]` gray levels.
        transforms: `[M, 4]` to start from; converges from up to about `band[0] + 1` pixels away.
        side: side of the shared frame in pixels.
        band: the scales of detail to compare, as two blurs in pixels of that frame.
        steps: iterations, at least 1.

    Returns:
        Transforms `[M, 4]`, and the correlation `[M]` of the frames before the last step.
    """
    place = ((np.arange(side) + 0.5) / side).astype(np.float32)
    correlation = np.zeros(len(left), np.float32)
    for _ in range(steps):
        # Filter after cutting: filtering the whole pictures would use a different width in each,
        # which biases every scale toward 1.
        a, b = (filtered(frame, *band) for frame in overlap_frames(left, right, transforms, side))
        a, b, correlation = _levelled(a, b)
        residual = (a - b).reshape(len(a), side * side)
        # The gradient of one picture alone correlates with its noise, which biases the scale.
        down, across = slopes(np.float32(0.5) * (a + b))
        jacobian = np.stack([down, across, down * place[:, None], across * place], axis=1)
        jacobian = jacobian.reshape(len(a), 4, side * side)
        spread = np.abs(residual).mean(axis=1, keepdims=True) + 1e-3
        weight = 1 / (1 + (residual / (2 * spread)) ** 2)
        normal, pull = normal_equations(jacobian, weight, residual)
        damping = 1e-3 * np.trace(normal, axis1=1, axis2=2) / 4 + 1e-6
        normal += damping[:, None, None] * np.eye(4)
        move = np.linalg.solve(normal, pull[..., None])[..., 0]
        transforms = _moved(transforms, np.clip(move, -_LARGEST_MOVE, _LARGEST_MOVE))
    return transforms, correlation


def _moved(transforms: Transforms, move: NDArray[np.float32]) -> Transforms:
    """Apply an update in units of the shared frame: offsets, then changes of scale."""
    low, size = _overlap(transforms)
    at, span = transforms[:, :2] + transforms[:, 2:] * low, transforms[:, 2:] * size
    scale = np.clip(span * (1 + move[:, 2:]) / size, _SMALLEST_SCALE, _LARGEST_SCALE)
    offset = at + span * move[:, :2] - scale * low
    return np.concatenate([offset, scale], axis=1).astype(np.float32)


def _levelled(a: Grids, b: Grids) -> tuple[Grids, Grids, NDArray[np.float32]]:
    """Equalize the contrast of two frames of mean 0; also return their correlation `[M]`."""
    energy_a = np.einsum("mij,mij->m", a, a) + 1e-3
    energy_b = np.einsum("mij,mij->m", b, b) + 1e-3
    correlation = np.einsum("mij,mij->m", a, b) / np.sqrt(energy_a * energy_b)
    return a, b * np.sqrt(energy_a / energy_b)[:, None, None], correlation


def _overlap(transforms: Transforms) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Origin and size `[M, 2]` of the shared part, in the left picture."""
    offset, scale = transforms[:, :2], transforms[:, 2:]
    low = np.clip(-offset / scale, 0, 1 - _SMALLEST_OVERLAP)
    high = np.clip((1 - offset) / scale, low + _SMALLEST_OVERLAP, 1)
    return low, high - low


def _cut(pictures: Grids, low: NDArray[np.float32], size: NDArray[np.float32], side: int) -> Grids:
    rows = sampling_matrix(low[:, 0], size[:, 0], side, pictures.shape[-1])
    columns = sampling_matrix(low[:, 1], size[:, 1], side, pictures.shape[-1])
    return resampled(pictures, rows, columns)
