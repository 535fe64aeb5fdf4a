"""From distances by place to a heat-map, and to what is said of the whole picture."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np

from tamis.algo.defects.linear_maps import gaussian_matrix, resize_matrix

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Scale", "heat_map", "highest_count", "highest_mean", "smoothed"]


_HIGHEST: Final = 0.005
"""Share of the places whose mean is read: a flaw covers several, noise of a nominal picture one."""

_UPPER_MEAN: Final = 0.7979
"""Deviations that the upper half of a normal distribution lies above its median on average."""

_FARTHEST: Final = 10.0
"""Robust deviations above the median from which figures count as if they were no higher."""


class Scale(NamedTuple):
    """Brings a figure of pictures to deviations from what nominal pictures have.

    Attributes:
        center: of a typical nominal picture.
        spread: one deviation, above 0.
    """

    center: float
    spread: float

    @staticmethod
    def of(figures: NDArray[np.float64]) -> Scale:
        """Return the median and the scaled median deviation of `[N]` figures."""
        center = float(np.median(figures))
        spread = 1.4826 * float(np.median(np.abs(figures - center)))
        return Scale(center, max(spread, _least_spread(center)))

    @staticmethod
    def above(figures: NDArray[np.float64]) -> Scale:
        """Return the median of `[N]` figures and how far those above it are from it on average.

        That is brought to the standard deviation of a normal distribution. Of figures with upper
        tails of different length, each exceeds the same number of these deviations about as often,
        so none decides alone where the highest counts.
        """
        center = float(np.median(figures))
        excess = (figures - center)[figures > center]
        spread = 0.0
        if len(excess):
            farthest = _FARTHEST * 1.4826 * float(np.median(excess))
            spread = float(np.minimum(excess, farthest).mean()) / _UPPER_MEAN
        return Scale(center, max(spread, _least_spread(center)))

    def scaled(self, figures: NDArray[Any]) -> NDArray[Any]:
        """Return figures in deviations above the center."""
        changed: NDArray[Any] = (figures - self.center) / self.spread
        return changed


def _least_spread(center: float) -> float:
    return 1e-3 * abs(center) + 1e-7  # equal pictures must not make rounding a flaw


def highest_count(places: int) -> int:
    """Return how many of so many places `highest_mean` reads: 0.5 %, at least one.

    >>> highest_count(4096), highest_count(49)
    (20, 1)
    """
    return max(1, round(_HIGHEST * places))


def highest_mean(places: NDArray[np.float32]) -> float:
    """Return the mean of the highest 0.5 % of a map `[h, w]`. O(h w)."""
    flat = places.ravel()
    begin = flat.size - highest_count(flat.size)
    return float(np.partition(flat, begin)[begin:].mean(dtype=np.float64))


def smoothed(distances: NDArray[np.float32], sigma: float) -> NDArray[np.float32]:
    """Return a map `[h, w]` of distances smoothed by a Gaussian of `sigma` cells."""
    height, width = distances.shape
    down, across = gaussian_matrix(height, sigma), gaussian_matrix(width, sigma)
    found: NDArray[np.float32] = np.linalg.multi_dot([down, distances, across.T])
    return found


def heat_map(score_map: NDArray[np.float32], size: tuple[int, int]) -> NDArray[np.float32]:
    """Return a smoothed map at the size of its picture, `[height, width]` float32.

    Bilinear, so that no pixel is above the highest place.

    Args:
        score_map: `[h, w]` float32.
        size: height and width in pixels.
    """
    down = resize_matrix(score_map.shape[0], size[0])
    across = resize_matrix(score_map.shape[1], size[1])
    found: NDArray[np.float32] = np.linalg.multi_dot([down, score_map, across.T])
    return found
