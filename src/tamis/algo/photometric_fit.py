"""What brightness, contrast, gamma and clipping made of one picture, fitted to the other.

Brightening clips whites, so that a line through all values fits neither the clipped nor the others.
The curve is fitted from the darker to the brighter picture where it says that nothing is clipped,
and clipped then: what was lost is predicted, not fitted. To fit it where the brighter picture is
not clipped would leave out, of the places near the limit, those that noise made brighter, and bend
the curve down.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["ToneCurves", "fit_tone", "is_grey", "luma_chroma", "quartered", "steepness"]

_DARKEST, _BRIGHTEST = 4, 250
_FEWEST = 100
_SELECTIONS = 3
# In levels a pixel: what noise and JPEG make of flat ground.
_STEEP = 4.0
_STEPS, _STEPS_AGAIN = 5, 3
# Grey levels over which a bend of 1 changes the slope by 2.
_BEND = 128.0
# As in `tamis.algo.fine_registration`: what does not vary more than noise keeps its gain of 1.
_NOISE = 2.0
_LEVELS = np.arange(256, dtype=np.float64)
_TO_CHROMA = np.array([[-0.1687, -0.3313, 0.5], [0.5, -0.4187, -0.0813]], np.float32)
# Cb and Cr of a grey picture after JPEG, and of one whose colours tell something.
_GREY_CHROMA, _COLOURED_CHROMA = 3.0, 4.0
_STRAY = 0.001


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
        source: `[P, 3]` levels; at most some thousand places, or BLAS splits products over threads.
        target: `[P, 3]` levels at the same places.
        slope: `[P]` how steep the pictures are there, in levels a pixel. A blur moves the levels of
            steep places and leaves flat ones, so that those tell more.
    """
    even = 1 / (1 + (slope.astype(np.float64) / _STEEP) ** 2)
    pairs = np.stack([source.T, target.T], axis=1).astype(np.float64)
    # Of grey pictures, one curve is all three.
    grey = np.array_equal(pairs[0], pairs[1]) and np.array_equal(pairs[0], pairs[2])
    fits = [_fit_one(x, y, even) for x, y in pairs[: 1 if grey else 3]]
    curves, gains, spreads = zip(*(3 * fits if grey else fits), strict=True)
    unclipped = np.stack(curves)
    clipped = np.clip(unclipped, 0, 255)
    return ToneCurves(
        clipped.astype(np.float32),
        (unclipped - clipped).astype(np.float32),
        float(np.mean(gains)),
        float(np.mean(spreads)),
    )


def luma_chroma(
    picture: NDArray[np.float32], quarters: NDArray[np.float32] | None = None
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return brightness and colours of `[3, H, W]` red, green and blue.

    Brightness is `[H, W]`; Cb and Cr are averaged to half the sides, `[2, H/2, W/2]`: JPEG keeps
    colours at half the resolution as well. `quarters` is the picture `quartered`, if it is known.
    """
    red, green, blue = picture
    luma = np.float32(0.299) * red + np.float32(0.587) * green + np.float32(0.114) * blue
    red, green, blue = quartered(picture) if quarters is None else quarters
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
        some = np.count_nonzero(grey >= _GREY_CHROMA)
        many = np.count_nonzero(coloured > _COLOURED_CHROMA)
        return bool(some < _STRAY * grey.size and 2 * many > coloured.size)

    return lost(one, two) or lost(two, one)


def _fit_one(
    x: NDArray[np.float64], y: NDArray[np.float64], even: NDArray[np.float64]
) -> tuple[NDArray[np.float64], float, float]:
    between = (x > _DARKEST) & (x < _BRIGHTEST)
    clear = between & (y > _DARKEST) & (y < _BRIGHTEST)
    if np.count_nonzero(clear) < _FEWEST:
        clear = np.ones_like(clear)
    fit = _robust_fit(x[clear], y[clear], even[clear], _STEPS)
    for _ in range(_SELECTIONS):
        said = fit.at(x)
        chosen = between & (said > _DARKEST) & (said < _BRIGHTEST)
        if np.count_nonzero(chosen) < _FEWEST or np.array_equal(chosen, clear):
            break
        clear = chosen
        fit = _robust_fit(x[clear], y[clear], even[clear], _STEPS_AGAIN, fit)
    return np.maximum.accumulate(fit.at(_LEVELS)), float(max(fit.gain, 1e-3)), fit.spread


class _Fit(NamedTuple):
    """A parabola about a mean level that goes on straight beyond the values that were seen."""

    mean: float
    level: float
    gain: float
    bend: float
    spread: float
    low: float
    high: float

    def at(self, x: NDArray[np.float64]) -> NDArray[np.float64]:
        beside = x - self.mean
        held = np.clip(beside, self.low, self.high)
        curve = self.level + held * (self.gain + self.bend / _BEND * held)
        curve += (self.gain + 2 * self.bend / _BEND * held) * (beside - held)
        return curve

    def residual(self, x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.float64]:
        beside = x - self.mean
        left: NDArray[np.float64] = y - self.level
        left -= beside * (self.gain + self.bend / _BEND * beside)
        return left


def _robust_fit(
    x: NDArray[np.float64],
    y: NDArray[np.float64],
    even: NDArray[np.float64],
    steps: int,
    start: _Fit | None = None,
) -> _Fit:
    """Fit level, gain and bend, with little weight for values far off; one step is one fit."""
    ends = [int(share * (x.size - 1)) for share in (0.02, 0.98)]
    lowest, highest = np.partition(x, ends)[ends]
    weight = even if start is None else _robust_weight(start.residual(x, y), even)[0]
    fit = start
    for _ in range(steps):
        total = weight.sum() + 1e-6
        mean = float(weight @ x / total)
        beside = x - mean
        weighted = weight * beside
        squares = weighted * beside
        curved = squares * beside
        # Mean powers of x, and of x times y.
        first, second = weighted.sum() / total, squares.sum() / total
        third, fourth = curved.sum() / total / _BEND, curved @ beside / total / _BEND**2
        # Ridge: gain 1 and no bend, by as much as noise hides them.
        normal = np.array(
            [
                [weight.sum() / total, first, second / _BEND],
                [first, second + _NOISE**2, third],
                [second / _BEND, third, fourth + 4 * _NOISE**2],
            ]
        )
        right = np.array([part @ y / total for part in (weight, weighted, squares)])
        right[1] += _NOISE**2
        right[2] /= _BEND
        level, gain, bend = np.linalg.solve(normal, right).tolist()
        fit = _Fit(mean, level, gain, bend, 1.0, float(lowest - mean), float(highest - mean))
        weight, spread = _robust_weight(fit.residual(x, y), even)
        fit = fit._replace(spread=spread)
    assert fit is not None
    return fit


def _robust_weight(
    residual: NDArray[np.float64], even: NDArray[np.float64]
) -> tuple[NDArray[np.float64], float]:
    """Return little weight for what is far off, and the spread of the rest."""
    middle = residual.size // 2
    spread = float(np.partition(np.abs(residual), middle)[middle]) * 1.483 + 0.7
    return even / (1 + (residual / (2 * spread)) ** 2), spread
