"""Registration of two pictures at their own resolution, to a small part of a pixel.

A placement takes a pixel of the picture whose grid is used to the other: `z' = linear z + offset`,
rows first, pixel centres at whole numbers.

Source: Baker & Matthews, Lucas-Kanade 20 years on, IJCV 2004, section 2, with robust weights.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tamis.algo.affine_sampling import AffineSampler
from tamis.algo.normal_equations import normal_equations
from tamis.algo.picture_filters import blurred

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tamis.algo.affine_registration import AffineMaps

__all__ = ["Placement", "register", "robust_line"]

_LEAST_SHARED = 200
_VALUES = 3_000
_SMALLEST_GAIN = 0.05
# Moves under this many pixels change a residual by less than the noise of a good JPEG does.
_SETTLED = 0.03
_LARGEST_MOVE = 2.0
# Spread of a normal distribution over its median absolute value.
_FROM_MEDIAN = 1.483
# Noise that thumbnails carry: JPEG at quality 85 and rounding, in grey levels.
_NOISE = 2.0
_FAR, _FEWEST_FAR = 20.0, 30
# Stretching by one unit moves the rim by half a frame, in the mean of squares by a twelfth.
_STIFFNESS = np.array([1, 1, 0.1, 0.1, 0.1, 0.1])


@dataclass(frozen=True)
class Placement:
    """Where pixels of one picture lie in another.

    Attributes:
        linear: `[2, 2]` float64.
        offset: `[2]` float64, in pixels.
    """

    linear: NDArray[np.float64]
    offset: NDArray[np.float64]

    @classmethod
    def of_map(cls, unit: AffineMaps, here: tuple[int, int], there: tuple[int, int]) -> Placement:
        """Turn one row of `AffineMaps`, in units of the sides, into pixels of two shapes."""
        shrink = np.diag(1 / np.asarray(here, np.float64))
        grow = np.diag(np.asarray(there, np.float64))
        linear = grow @ unit[2:].reshape(2, 2).astype(np.float64) @ shrink
        offset = grow @ unit[:2].astype(np.float64) + linear @ np.full(2, 0.5) - 0.5
        return cls(linear.astype(np.float64), offset.astype(np.float64))

    @property
    def scale(self) -> float:
        """Pixels there for one pixel here, along a side."""
        return float(np.sqrt(abs(np.linalg.det(self.linear))))

    def inverse(self) -> Placement:
        """Return where pixels there lie here."""
        back = np.linalg.inv(self.linear)
        offset: NDArray[np.float64] = -back @ self.offset
        return Placement(back.astype(np.float64), offset)

    def halved(self) -> Placement:
        """Return the same between two pictures averaged to half their sides."""
        return Placement(self.linear, (self.linear @ np.full(2, 0.5) + self.offset - 0.5) / 2)

    def doubled(self) -> Placement:
        """Undo `halved`."""
        return Placement(self.linear, 2 * self.offset + 0.5 - self.linear @ np.full(2, 0.5))

    def moves(self, shape: tuple[int, int]) -> float:
        """Return the largest distance in pixels that a corner moves."""
        corners = np.array([(y, x) for y in (0, shape[0]) for x in (0, shape[1])], np.float64)
        return float(np.abs(corners @ self.linear.T + self.offset - corners).max())

    def sampler(self, here: tuple[int, int], there: tuple[int, int]) -> AffineSampler:
        """Return what reads pictures there at every pixel here."""
        return AffineSampler(self.linear, self.offset, here, there)

    def inside(
        self, here: tuple[int, int], there: tuple[int, int], margin: float
    ) -> NDArray[np.bool_]:
        """Return where pixels here lie inside the picture there, by a margin in pixels."""
        y, x = np.arange(here[0])[:, None], np.arange(here[1])[None, :]
        (yy, yx), (xy, xx) = self.linear
        down, across = yy * y + yx * x + self.offset[0], xy * y + xx * x + self.offset[1]
        low = margin - 0.5
        inside: NDArray[np.bool_] = (
            (down >= low)
            & (down <= there[0] - 1 - low)
            & (across >= low)
            & (across <= there[1] - 1 - low)
        )
        return inside


def register(
    here: NDArray[np.float32],
    there: NDArray[np.float32],
    placement: Placement,
    steps: int,
    *,
    places: int = 65_536,
) -> Placement:
    """Move a placement to where two grey pictures agree best, by Gauss-Newton.

    Contrast and brightness do not matter, and pixels far off weigh little. It converges from about
    two pixels away. O(steps * places), about .5 ms a step for 8,000 places and 2 ms for 65,000.

    Args:
        here: `[H, W]`.
        there: `[H', W']`.
        placement: of the first in the second, to start from.
        steps: at most.
        places: most pixels to read, evenly spread; a few thousand tell six numbers nearly as well
            as all, but for pictures of a few thin lines.
    """
    every = max(int(np.ceil(np.sqrt(here.size / places))), 1)
    a, b = blurred(here, 0.7), blurred(there, 0.7)
    slopes_a = [slope[::every, ::every] for slope in _slopes(a)]
    slopes_b = _slopes(b) if every > 1 else ()
    a = np.ascontiguousarray(a[::every, ::every])
    height, width = here.shape
    y = ((np.arange(0, height, every, dtype=np.float32) - (height - 1) / 2) / height)[:, None]
    x = ((np.arange(0, width, every, dtype=np.float32) - (width - 1) / 2) / width)[None, :]
    middle = np.array([(height - 1) / 2, (width - 1) / 2])
    some = (slice(None, None, 2), slice(None, None, 2))
    far = np.abs(a[some] - _median(a[some]))
    for _ in range(steps):
        few = Placement(every * placement.linear, placement.offset)
        inside = few.inside(a.shape, there.shape, 1)
        if np.count_nonzero(inside) * every**2 < _LEAST_SHARED:
            break
        sampler = few.sampler(a.shape, there.shape)
        moved = sampler.linear(b)
        seen = inside[some]
        gain, level, spread = robust_line(moved[some][seen], a[some][seen])
        if gain < _SMALLEST_GAIN:
            break
        moved = np.float32(gain) * moved + np.float32(level)
        residual = a - moved
        spread = max(spread, _spread_of_edges(far, moved[some], residual[some], seen))
        weight = inside / (1 + (residual * np.float32(0.5 / spread)) ** 2)
        # The mean of both slopes: that of one picture alone goes with its noise.
        turned = (0.5 * gain * placement.linear).astype(np.float32)
        if every == 1:
            down, across = _slopes(np.float32(0.5) * (a + moved))
        else:
            read = [sampler.linear(slope) for slope in slopes_b]
            down, across = (
                np.float32(0.5) * slopes_a[along]
                + (turned[0, along] * read[0] + turned[1, along] * read[1])
                for along in (0, 1)
            )
        jacobian = np.empty((6, *a.shape), np.float32)
        for at, part in enumerate((down, across)):
            jacobian[at] = part
            np.multiply(part, y, out=jacobian[2 + 2 * at])
            np.multiply(part, x, out=jacobian[3 + 2 * at])
        normal, pull = normal_equations(
            jacobian.reshape(6, -1), weight.reshape(-1).astype(np.float32), residual.reshape(-1)
        )
        # Where noise alone would move it (a picture of one bar), it stays where it was.
        hold = 1e-3 * np.trace(normal[:2, :2]) / 2 + 10 * spread**2 / every**2
        normal += np.diag(_STIFFNESS * hold + 1e-6)
        move = np.linalg.solve(normal, pull)
        move = np.clip(move, -_LARGEST_MOVE, _LARGEST_MOVE)
        turn = move[2:].reshape(2, 2) / np.array([height, width])
        shift = move[:2] - turn @ middle
        placement = Placement(
            placement.linear @ (np.eye(2) + turn), placement.linear @ shift + placement.offset
        )
        if np.abs(move).max() < _SETTLED:
            break
    return placement


def _spread_of_edges(
    far: NDArray[np.float32],
    moved: NDArray[np.float32],
    residual: NDArray[np.float32],
    inside: NDArray[np.bool_],
) -> float:
    """Spread of the difference where both pictures are far from their own typical level.

    Where nearly all is plain, that spread is of noise alone: a print on it that is sharper in one
    picture would be left out as other content, and nothing would hold the registration.

    Args:
        far: how far the first picture is from its typical level.
        moved: the other picture, in its place.
        residual: the difference of both.
        inside: where both show something.
    """
    both = (far * np.abs(moved - _median(moved)) > _FAR**2) & inside
    differing = np.abs(residual[both])
    if differing.size < _FEWEST_FAR:
        return 0.0
    return _FROM_MEDIAN * _median(differing)


def _median(values: NDArray[np.floating]) -> float:
    """Return the upper median, several times faster than numpy's."""
    middle = values.size // 2
    return float(np.partition(values, middle, axis=None)[middle])


def robust_line(x: NDArray[np.floating], y: NDArray[np.floating]) -> tuple[float, float, float]:
    """Fit `y = gain x + level` with little weight for values far off; also the spread about it.

    The gain of values that hardly vary is drawn to 1, by as much as their noise hides it.
    """
    # BLAS splits products of longer vectors over threads, and so many values are enough.
    every = max(x.size // _VALUES, 1)
    x, y = x[::every].astype(np.float64), y[::every].astype(np.float64)
    weight: NDArray[np.float64] = np.ones_like(x)
    gain, level, spread = 1.0, 0.0, 1.0
    for _ in range(4):
        total, weighted = weight.sum() + 1e-6, weight * x
        mean_x, mean_y = weighted.sum() / total, weight @ y / total
        variance = weighted @ x / total - mean_x**2
        shared = weighted @ y / total - mean_x * mean_y
        gain = float((shared + _NOISE**2) / (variance + _NOISE**2))
        level = float(mean_y - gain * mean_x)
        residual = y - gain * x - level
        spread = _median(np.abs(residual)) * _FROM_MEDIAN + 0.7
        weight = 1 / (1 + (residual / (2 * spread)) ** 2)
    return gain, level, spread


def _slopes(a: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    down, across = np.zeros_like(a), np.zeros_like(a)
    down[1:-1] = (a[2:] - a[:-2]) / 2
    across[:, 1:-1] = (a[:, 2:] - a[:, :-2]) / 2
    return down, across
