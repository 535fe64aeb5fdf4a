"""The worst coherent region of a residual, judged against what processing does to such places.

What copying leaves (noise, JPEG, another resampling, a registration off by a part of a pixel) is
spread over a picture: about the same everywhere where it is smooth, and proportional to its slopes
where it is not. Content that differs stands in one place. So the residual of two registered
pictures is cut into bands of detail, each squared and divided by a tolerance

    tolerance² = noise² + misfit² * slope²

whose two numbers are fitted, robustly, to the pair itself: the median of a tenth of its places at a
time, so that places with other content, as long as they are fewer than half, do not raise it. The
squares are averaged over a neighbourhood as wide as the band's detail, and the largest average is
the worst region. A coarse band sees a faint difference over a wide place, since noise and JPEG
average out there; a fine band sees a thin one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage

from tamis.algo.picture_filters import blurred, halved

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Aligned", "Worst", "coherent_residual"]


@dataclass(frozen=True)
class _Band:
    """One band of detail; lengths in pixels of its own level, half the sides of the level before.

    Attributes:
        fine: blur that ends it; noise and the corners of JPEG's blocks are finer.
        wide: blur that begins it; lighting and curves that do not fit are coarser.
        average: over which squares are averaged.
        noise: least noise assumed, in grey levels.
        misfit: least misfit assumed, in pixels.
        usual: what the worst place of a copy reaches in this band, as a root of the average.
    """

    fine: float
    wide: float
    average: float
    noise: float
    misfit: float
    usual: float


# Noise: two thumbnails of JPEG quality 85 differ by 1.5 levels, by less where averaged. Misfit: a
# tenth of a pixel is what registration leaves. `usual` follows from the number of independent
# places: the mean of m squares of a normal deviate exceeds 1 + 4.5 sqrt(2 / m) once in 3 * 10^5;
# m is 4 pi average² / (correlation area of the band). What JPEG adds at edges was measured.
_LUMA = (
    _Band(0.0, 3.0, 1.5, 1.5, 0.08, 2.2),
    _Band(0.6, 2.5, 1.2, 1.0, 0.06, 1.0),
    _Band(0.6, 2.5, 1.0, 0.8, 0.06, 0.75),
    _Band(0.6, 2.5, 0.8, 0.8, 0.06, 0.7),
)
_CHROMA = (
    _Band(0.6, 2.5, 1.2, 1.0, 0.06, 1.5),
    _Band(0.6, 2.5, 1.0, 0.8, 0.06, 0.85),
    _Band(0.6, 2.5, 0.8, 0.8, 0.06, 0.85),
)
_PARTS = 8
_MEDIAN_OF_SQUARES = 0.455
_LEAST_PLACES, _LEAST_SIDE = 50, 12
_SAMPLED = 6000
_MOSTLY = 0.95
# Three quarters of the places of a usual copy stay under this excess.
_BULK, _USUAL_BULK, _BULK_RANGE = 0.75, 0.8, (0.55, 1.25)
# A region ends where the excess falls to this share of its peak.
_REGION_SHARE = 0.15
_MOST_REGIONS = 24


@dataclass(frozen=True)
class Aligned:
    """Two pictures on one grid, equal in tone and sharpness as far as processing explains it.

    Attributes:
        luma: `[2, H, W]` brightness of both.
        chroma: `[2, 2, H/2, W/2]` Cb and Cr of both; empty if one has no colours.
        shared: `[H, W]` where both have pixels.
        white: what the tone curve would make of white, were it not clipped; at least 255.
    """

    luma: NDArray[np.float32]
    chroma: NDArray[np.float32]
    shared: NDArray[np.bool_]
    white: float = 255.0


@dataclass(frozen=True)
class Worst:
    """What stands out of a residual.

    Attributes:
        excess: root of the largest average of squares, over what copies usually reach; about 1 or
            2 for copies, from 4 on for other content.
        noise: tolerance of smooth places at the finest band, in grey levels.
        misfit: tolerance of the finest band, in pixels.
        excesses: `[H/2, W/2]` the same excess, place by place.
    """

    excess: float
    noise: float
    misfit: float
    excesses: NDArray[np.float32]

    def regions(self, line: float) -> list[tuple[slice, slice]]:
        """Return the places over a line, worst first, as rows and columns of the full grid."""
        left = self.excesses.copy()
        # No region reaches beyond what hangs together over the line.
        numbered, _ = ndimage.label(left >= line)
        parts = ndimage.find_objects(numbered)
        found: list[tuple[slice, slice]] = []
        while len(found) < _MOST_REGIONS:
            peak = np.unravel_index(int(left.argmax()), left.shape)
            height = float(left[peak])
            if height < line:
                break
            # In squares: the average spreads a strong place wide, and its rim is not the place.
            low = max(line, height * np.sqrt(_REGION_SHARE))
            part = _widened(parts[numbered[peak] - 1])
            here = left[part]
            at = (peak[0] - part[0].start, peak[1] - part[1].start)
            box = _box_of(_connected(here >= low, at))
            rows, columns = (
                slice(2 * (whole.start + side.start), 2 * (whole.start + side.stop))
                for whole, side in zip(part, box, strict=True)
            )
            found.append((rows, columns))
            around = _grown(_connected(here >= line, at))
            if low > line:
                around &= _near_box(here.shape, box)
            here[around] = 0
        return found


_RIM = 5


def coherent_residual(aligned: Aligned) -> Worst:
    """Find the worst coherent region of the difference of two aligned pictures.

    O(pixels); about 5 ms for 256 x 192 pixels.
    """
    height, width = aligned.shared.shape
    shape = (max(height // 2, 1), max(width // 2, 1))
    excesses = np.zeros(shape, np.float32)
    noise, misfit = 0.0, 0.0
    luma, shared = aligned.luma, aligned.shared
    difference = np.where(shared, luma[0] - luma[1], np.float32(0))[None]
    for level, band in enumerate(_LUMA):
        if np.count_nonzero(shared) < _LEAST_PLACES or min(shared.shape) < _LEAST_SIDE:
            break
        ground = _Ground.of(luma, shared, band.average)
        if level == 1:
            difference = np.concatenate([difference, _tint(aligned.chroma, shared)])
        bands = (band, *_CHROMA[max(level - 1, 0) :][:1] * (len(difference) - 1))
        excess, quiet, loose = ground.excess(bands, difference)
        if level == 0:
            noise, misfit = quiet, loose
        excesses = np.maximum(excesses, _at_half(excess, level, shape))
        if level == len(_LUMA) - 1:
            break
        luma, difference = halved(luma), halved(difference)
        whole = shared.all()
        shared = shared[::2, ::2] if whole else halved(shared.astype(np.float32)) > _MOSTLY
    places = excesses[excesses > 0]
    bulk = float(np.quantile(places, _BULK)) if places.size else 1.0
    # A pair in which most places agree better than usual (two exposures by one camera of a smooth
    # plate) shows a fainter difference, one that suffered more everywhere hides a stronger one.
    excesses /= np.clip(bulk / _USUAL_BULK, *_BULK_RANGE)
    return Worst(float(excesses.max()), noise, misfit, excesses)


@dataclass(frozen=True)
class _Ground:
    """What two pictures have in common at one level: where, and how steep it is there.

    `weight` is how much of a neighborhood they share; None where it is all of it everywhere.
    """

    shared: NDArray[np.bool_]
    weight: NDArray[np.float32] | None
    slope: NDArray[np.float32]
    places: NDArray[np.int64]
    parts: NDArray[np.int64]

    @classmethod
    def of(cls, pair: NDArray[np.float32], shared: NDArray[np.bool_], average: float) -> _Ground:
        # The lower slope of both: a place that is rich in one only is other content.
        slope = _squared_slope(pair).min(axis=0)
        weight = None
        if not shared.all():
            weight = np.maximum(blurred(shared.astype(np.float32), average), 0.3)
        places = np.flatnonzero(shared)
        places = places[:: max(places.size // _SAMPLED, 1)]
        # Half of a float's bits tell order well enough, and are sorted in one pass.
        steep = slope.reshape(-1)[places].astype(np.float32, copy=False).view(np.uint32) >> 16
        order = np.argsort(steep.astype(np.uint16), kind="stable")
        each = order.size // _PARTS
        return cls(shared, weight, slope, places, order[: each * _PARTS].reshape(_PARTS, each))

    def excess(
        self, bands: tuple[_Band, ...], differences: NDArray[np.float32]
    ) -> tuple[NDArray[np.float32], float, float]:
        """Root of the averaged squares over their tolerance and over what is usual, the largest.

        Also the two numbers of the first channel's tolerance.

        Args:
            bands: one for each channel; they differ in what is tolerated and usual alone.
            differences: `[channels, H, W]`.
        """
        band = bands[0]
        squares = blurred(differences, band.fine) - blurred(differences, band.wide)
        squares *= squares
        there = squares.reshape(len(bands), -1)[:, self.places][:, self.parts]
        middle = self.parts.shape[1] // 2
        typical = np.partition(there, middle, axis=2)[..., middle] / _MEDIAN_OF_SQUARES
        least = np.array([(one.noise, one.misfit) for one in bands], np.float32) ** 2
        noise = np.maximum(typical.min(axis=1), least[:, 0])
        upper = slice(_PARTS // 2, None)
        steep = self.slope.reshape(-1)[self.places][self.parts[upper]].mean(axis=1)
        ratio = np.maximum(typical[:, upper] - noise[:, None], 0) / np.maximum(steep, 1e-3)
        misfit = np.maximum(np.median(ratio, axis=1), least[:, 1])
        tolerated = misfit[:, None, None] * self.slope
        tolerated += noise[:, None, None]
        share = squares / tolerated
        usual = np.array([one.usual for one in bands], np.float32)
        share *= (1 / usual**2)[:, None, None]
        if self.weight is None:
            excess = np.sqrt(_largest(blurred(share, band.average)))
        else:
            averaged = _largest(blurred(share * self.shared, band.average))
            excess = np.sqrt(averaged * self.shared / self.weight)
        return excess, float(np.sqrt(noise[0])), float(np.sqrt(misfit[0]))


def _largest(channels: NDArray[np.float32]) -> NDArray[np.float32]:
    """The largest of all channels, place by place."""
    largest: NDArray[np.float32] = channels[0] if len(channels) == 1 else channels.max(axis=0)
    return largest


def _tint(chroma: NDArray[np.float32], shared: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Difference of Cb and of Cr on the grid of half the sides; empty without colours."""
    if chroma.size == 0:
        return np.empty((0, *shared.shape), np.float32)
    difference = chroma[0] - chroma[1]
    # Odd sides: the level has one row more than pairs of rows.
    missing = [(0, max(a - b, 0)) for a, b in zip(shared.shape, difference.shape[1:], strict=True)]
    difference = np.pad(difference, ((0, 0), *missing), mode="edge")
    tint: NDArray[np.float32] = np.where(shared, difference, 0)
    return tint


def _squared_slope(values: NDArray[np.float32]) -> NDArray[np.float32]:
    squares = np.zeros_like(values)
    down = values[:, 2:] - values[:, :-2]
    np.multiply(down, down, out=squares[:, 1:-1])
    across = values[:, :, 2:] - values[:, :, :-2]
    across *= across
    squares[:, :, 1:-1] += across
    squares *= np.float32(0.25)
    return blurred(squares, 1.5)


def _at_half(
    values: NDArray[np.float32], level: int, shape: tuple[int, int]
) -> NDArray[np.float32]:
    """Bring a level to half the full sides: the largest of four, or each repeated."""
    if level == 0:
        height, width = shape
        if min(values.shape) < 2:  # noqa: PLR2004 - one row cannot be paired
            return np.full(shape, values.max(), np.float32)
        blocks = values[: 2 * height, : 2 * width].reshape(height, 2, width, 2)
        largest: NDArray[np.float32] = blocks.max(axis=(1, 3))
        return largest
    # A level's pixel i stands where the full grid's pixel i * 2 ** level does.
    rows, columns = (
        np.minimum((2 * np.arange(n) + 2 ** (level - 1)) >> level, m - 1)
        for n, m in zip(shape, values.shape, strict=True)
    )
    repeated: NDArray[np.float32] = values[rows[:, None], columns[None, :]]
    return repeated


def _connected(places: NDArray[np.bool_], peak: tuple[np.intp, ...]) -> NDArray[np.bool_]:
    """Those that hang together with one of them."""
    numbered, _ = ndimage.label(places)
    connected: NDArray[np.bool_] = numbered == numbered[peak]
    return connected


def _box_of(places: NDArray[np.bool_]) -> tuple[slice, slice]:
    rows, columns = np.flatnonzero(places.any(axis=1)), np.flatnonzero(places.any(axis=0))
    return slice(int(rows[0]), int(rows[-1]) + 1), slice(int(columns[0]), int(columns[-1]) + 1)


def _widened(part: tuple[slice, slice]) -> tuple[slice, slice]:
    """A part with one more row and column on each side, where there is one."""
    rows, columns = (slice(max(side.start - 1, 0), side.stop + 1) for side in part)
    return rows, columns


def _grown(places: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The same and their four neighbours."""
    grown = places.copy()
    grown[1:] |= places[:-1]
    grown[:-1] |= places[1:]
    grown[:, 1:] |= places[:, :-1]
    grown[:, :-1] |= places[:, 1:]
    return grown


def _near_box(shape: tuple[int, ...], box: tuple[slice, slice]) -> NDArray[np.bool_]:
    """Which places are no farther from a box than its rim is wide."""
    down, across = (
        np.maximum(np.maximum(side.start - np.arange(n), np.arange(n) - side.stop + 1), 0)
        for n, side in zip(shape, box, strict=True)
    )
    near: NDArray[np.bool_] = down[:, None] ** 2 + across**2 <= _RIM**2
    return near
