"""Made pictures with texture at every scale, and copies of them, for tests of duplicates."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import gaussian_filter, zoom

SIDE = 128


def scene(seed: int, side: int = SIDE) -> np.ndarray:
    """A random picture whose detail falls off with frequency as in photographs, uint8."""
    rng = np.random.default_rng(seed)
    picture = sum(
        2.0**octave * zoom(rng.normal(size=(side // 2**octave,) * 2), 2**octave, order=1)
        for octave in range(6)
    )
    return _levels(gaussian_filter(picture, 0.7), 45)


def alike(seed: int, layout: int, side: int = SIDE) -> np.ndarray:
    """A picture that shares its coarse layout with every other of the same `layout`."""
    coarse = gaussian_filter(scene(layout, side).astype(float), 8)
    fine = scene(seed, side).astype(float)
    return _levels(coarse * 3 + fine - gaussian_filter(fine, 6), 45)


def crop(picture: np.ndarray, top: int, left: int, side: int) -> np.ndarray:
    """Cut a square and bring it back to the size of the picture."""
    part = picture[top : top + side, left : left + side].astype(float)
    return _bytes(zoom(part, len(picture) / side, order=1))


def blurred(picture: np.ndarray, sigma: float) -> np.ndarray:
    return _bytes(gaussian_filter(picture.astype(float), sigma))


def brighter(picture: np.ndarray, factor: float) -> np.ndarray:
    return _bytes(picture.astype(float) * factor)


def noisy(picture: np.ndarray, spread: float) -> np.ndarray:
    return _bytes(picture + np.random.default_rng(0).normal(0, spread, picture.shape))


def captioned(picture: np.ndarray) -> np.ndarray:
    """Stripes, as a line of text, over about 4 % of the picture."""
    n = len(picture)
    copy = picture.copy()
    copy[n // 10 : n // 10 + n // 16, n // 5 : n // 5 + n // 2] = np.where(
        np.arange(n // 2) // 3 % 2, 250, 5
    )
    return copy


def _levels(values: np.ndarray, spread: float) -> np.ndarray:
    return _bytes(128 + spread * (values - values.mean()) / values.std())


def _bytes(values: np.ndarray) -> np.ndarray:
    return np.clip(np.rint(values), 0, 255).astype(np.uint8)
