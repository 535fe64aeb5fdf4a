"""Synthetic pictures for trying an encoder: neither flat nor noise, all different."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

if TYPE_CHECKING:
    from tamis.types import PixelBatch, Preprocessing

__all__ = ["trial_picture", "trial_pixels"]

_CELLS = (6, 8)
_GRAIN = 12.0


def trial_picture(width: int, height: int, seed: int = 0) -> Image.Image:
    """Return an RGB picture with smooth colors, edges and grain, determined by the seed.

    >>> trial_picture(40, 30).size
    (40, 30)
    """
    rng = np.random.default_rng(seed)
    coarse = Image.fromarray(rng.integers(0, 256, (*_CELLS, 3), dtype=np.uint8))
    pixels = np.asarray(coarse.resize((width, height), Image.Resampling.BICUBIC)).astype(np.float32)
    for _ in range(_CELLS[0] * _CELLS[1] // 4):
        left, top = rng.uniform(0, 0.9, 2) * (width, height)
        right, bottom = rng.uniform(0.05, 0.3, 2) * (width, height) + (left, top)
        place = np.s_[int(top) : int(bottom) + 1, int(left) : int(right) + 1]
        pixels[place] = 0.3 * pixels[place] + 0.7 * rng.integers(0, 256, 3)
    for start in range(0, height, 64):  # in strips, so that a large one takes little memory
        strip = pixels[start : start + 64]
        strip += rng.normal(0, _GRAIN, strip.shape).astype(np.float32)
    return Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))


def trial_pixels(preprocessing: Preprocessing, count: int) -> PixelBatch:
    """Return prepared pictures `[count, H, W, 3]` uint8, all different."""
    return np.stack(
        [
            np.asarray(trial_picture(preprocessing.width, preprocessing.height, seed))
            for seed in range(count)
        ]
    )
