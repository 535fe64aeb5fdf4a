"""From distances by place to a heat-map, and to what is said of the whole picture."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from tamis.algo.defects.linear_maps import gaussian_matrix, resize_matrix

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Scale", "heat_map", "smoothed"]


class Scale(NamedTuple):
    """Brings a figure of pictures to robust deviations from what nominal pictures have.

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
        floor = 1e-3 * abs(center) + 1e-7  # equal pictures must not make rounding a flaw
        return Scale(center, max(spread, floor))

    def scaled(self, figures: NDArray[Any]) -> NDArray[Any]:
        """Return figures in deviations above the center."""
        changed: NDArray[Any] = (figures - self.center) / self.spread
        return changed


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
