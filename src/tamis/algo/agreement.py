"""How well two registered pictures agree in fine detail, averaged over local neighborhoods.

Similar pictures share a layout: outlines, shading, a background of the same kind. Only pictures of
the same shot share the texture itself. So the score uses fine detail only, in small neighborhoods,
is independent of brightness and contrast in each, and weighs every textured place equally,
whether its texture is strong or faint.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tamis.algo.grid_filters import blur_matrix, filtered, resampled

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tamis.algo.grid_filters import Grids

__all__ = ["agreement", "exact_share"]

# In pixels of a frame 96 wide. Finer detail does not survive JPEG and thumbnails; coarser detail
# is shared by pictures that only look alike.
_BAND = (0.5, 1.5)
_COARSE_BAND = (2.0, 4.0)
_NEIGHBOURHOOD = 3.0
_MARGIN, _STRIDE = 4, 3
# Gray levels: JPEG at quality 30 and 8-bit rounding leave about this much in the band.
_NOISE = 2.0
_SET_ASIDE = 0.10
# Correlation of one print with itself after JPEG; and under a tenth of all places have too little
# texture to tell.
_EXACT, _LEAST_TEXTURE = 0.95, 0.1
_BLURS = (0.5, 0.8, 1.2, 1.7, 2.4)
# Difference of log(fine / coarse energy) below which two pictures count as equally sharp.
_EQUALLY_SHARP = 0.7


def agreement(left: Grids, right: Grids) -> NDArray[np.float32]:
    """Score how well two registered pictures agree, from about 0 to 1.

    The score is the mean correlation of fine detail over all textured places, without the worst
    tenth of them (a caption, a logo, a small object that moved). The sharper picture is first
    blurred to match the other.

    O(n³) per pair, as matrix products.

    Args:
        left: `[M, n, n]` gray levels.
        right: `[M, n, n]` gray levels, registered to `left`.

    Returns:
        `[M]` float32; 1 for identical pictures, about 0 for unrelated ones, 0 if neither has
        texture.

    Source: local correlation as in Wang et al., Image quality assessment (SSIM), IEEE TIP 2004,
    its structure term.
    """
    return _mean_but_worst(*_local_agreement(left, right))


def exact_share(left: Grids, right: Grids) -> NDArray[np.float32]:
    """Return which share of all textured places agrees as only the same print in place does.

    Two fillings of one template (charts with the same axes) may differ in half of their detail, and
    agree in the other half nearly perfectly. Unrelated photographs agree so in under a twentieth of
    it, and pages of text on the same lines too, which agree a little everywhere.

    O(n³) per pair, as matrix products.

    Args:
        left: `[M, n, n]` gray levels.
        right: `[M, n, n]` gray levels, registered to `left`.

    Returns:
        `[M]` float32 in [0, 1]; 0 where neither has texture.
    """
    correlation, weights = _local_agreement(left, right)
    share: NDArray[np.float32] = ((correlation >= _EXACT) * weights).sum(axis=1) / np.maximum(
        weights.sum(axis=1), _LEAST_TEXTURE * weights.shape[1]
    )
    return share.astype(np.float32)


def _local_agreement(left: Grids, right: Grids) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Correlation of fine detail in each neighborhood, and how textured it is, `[M, places]`."""
    a, b = _equally_sharp(left, right)
    blur = blur_matrix(a.shape[-1], _NEIGHBOURHOOD)[_MARGIN:-_MARGIN:_STRIDE]
    energy_a, energy_b, product = (
        resampled(values, blur, blur).reshape(len(a), -1) for values in (a * a, b * b, a * b)
    )
    mean_a, mean_b = energy_a.mean(axis=1) + _NOISE**2, energy_b.mean(axis=1) + _NOISE**2
    gain = np.sqrt(mean_a / mean_b)[:, None]
    energy_b, product = energy_b * gain**2, product * gain
    both = np.sqrt(np.maximum(energy_a * energy_b, 0))
    correlation = product / np.maximum(both, _NOISE**2 / 4)
    # A place that is textured in only one of the two counts, and counts against them.
    larger = np.maximum(energy_a, energy_b)
    return correlation, larger / (larger + _NOISE**2)


def _mean_but_worst(
    values: NDArray[np.float32], weights: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Weighted mean of each row without its lowest values, which hold a tenth of the weight."""
    order = np.argsort(values, axis=1, kind="stable")
    values = np.take_along_axis(values, order, axis=1)
    weights = np.take_along_axis(weights, order, axis=1)
    total = weights.sum(axis=1, keepdims=True)
    excess = np.cumsum(weights, axis=1) - _SET_ASIDE * total
    weights = np.clip(excess, 0, weights)
    kept = weights.sum(axis=1)
    mean: NDArray[np.float32] = (weights * values).sum(axis=1) / np.maximum(kept, 1e-6)
    return np.where(kept > 0, mean, 0).astype(np.float32)


def _equally_sharp(left: Grids, right: Grids) -> tuple[Grids, Grids]:
    """Fine detail of both pictures, the sharper one blurred to match the other."""
    a, b = filtered(left, *_BAND), filtered(right, *_BAND)
    sharp_a, sharp_b = _sharpness(left, a), _sharpness(right, b)
    uneven = np.flatnonzero(np.abs(sharp_a - sharp_b) > _EQUALLY_SHARP)
    if uneven.size == 0:
        return a, b
    left_is_sharper = (sharp_a > sharp_b)[uneven]
    sharper = np.where(left_is_sharper[:, None, None], left[uneven], right[uneven])
    detail = np.where(left_is_sharper[:, None, None], a[uneven], b[uneven])
    target = np.minimum(sharp_a, sharp_b)[uneven]
    distance = np.abs(sharp_a - sharp_b)[uneven]
    for sigma in _BLURS:
        matrix = blur_matrix(left.shape[-1], sigma)
        blurred = resampled(sharper, matrix, matrix)
        fine = filtered(blurred, *_BAND)
        now = np.abs(_sharpness(blurred, fine) - target)
        nearer = now < distance
        distance = np.where(nearer, now, distance)
        detail = np.where(nearer[:, None, None], fine, detail)
    a[uneven[left_is_sharper]] = detail[left_is_sharper]
    b[uneven[~left_is_sharper]] = detail[~left_is_sharper]
    return a, b


def _sharpness(pictures: Grids, fine: Grids) -> NDArray[np.float32]:
    """Logarithm of the energy of fine detail over that of coarser detail, `[M]`."""
    coarse = filtered(pictures, *_COARSE_BAND)
    # Absolute values, not squares: a caption must not make a picture sharp.
    fine_energy = np.abs(fine).mean(axis=(1, 2)) ** 2
    coarse_energy = np.abs(coarse).mean(axis=(1, 2)) ** 2
    ratio: NDArray[np.float32] = np.log((fine_energy + 0.3) / (coarse_energy + 1))
    return ratio
