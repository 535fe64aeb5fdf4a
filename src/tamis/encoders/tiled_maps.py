"""Feature maps of whole pictures at any size, by overlapping tiles of an encoder's input size."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from math import gcd
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol, runtime_checkable

import numpy as np
from PIL import Image

from tamis.encoders.base import FeatureMapEncoder
from tamis.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from tamis.encoders.base import Encoder
    from tamis.types import PixelBatch

__all__ = [
    "ConvolutionalMaps",
    "LevelShape",
    "SeveralMaps",
    "TilePlan",
    "TiledMaps",
    "scaled_picture",
    "scaled_size",
    "tile_plan",
]

_FEWEST_OVERLAPPING: Final = 64
"""Pixels that neighboring tiles share at least: half of them are a margin that is cut off, where a
network sees the tile's border."""

_TILES_AT_ONCE: Final = 8
_LONGEST_TILE: Final = 640
"""Pixels of a tile's side where the encoder takes any size: a stage's maps stay below 40 MB."""


@runtime_checkable
class ConvolutionalMaps(Protocol):
    """An encoder whose levels can be computed of pictures of any size."""

    @property
    def strides(self) -> Sequence[int]:
        """Pixels of a cell of each level, each a multiple of the one before."""

    def convolved_maps(
        self, pixels: PixelBatch, levels: Sequence[str]
    ) -> list[NDArray[np.float32]]:
        """Return `[B, H / stride, W / stride, D]` float32 features of each level.

        Sides are multiples of the largest stride.
        """


@runtime_checkable
class SeveralMaps(Protocol):
    """An encoder that computes several levels in one run."""

    def feature_maps_of(
        self, pixels: PixelBatch, levels: Sequence[str]
    ) -> list[NDArray[np.float32]]:
        """Return `[B, h, w, D]` float32 features of each level."""


class LevelShape(NamedTuple):
    """Cells of a level of one tile, and numbers of a cell."""

    rows: int
    columns: int
    dim: int


class _Piece(NamedTuple):
    """One tile along a side: where it starts, and which part of the line it is used for."""

    start: int
    first: int
    end: int


@dataclass(frozen=True)
class TilePlan:
    """How a picture is covered by tiles, all in whole cells of the coarsest level.

    Attributes:
        height: of the picture, padded at its lower edge, in pixels.
        width: of the picture, padded at its right edge, in pixels.
        tile: height and width of a tile.
        down: tiles along the height.
        across: tiles along the width.
    """

    height: int
    width: int
    tile: tuple[int, int]
    down: tuple[_Piece, ...]
    across: tuple[_Piece, ...]


@lru_cache(maxsize=64)
def tile_plan(height: int, width: int, tile: tuple[int, int], cell: tuple[int, int]) -> TilePlan:
    """Return the tiles that cover a picture.

    Args:
        height: of the picture, in pixels.
        width: of the picture, in pixels.
        tile: height and width of a tile.
        cell: height and width of the coarsest level's cells; divides the tile.
    """
    down, tall = _pieces(height, tile[0], cell[0])
    across, wide = _pieces(width, tile[1], cell[1])
    return TilePlan(tall, wide, tile, down, across)


def _pieces(length: int, tile: int, cell: int) -> tuple[tuple[_Piece, ...], int]:
    whole = max(_whole(length, cell), tile)
    if whole == tile:
        return (_Piece(0, 0, tile),), whole
    overlap = min(_whole(_FEWEST_OVERLAPPING, cell), (tile // cell - 1) // 2 * cell)
    count = -(-(whole - overlap) // (tile - overlap))
    steps = np.arange(count) * ((whole - tile) / (count - 1) / cell)
    starts = [int(step) * cell for step in np.floor(steps + 1e-9)]
    starts[-1] = whole - tile
    cuts = [0]
    for before, after in pairwise(starts):
        cuts.append((before + tile + after) // (2 * cell) * cell)
    cuts.append(whole)
    pieces = [_Piece(start, cuts[at], cuts[at + 1]) for at, start in enumerate(starts)]
    return tuple(pieces), whole


def _even_tile(length: int, cell: int) -> int:
    """Return how long tiles are that cover a line with the least overlap, each at most 640."""
    whole, overlap = _whole(length, cell), _whole(_FEWEST_OVERLAPPING, cell)
    count = max(1, -(-(whole - overlap) // (_LONGEST_TILE - overlap)))
    return -(-(whole + (count - 1) * overlap) // (count * cell)) * cell


def _whole(length: int, cell: int) -> int:
    """Return a length rounded up to whole cells."""
    return -(-length // cell) * cell


def scaled_size(size: tuple[int, int], side: int | None, least: int) -> tuple[int, int]:
    """Return the width and height of a picture with its shorter side at `side` pixels.

    >>> scaled_size((640, 480), 240, 224), scaled_size((100, 50), None, 224)
    ((320, 240), (448, 224))
    """
    width, height = size
    scale = max(side or min(width, height), least) / min(width, height)
    return max(round(width * scale), least), max(round(height * scale), least)


def scaled_picture(
    image: Image.Image,
    side: int | None,
    least: int,
    *,
    size: tuple[int, int] | None = None,
    extent: tuple[float, float, float, float] | None = None,
) -> NDArray[np.uint8]:
    """Return a picture with its shorter side at `side` pixels, `[H, W, 3]` uint8 RGB.

    Args:
        image: upright.
        side: pixels of the shorter side; None keeps the picture's own.
        least: pixels that the shorter side has at least; smaller pictures are enlarged.
        size: width and height of the picture before it was decoded at reduced size.
        extent: where it lies in `image`.
    """
    rgb = image if image.mode == "RGB" else image.convert("RGB")
    wanted = scaled_size(size or rgb.size, side, least)
    whole = (0.0, 0.0, float(rgb.width), float(rgb.height))
    if wanted != rgb.size or (extent is not None and extent != whole):
        rgb = rgb.resize(wanted, Image.Resampling.BICUBIC, extent or whole)
    return np.asarray(rgb)


class TiledMaps:
    """Computes the feature maps of pictures of any size, some tiles at a time.

    Args:
        encoder: has feature maps.
        levels: which of its levels, from fine to coarse.

    Raises:
        UsageError: the encoder has no feature maps, or no such level.
    """

    def __init__(self, encoder: Encoder, levels: Sequence[str] | None = None) -> None:
        if not isinstance(encoder, FeatureMapEncoder) or not encoder.feature_levels:
            raise UsageError(
                f"{encoder.spec} has no features by place, which small flaws need; "
                "`tamis encoders check SPEC` says which encoders have"
            )
        unknown = set(levels or ()) - set(encoder.feature_levels)
        if unknown:
            raise UsageError(
                f"{encoder.spec} has no feature level {min(unknown)!r}; it has: "
                f"{', '.join(encoder.feature_levels)}"
            )
        self._encoder = encoder
        self.levels = tuple(levels or encoder.feature_levels)
        sides = (encoder.preprocessing.height, encoder.preprocessing.width)
        self._cell: int | None = None
        if isinstance(encoder, ConvolutionalMaps):
            self._cell = encoder.strides[-1]
            sides = (_whole(sides[0], self._cell), _whole(sides[1], self._cell))
        self.tile = sides
        black = np.zeros((1, *self.tile, 3), np.uint8)
        self.shapes = {
            level: LevelShape(*found.shape[1:])
            for level, found in zip(self.levels, self._maps(black, self.levels), strict=True)
        }

    def plan(self, height: int, width: int, levels: Sequence[str] | None = None) -> TilePlan:
        """Return how a picture is covered by tiles."""
        if self._cell is not None:
            cells = (self._cell, self._cell)
            tile = (_even_tile(height, self._cell), _even_tile(width, self._cell))
            return tile_plan(height, width, tile, cells)
        shapes = [self.shapes[level] for level in levels or self.levels]
        counts = (gcd(*(one.rows for one in shapes)), gcd(*(one.columns for one in shapes)))
        # a tile that its levels do not divide into common cells is not cut: tiles lie apart
        cell = tuple(
            side // count if side % count == 0 else side
            for side, count in zip(self.tile, counts, strict=True)
        )
        return tile_plan(height, width, self.tile, (cell[0], cell[1]))

    def of(
        self, pixels: NDArray[np.uint8], levels: Sequence[str] | None = None
    ) -> list[NDArray[np.float32]]:
        """Return the maps of a picture, `[h, w, D]` float32 for each level.

        They cover the picture as `plan` pads it: beyond its edges it is mirrored. A place near a
        tile's border is taken from the tile in which it lies deeper. Encoders that take any size
        get the whole picture, or tiles of up to 640 pixels. Memory is that of the maps and of 8
        tiles.

        Args:
            pixels: `[H, W, 3]` uint8, each side at least as long as the tile's.
            levels: some of `levels`; all by default.

        Raises:
            OutOfMemoryError: 8 tiles are too much for the device.
        """
        levels = tuple(levels or self.levels)
        height, width = pixels.shape[:2]
        plan = self.plan(height, width, levels)
        padding = ((0, plan.height - height), (0, plan.width - width), (0, 0))
        whole = np.pad(pixels, padding, "symmetric") if any(map(any, padding)) else pixels
        joined = [
            np.empty(
                (
                    plan.height * shape.rows // self.tile[0],
                    plan.width * shape.columns // self.tile[1],
                    shape.dim,
                ),
                np.float32,
            )
            for shape in (self.shapes[level] for level in levels)
        ]
        places = [(y, x) for y in plan.down for x in plan.across]
        tall, wide = plan.tile
        once = max(1, _TILES_AT_ONCE * self.tile[0] * self.tile[1] // (tall * wide))
        for begin in range(0, len(places), once):
            some = places[begin : begin + once]
            batch = np.stack(
                [whole[y.start : y.start + tall, x.start : x.start + wide] for y, x in some]
            )
            for level, maps, into in zip(levels, self._maps(batch, levels), joined, strict=True):
                shape = self.shapes[level]
                for (y, x), tile in zip(some, maps, strict=True):
                    top, rows = _cells(y, self.tile[0], shape.rows)
                    left, columns = _cells(x, self.tile[1], shape.columns)
                    into[top, left] = tile[rows, columns]
        return joined

    def _maps(self, batch: PixelBatch, levels: Sequence[str]) -> list[NDArray[np.float32]]:
        encoder = self._encoder
        if isinstance(encoder, ConvolutionalMaps):
            return encoder.convolved_maps(batch, levels)
        if isinstance(encoder, SeveralMaps):
            return encoder.feature_maps_of(batch, levels)
        return [encoder.feature_maps(batch, level) for level in levels]


def _cells(piece: _Piece, tile: int, cells: int) -> tuple[slice, slice]:
    """Return where a piece lies in the joined map, and in its tile's."""
    start, first, end = (at * cells // tile for at in piece)
    return slice(first, end), slice(first - start, end - start)
