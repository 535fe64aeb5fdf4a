"""A picture with its heat-map on it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
from PIL import Image, ImageDraw

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

__all__ = ["OVERLAY_SIDE", "overlay", "translucent"]

OVERLAY_SIDE: Final = 1600
"""Longest side in pixels of a picture with its heat-map."""

_STRONGEST: Final = 0.65
_HOT: Final = np.array([[255, 220, 0], [255, 0, 0]], np.float32)


def overlay(
    image: Image.Image,
    heat: NDArray[np.float32],
    threshold: float,
    boxes: Sequence[tuple[int, int, int, int]] = (),
) -> Image.Image:
    """Return a picture with its heat-map in yellow to red, and frames around its regions.

    Where the map is at half the threshold nothing is seen; at one and a half it is red.

    Args:
        image: upright RGB, of any size.
        heat: `[h, w]` float32, of the same shape of picture.
        threshold: at which a region begins; where it is not above 0, the map is shown from 0 to 1.
        boxes: left, top, width and height in pixels of the map.
    """
    height, width = heat.shape
    shown = image.convert("RGB").resize((width, height), Image.Resampling.BICUBIC)
    pixels = np.asarray(shown, np.float32)
    hot, color = _colored(heat, threshold)
    mixed = pixels * (1 - _STRONGEST * hot) + color * (_STRONGEST * hot)
    made = Image.fromarray(np.rint(mixed).astype(np.uint8))
    draw = ImageDraw.Draw(made)
    for left, top, wide, high in boxes:
        draw.rectangle(
            (left, top, left + wide - 1, top + high - 1),
            outline=(255, 0, 0),
            width=max(1, max(width, height) // 300),
        )
    return made


def translucent(heat: NDArray[np.float32], threshold: float) -> Image.Image:
    """Return a heat-map alone, as RGBA, to lie over its picture as `overlay` would draw it."""
    hot, color = _colored(heat, threshold)
    pixels = np.concatenate([color, 255 * _STRONGEST * hot], axis=-1)
    return Image.fromarray(np.rint(pixels).astype(np.uint8))


def _colored(
    heat: NDArray[np.float32], threshold: float
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return how hot each place is, `[h, w, 1]` from 0 to 1, and its color, `[h, w, 3]`."""
    hot = np.clip(heat / (threshold if threshold > 0 else 1.0) - 0.5, 0, 1)[..., None]
    return hot, _HOT[0] * (1 - hot) + _HOT[1] * hot
