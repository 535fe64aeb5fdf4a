"""Small made pictures of parts, all alike, some with a flaw."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["part", "save_parts", "with_hole"]


def part(seed: int, size: int = 64) -> np.ndarray:
    """A ground with fine noise and a bright bar across, `[size, size, 3]` uint8."""
    rng = np.random.default_rng(seed)
    pixels = 110 + rng.normal(0, 8, (size, size, 3))
    pixels[size // 4 : size // 3] += 50
    return np.clip(pixels, 0, 255).astype(np.uint8)


def with_hole(pixels: np.ndarray, at: tuple[int, int] = (40, 20), color=20) -> np.ndarray:
    """A part with a square of 10 pixels, its upper left corner at row and column `at`."""
    changed = pixels.copy()
    changed[at[0] : at[0] + 10, at[1] : at[1] + 10] = color
    return changed


def save_parts(folder: Path, seeds, change=lambda pixels: pixels, size: int = 64) -> None:
    """Write a part for each seed."""
    folder.mkdir(parents=True, exist_ok=True)
    for seed in seeds:
        Image.fromarray(change(part(seed, size))).save(folder / f"part{seed:04}.png")
