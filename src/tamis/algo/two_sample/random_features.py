"""Random Fourier features of a Gaussian kernel of several widths."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tamis.types import Indices, Vectors

__all__ = ["BANDWIDTHS", "median_distance", "random_features", "random_frequencies"]

BANDWIDTHS: Final = (0.5, 1.0, 2.0)
"""Widths of the Gaussians, as multiples of the median distance; the kernel is their mean.

Each is half of the next.
"""

_FREQUENCIES: Final = 128
_MEDIAN_PAIRS: Final = 5000


def median_distance(X: Vectors, rows: Indices, rng: np.random.Generator) -> float:
    """Return the median Euclidean distance of random pairs of `rows` that differ; 1 if none do."""
    left, right = rows[rng.integers(0, rows.size, (2, _MEDIAN_PAIRS))]
    distance = np.linalg.norm(X[left] - X[right], axis=1)
    distance = distance[distance > 0]
    return float(np.median(distance)) if distance.size else 1.0


def random_frequencies(dim: int, median: float, rng: np.random.Generator) -> NDArray[np.float32]:
    """Draw frequencies `[D, 384]`, 128 for each width (Rahimi and Recht 2007)."""
    drawn = rng.standard_normal((dim, len(BANDWIDTHS) * _FREQUENCIES), dtype=np.float32)
    drawn /= np.repeat(np.array(BANDWIDTHS, np.float32) * np.float32(median), _FREQUENCIES)
    return drawn


def random_features(X: Vectors, frequencies: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return features `[N, 768]` of length 1 whose products approach the kernel's values."""
    angle = X @ frequencies
    features: NDArray[np.float32] = np.concatenate([np.cos(angle), np.sin(angle)], axis=1)
    features /= np.float32(np.sqrt(frequencies.shape[1]))
    return features
