"""How well heat-maps say where flaws are, against masks: pixel AUROC, PRO and F1."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy import ndimage
from scipy.integrate import trapezoid
from scipy.stats import rankdata

from tamis.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

__all__ = ["Localization", "area_under_curve", "localization"]

_EIGHT = np.ones((3, 3), np.bool_)
_LIMIT = 0.3
_LEVELS = 512


class Localization(NamedTuple):
    """How well heat-maps agree with masks.

    Attributes:
        pixel_auroc: chance that a pixel of a flaw is higher than another pixel.
        pro: area under the mean share of each flawed region that is found, over false-positive
            rates of pixels up to 0.3, divided by 0.3 (Bergmann et al. 2021).
        f1: of pixels, at the best threshold.
        f1_threshold: that threshold.
    """

    pixel_auroc: float
    pro: float
    f1: float
    f1_threshold: float


def area_under_curve(positive: NDArray[np.float64], negative: NDArray[np.float64]) -> float:
    """Return the chance that a positive score is above a negative one, ties as a half.

    >>> area_under_curve(np.array([2.0, 3.0]), np.array([1.0, 2.0]))
    0.875

    Raises:
        UsageError: one side is empty.
    """
    if not len(positive) or not len(negative):
        raise UsageError("an AUROC needs scores of both kinds")
    ranks = rankdata(np.concatenate([positive, negative]))[: len(positive)]
    wins = ranks.sum() - len(positive) * (len(positive) + 1) / 2
    return float(wins / (len(positive) * len(negative)))


def localization(
    maps: Sequence[NDArray[np.float32]], masks: Sequence[NDArray[np.bool_]]
) -> Localization:
    """Compare heat-maps with masks of the same sizes, over all pixels of all pictures.

    Scores are counted in 512 levels between which nothing is told apart: memory does not grow with
    pixels. O(pixels).

    Args:
        maps: `[H, W]` float32 each.
        masks: `[H, W]` bool each; at least one pixel in all is flawed, and one is not.

    Raises:
        UsageError: a map and its mask differ in size, or all pixels are of one kind.
    """
    for heat, mask in zip(maps, masks, strict=True):
        if heat.shape != mask.shape:
            raise UsageError(f"a mask of {mask.shape} does not fit a map of {heat.shape}")
    edges = _edges(maps)
    flawed = np.zeros(_LEVELS + 1)
    other = np.zeros(_LEVELS + 1)
    found: list[NDArray[np.float64]] = []
    for heat, mask in zip(maps, masks, strict=True):
        place = np.searchsorted(edges, heat, side="right")
        flawed += np.bincount(place[mask], minlength=_LEVELS + 1)
        other += np.bincount(place[~mask], minlength=_LEVELS + 1)
        labels, count = ndimage.label(mask, _EIGHT)
        for number in range(1, count + 1):
            inside = np.bincount(place[labels == number], minlength=_LEVELS + 1).astype(float)
            found.append(_above(inside) / inside.sum())
    if not flawed.sum() or not other.sum():
        raise UsageError("masks must show both flawed pixels and others")
    true, false = _above(flawed), _above(other)
    rate, share = false / other.sum(), true / flawed.sum()
    auroc = float(trapezoid(share, rate))
    per_region = np.mean(found, axis=0)
    inside = rate <= _LIMIT
    at_limit = np.interp(_LIMIT, rate, per_region)
    rates = np.append(rate[inside], _LIMIT)
    pro = float(trapezoid(np.append(per_region[inside], at_limit), rates) / _LIMIT)
    f1 = 2 * true / np.maximum(true + false + flawed.sum(), 1)
    best = int(np.argmax(f1))
    thresholds = np.append(edges[::-1], -np.inf)
    return Localization(auroc, pro, float(f1[best]), float(thresholds[max(best - 1, 0)]))


def _edges(maps: Sequence[NDArray[np.float32]]) -> NDArray[np.float64]:
    """Return 512 ascending levels, finer where high scores lie."""
    sample = np.concatenate([heat.ravel()[:: max(1, heat.size // 4096)] for heat in maps])
    high = max(float(heat.max()) for heat in maps)
    low = float(sample.min())
    by_rank = np.quantile(sample, np.linspace(0, 1, _LEVELS // 2))
    by_value = np.linspace(low, high, _LEVELS - _LEVELS // 2)
    return np.sort(np.concatenate([by_rank, by_value]).astype(np.float64))


def _above(counts: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return 0, and how many are at each level or above, from the highest level down."""
    upper: NDArray[np.float64] = np.cumsum(counts[::-1]).astype(np.float64)
    return np.concatenate([[0.0], upper])
