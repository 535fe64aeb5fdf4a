"""How much boxes overlap."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["overlaps"]


def overlaps(
    predicted: NDArray[np.float64], true: NDArray[np.float64], crowd: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """Return the intersection over union `[P, T]` of boxes `x, y, width, height`.

    With a crowd it is the intersection over the predicted box's area, as COCO has it: many
    predictions may lie in one crowd.

    Args:
        predicted: `[P, 4]`.
        true: `[T, 4]`.
        crowd: `[T]`.
    """
    left, right = predicted[:, None], true[None]
    ends = np.minimum(left[..., :2] + left[..., 2:], right[..., :2] + right[..., 2:])
    sides = np.clip(ends - np.maximum(left[..., :2], right[..., :2]), 0, None)
    shared = sides[..., 0] * sides[..., 1]
    own = predicted[:, 2] * predicted[:, 3]
    union = own[:, None] + (true[:, 2] * true[:, 3])[None] - shared
    whole = np.where(crowd[None], own[:, None], union)
    found: NDArray[np.float64] = np.divide(
        shared, whole, out=np.zeros_like(shared), where=whole > 0
    )
    return found
