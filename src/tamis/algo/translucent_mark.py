"""Whether what stands out between two pictures is a translucent mark on one of them.

A mark of colour c and opacity a turns a pixel A into `(1 - a) A + a c`: the original still shows,
at 1 - a of its contrast. So inside the mark one picture is a line of the other, with one slope and
one level for all its places. An opaque overlay has slope 0, other content no line at all, a lighter
or darker place (a stain, a crack, another light) slope 1. On a ground without any texture the slope
cannot be told, and nothing is taken for a mark.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy import ndimage

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tamis.algo.coherent_residual import Aligned, Worst

__all__ = ["may_be_mark", "without_mark"]

_LEAST_DIFFERENCE = 5.0
_FEWEST_PLACES = 40
_LARGEST_SHARE = 0.4
# Slopes inside a mark: less is opaque, more is a change of light.
_SLOPES = (0.25, 0.93)
# Neighbouring pixels tell the same: as many count as one.
_ALIKE = 4.0
_SURE = 5.0
_LEAST_EXPLAINED = 0.6
# A colour in grey levels, with room for a fit's error.
_DARKEST, _BRIGHTEST = -40.0, 295.0
_LEAST_OPACITY = 0.5
# Faint parts of a stroke stand out less than its strong ones do: pixels around them.
_RIM = 12
# The same where the strokes are too thin to have an inside.
_LOOSE_SLOPES, _LOOSELY_EXPLAINED = (0.15, 0.97), 0.3


class _Mark(NamedTuple):
    opacity: float
    level: NDArray[np.float64]


def may_be_mark(aligned: Aligned, worst: Worst, line: float) -> bool:
    """Whether what exceeds a line could be a translucent mark, seen larger."""
    found = _marked(aligned, worst, line)
    if found is None:
        return False
    pair, _, marked = found
    if np.count_nonzero(marked) < _FEWEST_PLACES:
        return False
    for clean, other in ((0, 1), (1, 0)):
        slope, _, explained, _ = _line(pair[clean][:, marked], pair[other][:, marked])
        if _LOOSE_SLOPES[0] < slope < _LOOSE_SLOPES[1] and explained > _LOOSELY_EXPLAINED:
            return True
    return False


def without_mark(aligned: Aligned, worst: Worst, line: float) -> Aligned | None:
    """Take a translucent mark off, if what exceeds a line is one; None if it is not.

    Args:
        aligned: the pictures.
        worst: what stands out between them.
        line: excess from which a place stands out.
    """
    found = _marked(aligned, worst, line)
    if found is None:
        return None
    pair, stands_out, marked = found
    inner = ndimage.binary_erosion(marked)
    if np.count_nonzero(inner) < _FEWEST_PLACES:
        return None
    for clean, other in ((0, 1), (1, 0)):
        mark = _fit(pair[clean][:, inner], pair[other][:, inner])
        if mark is None:
            continue
        # What the mark explains, at most its opacity (less at its rim), in the colour's direction.
        towards = mark.level[:, None, None] / mark.opacity - pair[clean]
        change = pair[other] - pair[clean]
        along = (change * towards).sum(axis=0) / np.maximum((towards**2).sum(axis=0), 1.0)
        near = ndimage.binary_dilation(stands_out, iterations=_RIM) & aligned.shared
        opacity = np.where(near, np.clip(along, 0, 1.15 * mark.opacity), 0)
        if not _is_flat(opacity, marked, mark.opacity):
            continue
        explained = (opacity * towards).astype(np.float32)
        return _replaced(aligned, clean, pair[other] - explained)
    return None


def _marked(
    aligned: Aligned, worst: Worst, line: float
) -> tuple[NDArray[np.float32], NDArray[np.bool_], NDArray[np.bool_]] | None:
    """Both pictures, where a region stands out, and where in it they differ clearly."""
    _, height, width = aligned.luma.shape
    rows = np.minimum(np.arange(height) // 2, worst.excesses.shape[0] - 1)
    columns = np.minimum(np.arange(width) // 2, worst.excesses.shape[1] - 1)
    stands_out = worst.excesses[rows[:, None], columns[None, :]] >= line
    if stands_out.mean() > _LARGEST_SHARE:
        return None
    pair = np.stack([_full(aligned, 0), _full(aligned, 1)])
    difference = pair[1][0] - pair[0][0]
    strong = np.abs(difference) > max(_LEAST_DIFFERENCE, 3 * worst.noise)
    return pair, stands_out, stands_out & strong & aligned.shared


def _fit(clean: NDArray[np.float32], other: NDArray[np.float32]) -> _Mark | None:
    """Fit `other = (1 - opacity) clean + level`; None where that is no mark."""
    slope, level, explained, error = _line(clean, other)
    opacity = 1 - slope
    colour = level[0] / opacity if opacity > 0 else np.inf
    sure = slope > _SURE * error and opacity > _SURE * error
    if not (_SLOPES[0] <= slope <= _SLOPES[1] and sure and explained >= _LEAST_EXPLAINED):
        return None
    return _Mark(opacity, level) if _DARKEST <= colour <= _BRIGHTEST else None


def _line(
    clean: NDArray[np.float32], other: NDArray[np.float32]
) -> tuple[float, NDArray[np.float64], float, float]:
    """Fit one slope for all channels: slope, levels, share explained, error of the slope."""
    x, y = clean.astype(np.float64), other.astype(np.float64)
    weight = np.ones(x.shape[1])
    slope, level = 0.0, y.mean(axis=1)
    explained, error = 0.0, np.inf
    for _ in range(5):
        total = weight.sum()
        mean_x, mean_y = x @ weight / total, y @ weight / total
        dx, dy = x - mean_x[:, None], y - mean_y[:, None]
        varying = float((weight * dx**2).sum())
        if varying < 1.0:
            break
        slope = float((weight * dx * dy).sum()) / varying
        level = mean_y - slope * mean_x
        squares = ((dy - slope * dx) ** 2).sum(axis=0)
        left = float((weight * squares).sum())
        error = float(np.sqrt(left / max(weight.sum() / _ALIKE - 2, 1) / (varying / _ALIKE)))
        explained = 1 - left / max(float((weight * dy**2).sum()), 1e-6)
        length = np.sqrt(squares)
        weight = 1 / (1 + (length / (2 * np.median(length) + 1.0)) ** 2)
    return slope, level, explained, error


def _is_flat(opacity: NDArray[np.floating], marked: NDArray[np.bool_], most: float) -> bool:
    """Whether every marked place has about the mark's opacity."""
    numbered, count = ndimage.label(ndimage.binary_dilation(marked))
    if count == 0:
        return False
    typical = ndimage.median(
        np.where(marked, opacity, np.nan), numbered * marked, range(1, count + 1)
    )
    size = ndimage.sum_labels(marked, numbered, range(1, count + 1))
    return bool(np.all(np.asarray(typical)[size >= _FEWEST_PLACES / 4] >= _LEAST_OPACITY * most))


def _full(aligned: Aligned, which: int) -> NDArray[np.float32]:
    """Brightness and colours of one picture at its full resolution, `[1 or 3, H, W]`."""
    luma = aligned.luma[which]
    if aligned.chroma.size == 0:
        alone: NDArray[np.float32] = luma[None]
        return alone
    chroma = aligned.chroma[which].repeat(2, axis=1).repeat(2, axis=2)
    missing = [(0, max(a - b, 0)) for a, b in zip(luma.shape, chroma.shape[1:], strict=True)]
    chroma = np.pad(chroma, ((0, 0), *missing), mode="edge")
    return np.concatenate([luma[None], chroma[:, : luma.shape[0], : luma.shape[1]]])


def _replaced(aligned: Aligned, clean: int, cleaned: NDArray[np.float32]) -> Aligned:
    luma, chroma = aligned.luma.copy(), aligned.chroma.copy()
    luma[1 - clean] = cleaned[0]
    if chroma.size:
        height, width = chroma.shape[2:]
        halved = cleaned[1:, : 2 * height, : 2 * width].reshape(2, height, 2, width, 2)
        chroma[1 - clean] = halved.mean(axis=(2, 4))
    return replace(aligned, luma=luma, chroma=chroma)
