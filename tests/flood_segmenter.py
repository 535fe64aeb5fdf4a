"""A segmenter as a user may name it: what has nearly the color of the first point that belongs."""

from __future__ import annotations

from typing import Any

import numpy as np

REACH = 12


def segment(picture: Any, points: Any, inside: Any) -> Any:
    """Return what has nearly the color of a point inside, without that of points outside."""
    mask = np.zeros(picture.shape[:2], bool)
    for belongs in (True, False):
        for x, y in points[inside == belongs]:
            color = picture[int(y), int(x)].astype(int)
            mask[(abs(picture.astype(int) - color) <= REACH).all(axis=2)] = belongs
    return mask


def broken(_picture: Any, _points: Any, _inside: Any) -> Any:
    """Fail as a user's code may."""
    raise RuntimeError("no weights at ~/sam.onnx")


def small(_picture: Any, _points: Any, _inside: Any) -> Any:
    """Return a mask of another picture."""
    return np.zeros((2, 3), bool)
