"""Patches and scars pasted into a picture from elsewhere in it: made small flaws to learn from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["paste_patch", "paste_scar"]

_LEAST: Final = 2
_LIGHT: Final = 0.1


def paste_patch(pixels: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    """Return a copy with a piece of the picture pasted elsewhere (Li et al. 2021, CutPaste).

    The piece has .3 to 3 % of the picture's area, an aspect of up to 3.3 to one, and its light
    differs by up to 10 %. The paper takes 2 to 15 %, for flaws that fill more of a picture.

    Args:
        pixels: `[H, W, 3]` uint8, at least 8 pixels a side.
        rng: draws size, places and light.
    """
    height, width, _ = pixels.shape
    area = rng.uniform(0.003, 0.03) * height * width
    aspect = np.exp(rng.uniform(-1, 1) * np.log(3.3))
    tall = int(np.clip(round(np.sqrt(area / aspect)), _LEAST, height // 2))
    wide = int(np.clip(round(np.sqrt(area * aspect)), _LEAST, width // 2))
    piece = _in_other_light(_piece(pixels, tall, wide, rng), rng)
    made = pixels.copy()
    top, left = _place(height - tall, rng), _place(width - wide, rng)
    made[top : top + tall, left : left + wide] = piece
    return made


def paste_scar(pixels: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    """Return a copy with a thin turned strip of the picture pasted elsewhere (CutPaste's scar).

    The strip is 1 to 5 % of the shorter side wide and 8 to 25 % long, at any angle.

    Args:
        pixels: `[H, W, 3]` uint8, at least 8 pixels a side.
        rng: draws size, angle, places and light.
    """
    height, width, _ = pixels.shape
    shorter = min(height, width)
    long = max(float(_LEAST), shorter * rng.uniform(0.08, 0.25))
    thin = max(1.0, shorter * rng.uniform(0.01, 0.05))
    angle = rng.uniform(0, np.pi)
    across, down = np.cos(angle), np.sin(angle)
    wide = int(np.clip(np.ceil(abs(long * across) + abs(thin * down)) + 1, _LEAST, width))
    tall = int(np.clip(np.ceil(abs(long * down) + abs(thin * across)) + 1, _LEAST, height))
    rows, columns = np.ogrid[:tall, :wide]
    y, x = rows - (tall - 1) / 2, columns - (wide - 1) / 2
    inside = (abs(x * across + y * down) <= long / 2) & (abs(y * across - x * down) <= thin / 2)
    piece = _in_other_light(_piece(pixels, tall, wide, rng), rng)
    made = pixels.copy()
    top, left = _place(height - tall, rng), _place(width - wide, rng)
    target = made[top : top + tall, left : left + wide]
    target[inside] = piece[inside]
    return made


def _piece(
    pixels: NDArray[np.uint8], tall: int, wide: int, rng: np.random.Generator
) -> NDArray[np.uint8]:
    top, left = _place(pixels.shape[0] - tall, rng), _place(pixels.shape[1] - wide, rng)
    return pixels[top : top + tall, left : left + wide]


def _place(room: int, rng: np.random.Generator) -> int:
    return int(rng.integers(0, room + 1))


def _in_other_light(piece: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    light = piece * rng.uniform(1 - _LIGHT, 1 + _LIGHT)
    rounded: NDArray[np.uint8] = np.clip(np.rint(light), 0, 255).astype(np.uint8)
    return rounded
