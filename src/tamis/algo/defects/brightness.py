"""Pictures brought to one brightness, so that a darker exposure is no flaw."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["LARGEST_GAIN", "at_brightness", "brightness_of", "gained"]

LARGEST_GAIN: Final = 1.5
"""Exposures that differ by more than this stay different."""


def brightness_of(pixels: NDArray[np.uint8]) -> float:
    """Return the mean of all pixels and channels, 0 to 255."""
    return float(pixels.sum(dtype=np.int64) / pixels.size)


def at_brightness(pixels: NDArray[np.uint8], wanted: float) -> NDArray[np.uint8]:
    """Return a picture with its mean brought to `wanted` by one gain, at most 1.5 up or down.

    Args:
        pixels: `[..., 3]` uint8.
        wanted: the mean that nominal pictures have.
    """
    gain = wanted / max(brightness_of(pixels), 1.0)
    return gained(pixels, min(max(gain, 1 / LARGEST_GAIN), LARGEST_GAIN))


def gained(pixels: NDArray[np.uint8], gain: float) -> NDArray[np.uint8]:
    """Return a picture multiplied by a gain, rounded and clipped.

    >>> gained(np.array([10, 200], np.uint8), 1.5).tolist()
    [15, 255]
    """
    table = np.clip(np.rint(np.arange(256) * gain), 0, 255).astype(np.uint8)
    # four times faster than an index, which NumPy widens to 64 bits
    changed = np.frombuffer(pixels.tobytes().translate(table.tobytes()), np.uint8)
    return changed.reshape(pixels.shape)
