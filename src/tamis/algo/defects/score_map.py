"""From distances by place to a heat-map, and to what is said of the whole picture."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from tamis.algo.defects.linear_maps import gaussian_matrix, resize_matrix

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["MapFigures", "Scale", "figures_of", "heat_map", "smoothed"]


class MapFigures(NamedTuple):
    """What a score map says of its picture.

    Attributes:
        peak: its highest place: a small flaw.
        mean: the mean of all places: a picture that is odd as a whole.
    """

    peak: float
    mean: float


class Scale(NamedTuple):
    """Brings both figures to one scale: robust deviations from what nominal pictures have.

    Attributes:
        center: peak and mean of a typical nominal picture.
        spread: one deviation of each, above 0.
    """

    center: tuple[float, float]
    spread: tuple[float, float]

    @staticmethod
    def of(figures: NDArray[np.float64]) -> Scale:
        """Return the medians and scaled median deviations of `[N, 2]` figures."""
        center = np.median(figures, axis=0)
        spread = 1.4826 * np.median(np.abs(figures - center), axis=0)
        floor = 1e-3 * np.abs(center) + 1e-6  # equal pictures must not make rounding a flaw
        spread = np.maximum(spread, floor)
        return Scale((float(center[0]), float(center[1])), (float(spread[0]), float(spread[1])))

    def score(self, figures: MapFigures) -> float:
        """Return how many deviations the picture is above a nominal one, by the worse figure."""
        return max(
            (figure - center) / spread
            for figure, center, spread in zip(figures, self.center, self.spread, strict=True)
        )


def smoothed(distances: NDArray[np.float32], sigma: float) -> NDArray[np.float32]:
    """Return a map `[h, w]` of distances smoothed by a Gaussian of `sigma` cells."""
    height, width = distances.shape
    down, across = gaussian_matrix(height, sigma), gaussian_matrix(width, sigma)
    found: NDArray[np.float32] = np.linalg.multi_dot([down, distances, across.T])
    return found


def figures_of(score_map: NDArray[np.float32]) -> MapFigures:
    """Return the figures of a smoothed map `[h, w]`."""
    return MapFigures(float(score_map.max()), float(score_map.mean(dtype=np.float64)))


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
