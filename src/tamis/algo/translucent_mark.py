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
# A colour in grey levels may be off by so much for a fit's error.
_ROOM = 40.0
# In units of the mark's opacity: less is another thing that was taken for the mark, and less than
# the second nothing of it.
_LEAST_OPACITY, _NO_OPACITY = 0.5, 0.15
# Nine tenths of the places inside are what one opacity makes of them, to within a share of that and
# some grey levels: a mean of several things is no mark.
_EVEN, _UNEVEN, _ROUGH = 0.9, 0.35, 6.0
# Or to within so many times what processing leaves there.
_NOISES = 2.0
_CLEAR = 3.0
_CLIPPED = 248.0
_DEEPEST, _ENOUGH_PLACES = 3, 200
# Faint parts of a stroke stand out less than its strong ones do: pixels around them.
_RIM = 12
# The same where the strokes are too thin to have an inside, and from which error on the ground is
# too flat to tell the slope.
_LOOSE_SLOPES, _LOOSELY_EXPLAINED, _UNTOLD = (0.15, 0.97), 0.3, 0.3


class _Mark(NamedTuple):
    opacity: float
    level: NDArray[np.float64]


def may_be_mark(aligned: Aligned, worst: Worst, line: float) -> bool:
    """Whether what exceeds a line could be a translucent mark, seen larger."""
    found = _marked(aligned, worst, line)
    if found is None:
        return False
    _, marked = found
    inner = _unblended(aligned, marked)
    # Where strokes are wide enough to have an inside, that tells alone: rims of other content are
    # blended too, and look like a mark.
    wide = np.count_nonzero(inner) >= _ENOUGH_PLACES
    for places in (inner,) if wide else (marked, inner):
        if np.count_nonzero(places) < _FEWEST_PLACES:
            continue
        one, two = (_values(aligned, which, places) for which in (0, 1))
        for clean, other in ((one, two), (two, one)):
            slope, _, explained, error = _line(clean, other)
            told = explained > _LOOSELY_EXPLAINED or error > _UNTOLD
            if _LOOSE_SLOPES[0] < slope < _LOOSE_SLOPES[1] and told:
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
    stands_out, marked = found
    inner = _unblended(aligned, marked)
    if np.count_nonzero(inner) < _FEWEST_PLACES:
        return None
    seen = [_values(aligned, which, inner) for which in (0, 1)]
    for clean, other in ((0, 1), (1, 0)):
        mark = _fit(seen[clean], seen[other], aligned.white)
        if mark is None:
            continue
        rough = np.maximum(_ROUGH, _NOISES * _tolerance(aligned, worst)[inner])
        towards = mark.level[:, None] / mark.opacity - seen[clean]
        left = np.linalg.norm(seen[other] - seen[clean] - mark.opacity * towards, axis=0)
        blended = mark.opacity * np.linalg.norm(towards, axis=0)
        even = float(np.mean(left <= _UNEVEN * blended + rough))
        # A smear that is hardly stronger than the tolerance is even whatever it is.
        if even < _EVEN or np.median(blended) < _CLEAR * np.median(rough):
            continue
        pair = [_full(aligned, which) for which in (0, 1)]
        # What the mark explains, at most its opacity (less at its rim), in the colour's direction.
        towards = mark.level[:, None, None] / mark.opacity - pair[clean]
        change = pair[other] - pair[clean]
        along = (change * towards).sum(axis=0) / np.maximum((towards**2).sum(axis=0), 1.0)
        near = ndimage.binary_dilation(stands_out, iterations=_RIM) & aligned.shared
        opacity = np.where(near, np.clip(along, 0, 1.15 * mark.opacity), 0)
        apart = _apart(opacity, marked, mark.opacity)
        if apart is None:
            continue
        opacity[apart] = 0
        explained = (opacity * towards).astype(np.float32)
        return _replaced(aligned, clean, pair[other] - explained)
    return None


def _marked(
    aligned: Aligned, worst: Worst, line: float
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]] | None:
    """Where a region stands out, and where in it the two differ clearly."""
    _, height, width = aligned.luma.shape
    rows = np.minimum(np.arange(height) // 2, worst.excesses.shape[0] - 1)
    columns = np.minimum(np.arange(width) // 2, worst.excesses.shape[1] - 1)
    stands_out = (worst.excesses >= line)[rows[:, None], columns[None, :]]
    if stands_out.mean() > _LARGEST_SHARE:
        return None
    difference = aligned.luma[1] - aligned.luma[0]
    strong = np.abs(difference) > max(_LEAST_DIFFERENCE, 3 * worst.noise)
    return stands_out, stands_out & strong & aligned.shared


def _values(aligned: Aligned, which: int, places: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Brightness and colors of one picture at some places, `[1 or 3, P]`."""
    luma: NDArray[np.float32] = aligned.luma[which][places][None]
    if aligned.chroma.size == 0:
        return luma
    _, height, width = aligned.chroma[which].shape
    rows, columns = (
        np.minimum(at // 2, most - 1)
        for at, most in zip(np.nonzero(places), (height, width), strict=True)
    )
    return np.concatenate([luma, aligned.chroma[which][:, rows, columns]])


def _fit(clean: NDArray[np.float32], other: NDArray[np.float32], white: float) -> _Mark | None:
    """Fit `other = (1 - opacity) clean + level`; None where that is no mark."""
    slope, level, explained, error = _line(clean, other)
    opacity = 1 - slope
    colour = level[0] / opacity if opacity > 0 else np.inf
    sure = slope > _SURE * error and opacity > _SURE * error
    if not (_SLOPES[0] <= slope <= _SLOPES[1] and sure and explained >= _LEAST_EXPLAINED):
        return None
    return _Mark(opacity, level) if -_ROOM <= colour <= white + _ROOM else None


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


def _unblended(aligned: Aligned, marked: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Places inside a mark that show its opacity: where white is clipped, it shows less."""
    return _inside(marked & (aligned.luma[0] < _CLIPPED) & (aligned.luma[1] < _CLIPPED))


def _inside(marked: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Places as deep in a mark as leaves enough of them.

    Its rim is blended, the wider the more the pictures are blurred.
    """
    inner = _eroded(marked)
    for _ in range(_DEEPEST - 1):
        deeper = _eroded(inner)
        if np.count_nonzero(deeper) < _ENOUGH_PLACES:
            break
        inner = deeper
    return inner


def _eroded(places: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Places whose four neighbours are among them, as SciPy's erosion finds far more slowly."""
    inner = np.zeros_like(places)
    inner[1:-1, 1:-1] = (
        places[1:-1, 1:-1]
        & places[:-2, 1:-1]
        & places[2:, 1:-1]
        & places[1:-1, :-2]
        & places[1:-1, 2:]
    )
    return inner


def _tolerance(aligned: Aligned, worst: Worst) -> NDArray[np.float32]:
    """What processing leaves at each place of a pair, in grey levels, `[H, W]`."""
    down, across = np.gradient(aligned.luma, axis=(1, 2))
    steep = (down**2 + across**2).min(axis=0)
    left: NDArray[np.float32] = np.sqrt(worst.noise**2 + worst.misfit**2 * steep)
    return left


def _apart(
    opacity: NDArray[np.floating], marked: NDArray[np.bool_], most: float
) -> NDArray[np.bool_] | None:
    """Marked places that are no part of the mark; None where some have a part of its opacity.

    The first show nothing of the mark, and are judged as they are.
    """
    numbered, count = ndimage.label(ndimage.binary_dilation(marked))
    if count == 0:
        return None
    pieces = range(1, count + 1)
    typical = np.asarray(
        ndimage.median(np.where(marked, opacity, np.nan), numbered * marked, pieces)
    )
    size = np.asarray(ndimage.sum_labels(marked, numbered, pieces))
    nothing = typical < _NO_OPACITY * most
    partly = ~nothing & (typical < _LEAST_OPACITY * most) & (size >= _FEWEST_PLACES / 4)
    if partly.any():
        return None
    apart: NDArray[np.bool_] = np.concatenate([[False], nothing])[numbered]
    return apart


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
