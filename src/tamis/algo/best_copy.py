"""Which copies of a picture are degraded: enlarged, blurred or over-sharpened.

If one of two copies is sharper, it may be the original of a blurred copy, or a sharpened copy of
the original. Nothing measured on these two decides, since sharpening undoes blur. What helps is
how sharp unprocessed pictures usually are, and what the other copies agree on.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, NDArray

    from tamis.types import Indices

__all__ = ["CopyQuality", "copy_quality", "ordered"]

# In octaves of energy, measured on copies of photographs of clothes, blood cells and circuit
# boards, and of random textures; `tamis.images.fineness` says what changes it by how much.
_LOOKS_UNBLURRED = -1.1
_BLURRED, _BLUR_STEP = 0.6, 1.0
_BOOSTED, _NOISY, _NOISE_BOOST = 0.45, 1.4, 0.2
# Sides that differ by less than a tenth count as the same resolution.
_SAME_SIZE = 2 * np.log2(1.1)
_FEW_BLURRED, _MANY_SHARPENED = 0.75, 0.25
_GROUP_OF_TWO = 2


@dataclass(frozen=True)
class CopyQuality:
    """How the copies of one picture compare; lower is better.

    Attributes:
        resolution: `[n]` int64, 0 for the most pixels (sides within a tenth); an enlarged copy
            counts as the size it was enlarged from.
        enlarged: `[n]` bool.
        fault: `[n]` int64; 0 if as sharp as the other copies suggest, 1 if over-sharpened, noisy
            or slightly blurred, higher the more blurred.
    """

    resolution: Indices
    enlarged: NDArray[np.bool_]
    fault: Indices


def copy_quality(
    pixels: ArrayLike, own_pixels: ArrayLike, fineness: ArrayLike, boost: ArrayLike
) -> CopyQuality:
    """Compare copies of one picture. O(n log n).

    Args:
        pixels: `[n]` width times height.
        own_pixels: `[n]` the same before enlargement, if the copy was enlarged.
        fineness: `[n]` as in `tamis.images.fineness`; NaN if not measured, and then no fault is
            reported.
        boost: `[n]` as in `tamis.images.fineness`, or NaN.
    """
    octaves = np.log2(np.maximum(np.asarray(pixels, np.float64), 1.0))
    credited = np.log2(np.maximum(np.asarray(own_pixels, np.float64), 1.0))
    fine, high = np.asarray(fineness, np.float64), np.asarray(boost, np.float64)
    best = credited.max(initial=0.0)
    resolution = np.floor((best - credited) / _SAME_SIZE).astype(np.int64)
    fault = np.zeros(len(octaves), np.int64)
    measured = np.isfinite(fine)
    rivals = np.flatnonzero((resolution == 0) & measured & (credited == octaves))
    if len(rivals) > 1:
        usual = rivals[_most_credible(fine[rivals], high[rivals])]
        excess = np.where(measured, fine - fine[usual], 0.0)
        raised = np.where(measured, high - high[usual], 0.0)
        noisy = (excess > _NOISY) & (raised < _NOISE_BOOST * excess)
        boosted = (raised > _BOOSTED) & (excess > -_BLURRED)
        fault[noisy | boosted] = 1
        blurred = measured & (excess < -_BLURRED) & (fine < _LOOKS_UNBLURRED)
        fault[blurred] = 1 + np.floor(-excess[blurred] / _BLUR_STEP).astype(np.int64)
    return CopyQuality(resolution, credited < octaves, fault)


def _most_credible(fine: NDArray[np.float64], high: NDArray[np.float64]) -> int:
    """Return the copy most likely to have the original sharpness."""
    unblurred = np.flatnonzero(fine >= _LOOKS_UNBLURRED)
    if unblurred.size:
        by_boost = unblurred[np.lexsort((fine[unblurred], high[unblurred]))]
        return int(by_boost[int(_MANY_SHARPENED * (len(by_boost) - 1))])
    by_fineness = np.lexsort((high, fine))
    last = len(fine) - 1
    return int(by_fineness[last if len(fine) == _GROUP_OF_TWO else int(_FEW_BLURRED * last)])


def ordered(keys: Sequence[ArrayLike]) -> Indices:
    """Return row numbers from best to worst: by the first key, ties by the next, and so on.

    Lower is better in every key. If the last key differs for every row, the result does not
    depend on row order. O(n log n) per key.

    Args:
        keys: at least one, each `[n]`.

    Example:
        >>> ordered([[1, 0, 0], [0, 2, 1]])
        array([2, 1, 0])
    """
    order: Indices = np.lexsort([np.asarray(key) for key in reversed(keys)]).astype(np.int64)
    return order
