"""Small flaws planted on pictures, to compare models where no real flaw is known."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal, NamedTuple, TypeAlias, get_args

import numpy as np

from tamis.algo.defects.linear_maps import gaussian_matrix

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

__all__ = ["FLAWS", "FlawName", "PlantedFlaw", "plant_flaw"]

FlawName: TypeAlias = Literal["cutpaste", "scratch", "noise", "blur", "missing"]

FLAWS: Final[tuple[FlawName, ...]] = get_args(FlawName)

_LEAST: Final = 4


class PlantedFlaw(NamedTuple):
    """A picture with a flaw, and where it is.

    Attributes:
        pixels: `[H, W, 3]` uint8.
        mask: `[H, W]` bool, the pixels that the flaw covers.
    """

    pixels: NDArray[np.uint8]
    mask: NDArray[np.bool_]


def plant_flaw(pixels: NDArray[np.uint8], kind: FlawName, rng: np.random.Generator) -> PlantedFlaw:
    """Return a copy of a picture with one flaw at a random place.

    `cutpaste` puts a piece of the picture elsewhere, its brightness a little changed (Li et al.
    2021, CutPaste); `scratch` draws a bent line of one color; `noise` and `blur` spoil a round
    spot; `missing` fills a piece with the color around it. A flaw is 4 to 12 % of the shorter side
    across, a scratch is 10 to 30 % long and 1 to 2 % wide.

    Args:
        pixels: `[H, W, 3]` uint8, at least 8 pixels a side; it is not changed.
        kind: which flaw.
        rng: its place, size and looks.
    """
    made, mask = _PLANTERS[kind](pixels.astype(np.float32), rng)
    whole = np.clip(np.rint(made), 0, 255).astype(np.uint8)
    whole[~mask] = pixels[~mask]
    return PlantedFlaw(whole, mask)


def _size(pixels: NDArray[np.float32], rng: np.random.Generator) -> int:
    shorter = min(pixels.shape[:2])
    return int(min(max(_LEAST, round(shorter * rng.uniform(0.04, 0.12))), shorter // 2))


def _corner(
    pixels: NDArray[np.float32], height: int, width: int, rng: np.random.Generator
) -> tuple[int, int]:
    return (
        int(rng.integers(0, pixels.shape[0] - height + 1)),
        int(rng.integers(0, pixels.shape[1] - width + 1)),
    )


_Planted: TypeAlias = "tuple[NDArray[np.float32], NDArray[np.bool_]]"


def _cutpaste(pixels: NDArray[np.float32], rng: np.random.Generator) -> _Planted:
    height, width = _size(pixels, rng), _size(pixels, rng)
    (y, x), (v, u) = (_corner(pixels, height, width, rng) for _ in range(2))
    made, mask = pixels.copy(), np.zeros(pixels.shape[:2], np.bool_)
    piece = pixels[v : v + height, u : u + width]
    made[y : y + height, x : x + width] = piece[:, ::-1] * np.float32(rng.uniform(0.85, 1.15))
    mask[y : y + height, x : x + width] = True
    return made, mask


def _spot(pixels: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.bool_]:
    height, width = _size(pixels, rng), _size(pixels, rng)
    y, x = _corner(pixels, height, width, rng)
    rows, columns = np.ogrid[: pixels.shape[0], : pixels.shape[1]]
    down = (rows - y - (height - 1) / 2) / (height / 2)
    across = (columns - x - (width - 1) / 2) / (width / 2)
    inside: NDArray[np.bool_] = down**2 + across**2 <= 1
    return inside


def _missing(pixels: NDArray[np.float32], rng: np.random.Generator) -> _Planted:
    mask = _spot(pixels, rng)
    rows, columns = np.nonzero(mask)
    reach = 2
    near = np.zeros_like(mask)
    near[
        max(rows.min() - reach, 0) : rows.max() + reach + 1,
        max(columns.min() - reach, 0) : columns.max() + reach + 1,
    ] = True
    ring = near & ~mask
    made = pixels.copy()
    made[mask] = np.median(pixels[ring if ring.any() else mask], axis=0)
    return made, mask


def _noise(pixels: NDArray[np.float32], rng: np.random.Generator) -> _Planted:
    mask = _spot(pixels, rng)
    made = pixels.copy()
    strength = rng.uniform(20, 50)
    grain = rng.standard_normal((int(mask.sum()), 1)).astype(np.float32)
    made[mask] += np.float32(strength) * grain
    return made, mask


def _blur(pixels: NDArray[np.float32], rng: np.random.Generator) -> _Planted:
    mask = _spot(pixels, rng)
    rows, columns = np.nonzero(mask)
    top, left = rows.min(), columns.min()
    part = pixels[top : rows.max() + 1, left : columns.max() + 1]
    sigma = max(1.0, min(part.shape[:2]) / 5)
    down = gaussian_matrix(part.shape[0], sigma)
    across = gaussian_matrix(part.shape[1], sigma)
    made = pixels.copy()
    made[top : rows.max() + 1, left : columns.max() + 1] = np.einsum(
        "ya,abc,xb->yxc", down, part, across, optimize=True
    )
    return made, mask


def _scratch(pixels: NDArray[np.float32], rng: np.random.Generator) -> _Planted:
    height, width, _ = pixels.shape
    shorter = min(height, width)
    length = max(_LEAST, shorter * rng.uniform(0.1, 0.3))
    thick = max(1.0, shorter * rng.uniform(0.01, 0.02))
    angle = rng.uniform(0, 2 * np.pi)
    bend = rng.uniform(-0.5, 0.5) / length
    steps = np.arange(0, length, 0.5)
    turned = angle + bend * steps
    ys: NDArray[np.float64] = np.cumsum(np.sin(turned)) / 2
    xs: NDArray[np.float64] = np.cumsum(np.cos(turned)) / 2
    spans = (float(np.ptp(ys)), float(np.ptp(xs)))
    y0 = rng.uniform(0, max(height - spans[0], 1)) - ys.min()
    x0 = rng.uniform(0, max(width - spans[1], 1)) - xs.min()
    mask = np.zeros((height, width), np.bool_)
    reach = int(np.ceil(thick / 2))
    for dy in range(-reach, reach + 1):
        for dx in range(-reach, reach + 1):
            if dy * dy + dx * dx > (thick / 2) ** 2:
                continue
            rows = np.clip(np.rint(ys + y0 + dy).astype(int), 0, height - 1)
            columns = np.clip(np.rint(xs + x0 + dx).astype(int), 0, width - 1)
            mask[rows, columns] = True
    made = pixels.copy()
    change = rng.uniform(25, 60) * rng.choice([-1, 1])
    made[mask] += np.float32(change)
    return made, mask


_PLANTERS: Final[dict[FlawName, Callable[[NDArray[np.float32], np.random.Generator], _Planted]]] = {
    "cutpaste": _cutpaste,
    "scratch": _scratch,
    "noise": _noise,
    "blur": _blur,
    "missing": _missing,
}
