"""Whether pictures can be told from their mirrored or turned versions, as a set."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["layout_of", "share_told_apart"]

_CELLS: Final = 8
_ANGLES: Final = 8


def layout_of(luma: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return where a picture is light and which way its edges run, `[576]`, of length 1 each part.

    The mean light of 8 x 8 cells, and in each cell the strength of edges in eight directions, in
    which light and dark sides differ.

    Args:
        luma: `[S, S]` with S a multiple of 8.
    """
    step = luma.shape[0] // _CELLS
    down, across = np.gradient(luma.astype(np.float64))
    strength = np.hypot(down, across)
    angle = np.floor((np.arctan2(down, across) / (2 * np.pi) + 0.5) * _ANGLES).astype(int) % _ANGLES

    def cells(values: NDArray[np.float64]) -> NDArray[np.float64]:
        summed: NDArray[np.float64] = values.reshape(_CELLS, step, _CELLS, step).sum(axis=(1, 3))
        return summed.ravel()

    light = cells(luma.astype(np.float64))
    light = light - light.mean()
    edges = np.concatenate([cells(strength * (angle == one)) for one in range(_ANGLES)])
    parts = [part / max(float(np.linalg.norm(part)), 1e-9) for part in (light, edges)]
    return np.concatenate(parts)


def share_told_apart(original: NDArray[np.float64], changed: NDArray[np.float64]) -> float:
    """Return how often a picture is told from its changed version, 0.5 by chance.

    What differs on average between both, over half of the pictures, tells in the other half which
    of two is the original ("visual chirality", Lin et al. 2020, with layouts in place of a
    network). Halves alternate by row, and each serves the other.

    Args:
        original: `[N, F]` layouts.
        changed: `[N, F]` of the same pictures, changed.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> rows = rng.normal(size=(40, 3))
        >>> share_told_apart(rows + [2, 0, 0], rows - [2, 0, 0])
        1.0
    """
    difference = original - changed
    right = 0.0
    for fold in (0, 1):
        fitted, held = difference[1 - fold :: 2], difference[fold::2]
        spread = fitted.std(axis=0) + 1e-6
        direction = fitted.mean(axis=0) / spread**2
        told = held @ direction
        right += float((told > 0).sum()) + 0.5 * float((told == 0).sum())
    return right / len(difference)
