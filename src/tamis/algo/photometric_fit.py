"""What brightness, contrast, gamma and clipping made of one picture, fitted to the other.

Brightening clips whites, so that a line through all values fits neither the clipped nor the others.
The curve is fitted from the darker to the brighter picture where it says that nothing is clipped,
and clipped then: what was lost is predicted, not fitted. To fit it where the brighter picture is
not clipped would leave out, of the places near the limit, those that noise made brighter, and bend
the curve down.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["ToneCurves", "fit_tone", "is_grey", "luma_chroma", "quartered", "steepness"]

_DARKEST, _BRIGHTEST = 4, 250
_FEWEST = 100
_SELECTIONS = 3
# In levels a pixel: what noise and JPEG make of flat ground.
_STEEP = 4.0
_STEPS = 5
# As in `tamis.algo.fine_registration`: what does not vary more than noise keeps its gain of 1.
_NOISE = 2.0
_LEVELS = np.arange(256, dtype=np.float64)
_TO_CHROMA = np.array([[-0.1687, -0.3313, 0.5], [0.5, -0.4187, -0.0813]], np.float32)
# Cb and Cr of a grey picture after JPEG, and of one whose colours tell something.
_GREY_CHROMA, _COLOURED_CHROMA = 3.0, 4.0


@dataclass(frozen=True)
class ToneCurves:
    """One curve for each of red, green and blue.

    Attributes:
        curves: `[3, 256]` float32, what each level becomes, in [0, 255].
        beyond: `[3, 256]` float32, how far over 255 each level would go, or under 0 (negative).
        gain: of the three curves together; how steep they are.
        spread: of the values about the curves, in grey levels.
    """

    curves: NDArray[np.float32]
    beyond: NDArray[np.float32]
    gain: float
    spread: float

    def applied(self, picture: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return `[3, H, W]` float32 of `[3, H, W]` uint8."""
        channels = zip(self.curves, picture, strict=True)
        return np.stack([curve.take(levels, mode="clip") for curve, levels in channels])


def fit_tone(
    source: NDArray[np.float32], target: NDArray[np.float32], slope: NDArray[np.float32]
) -> ToneCurves:
    """Fit the curves that take the colours of one picture to those of the other, place by place.

    Args:
        source: `[P, 3]` levels.
        target: `[P, 3]` levels at the same places.
        slope: `[P]` how steep the pictures are there, in levels a pixel. A blur moves the levels of
            steep places and leaves flat ones, so that those tell more.
    """
    even = 1 / (1 + (slope.astype(np.float64) / _STEEP) ** 2)
    curves, gains, spreads = [], [], []
    for channel in range(3):
        curve, gain, spread = _fit_one(
            source[:, channel].astype(np.float64), target[:, channel].astype(np.float64), even
        )
        curves.append(curve)
        gains.append(gain)
        spreads.append(spread)
    unclipped = np.stack(curves)
    clipped = np.clip(unclipped, 0, 255)
    return ToneCurves(
        clipped.astype(np.float32),
        (unclipped - clipped).astype(np.float32),
        float(np.mean(gains)),
        float(np.mean(spreads)),
    )


def luma_chroma(picture: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return brightness and colours of `[3, H, W]` red, green and blue.

    Brightness is `[H, W]`; Cb and Cr are averaged to half the sides, `[2, H/2, W/2]`: JPEG keeps
    colours at half the resolution as well.
    """
    red, green, blue = picture
    luma = np.float32(0.299) * red + np.float32(0.587) * green + np.float32(0.114) * blue
    red, green, blue = quartered(picture)
    chroma = np.stack([r * red + g * green + b * blue for r, g, b in _TO_CHROMA])
    return luma, chroma


def quartered(picture: NDArray[np.float32]) -> NDArray[np.float32]:
    """Average `[..., H, W]` over squares of four pixels; an odd last row or column is left out."""
    height, width = (2 * (side // 2) for side in picture.shape[-2:])
    rows = picture[..., 0:height:2, :width] + picture[..., 1:height:2, :width]
    return (rows[..., ::2] + rows[..., 1::2]) * np.float32(0.25)


def steepness(picture: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return `[H, W]`, how far neighbours in `[3, H, W]` differ, in levels of green."""
    steep: NDArray[np.float32] = np.zeros_like(picture[1])
    down, across = np.abs(np.diff(picture[1], axis=0)), np.abs(np.diff(picture[1], axis=1))
    for part, step in (((slice(1, None), slice(None)), down), ((slice(-1), slice(None)), down)):
        steep[part] = np.maximum(steep[part], step)
    for part, step in (((slice(None), slice(1, None)), across), ((slice(None), slice(-1)), across)):
        steep[part] = np.maximum(steep[part], step)
    return steep


def is_grey(chroma: NDArray[np.float32], other: NDArray[np.float32]) -> bool:
    """Whether one of two pictures lost its colours: all of it is grey, most of the other not."""
    one, two = np.abs(chroma).max(axis=0), np.abs(other).max(axis=0)

    def lost(grey: NDArray[np.float32], coloured: NDArray[np.float32]) -> bool:
        return bool(
            np.quantile(grey, 0.999) < _GREY_CHROMA and np.median(coloured) > _COLOURED_CHROMA
        )

    return lost(one, two) or lost(two, one)


def _fit_one(
    x: NDArray[np.float64], y: NDArray[np.float64], even: NDArray[np.float64]
) -> tuple[NDArray[np.float64], float, float]:
    clear = (x > _DARKEST) & (x < _BRIGHTEST) & (y > _DARKEST) & (y < _BRIGHTEST)
    if np.count_nonzero(clear) < _FEWEST:
        clear = np.ones_like(clear)
    first = clear
    curve, gain, spread = _robust_curve(x[clear], y[clear], even[clear])
    for _ in range(_SELECTIONS):
        said = np.interp(x, _LEVELS, curve)
        clear = (x > _DARKEST) & (x < _BRIGHTEST) & (said > _DARKEST) & (said < _BRIGHTEST)
        if np.count_nonzero(clear) < _FEWEST or np.array_equal(clear, first):
            break
        first = clear
        curve, gain, spread = _robust_curve(x[clear], y[clear], even[clear])
    return np.maximum.accumulate(curve), float(max(gain, 1e-3)), spread


def _robust_curve(
    x: NDArray[np.float64], y: NDArray[np.float64], even: NDArray[np.float64]
) -> tuple[NDArray[np.float64], float, float]:
    """Fit level, gain and bend: the curve `[256]`, not clipped, its gain, and the spread."""
    weight = even
    gain, level, bend, spread = 1.0, 0.0, 0.0, 1.0
    for _ in range(_STEPS):
        total = weight.sum() + 1e-6
        mean = (weight * x).sum() / total
        basis = np.stack([np.ones_like(x), x - mean, (x - mean) ** 2 / 128])
        weighted = basis * weight
        normal = weighted @ basis.T / total
        # Ridge: gain 1 and no bend, by as much as noise hides them.
        normal[1, 1] += _NOISE**2
        normal[2, 2] += 4 * _NOISE**2
        right = weighted @ y / total
        right[1] += _NOISE**2
        level, gain, bend = np.linalg.solve(normal, right)
        residual = y - basis.T @ np.array([level, gain, bend])
        middle = residual.size // 2
        spread = float(np.partition(np.abs(residual), middle)[middle]) * 1.483 + 0.7
        weight = even / (1 + (residual / (2 * spread)) ** 2)
    # Beyond the values that were seen, the curve goes on straight.
    ends = [int(share * (x.size - 1)) for share in (0.02, 0.98)]
    low, high = np.partition(x, ends)[ends] - mean
    at = _LEVELS - mean
    held = np.clip(at, low, high)
    curve = level + gain * held + bend * held**2 / 128
    curve += (gain + 2 * bend * held / 128) * (at - held)
    return curve, float(gain), spread
