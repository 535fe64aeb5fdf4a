"""The places of a picture and their features, the same for fitting and scoring."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, NamedTuple

from PIL import Image

from tamis.algo.defects import at_brightness, joined_levels, pooled_level
from tamis.encoders.tiled_maps import TiledMaps, scaled_picture

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from tamis.encoders.base import Encoder
    from tamis.encoders.tiled_maps import LevelShape
    from tamis.runtime.decoded_rows import Pixels

__all__ = ["Extent", "Lattice", "Place", "PlaceFeatures"]

_FINEST: Final = 8
"""Pixels that a place is wide at least; finer levels are averaged over it."""


class Lattice(NamedTuple):
    """Where the places of some levels lie: cells of the finest level, 8 pixels wide at least.

    Attributes:
        rows: that cover the padded picture.
        columns: that cover the padded picture.
        inside: rows and columns that lie in the picture; the rest is its mirrored edge.
    """

    rows: int
    columns: int
    inside: tuple[int, int]


@dataclass(frozen=True)
class Extent:
    """A picture as it was looked at.

    Attributes:
        size: height and width in pixels.
        padded: the same with the mirrored edge.
    """

    size: tuple[int, int]
    padded: tuple[int, int]


@dataclass(frozen=True)
class Place:
    """The places of a picture. Not thread-safe.

    Attributes:
        features: computed them.
        maps: of each level, `[h, w, D]` float32, which cover the padded picture.
        extent: the picture.
    """

    features: PlaceFeatures
    maps: Mapping[str, NDArray[np.float32]]
    extent: Extent
    _pooled: dict[tuple[str, int], NDArray[np.float32]] = field(default_factory=dict)

    def lattice(self, levels: Sequence[str]) -> Lattice:
        """Return where the places of some joined levels lie."""
        return self.features.lattice(self.extent, levels)

    def level(self, name: str, lattice: Lattice) -> NDArray[np.float32]:
        """Return `[rows, columns, D]` unit vectors of one level within the picture."""
        key = (name, lattice.rows)
        if key not in self._pooled:
            pooled = pooled_level(self.maps[name], (lattice.rows, lattice.columns))
            self._pooled[key] = pooled[: lattice.inside[0], : lattice.inside[1]]
        return self._pooled[key]

    def joined(self, levels: Sequence[str]) -> NDArray[np.float32]:
        """Return `[rows, columns, D]` unit vectors of some levels within the picture."""
        lattice = self.lattice(levels)
        return joined_levels([self.level(name, lattice) for name in levels])


class PlaceFeatures:
    """Computes what places of pictures are described by, the same for fitting and scoring.

    Args:
        encoder: has feature maps.
        levels: which are joined; all by default.
        side: pixels of the shorter side.
        brightness: mean that pictures are brought to.

    Raises:
        UsageError: the encoder has no features by place, or no such level.
    """

    def __init__(
        self,
        encoder: Encoder,
        levels: Sequence[str] | None = None,
        *,
        side: int | None,
        brightness: float | None,
    ) -> None:
        self.maps = TiledMaps(encoder, levels)
        self.side = side
        self.brightness = brightness
        everything = TiledMaps(encoder) if levels else self.maps
        height, width = everything.tile
        wide = [
            shape
            for shape in everything.shapes.values()
            if height >= _FINEST * shape.rows and width >= _FINEST * shape.columns
        ]
        self._finest = max(wide, key=_rows, default=min(everything.shapes.values(), key=_rows))

    @property
    def decode_side(self) -> int:
        """Pixels that the shorter side must keep where pictures are decoded at reduced size."""
        return (self.side or 1 << 30) * 2

    def prepared(self, picture: Pixels) -> NDArray[np.uint8]:
        """Return a decoded picture as it is looked at, before its brightness is changed."""
        return scaled_picture(
            picture.image, self.side, max(self.maps.tile), size=picture.size, extent=picture.extent
        )

    def scaled(self, pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Return a picture that was decoded, `[H, W, 3]` uint8, as it is looked at."""
        return scaled_picture(Image.fromarray(pixels), self.side, max(self.maps.tile))

    def of(self, pixels: NDArray[np.uint8]) -> Place:
        """Return the places of a prepared picture, `[H, W, 3]` uint8."""
        height, width = pixels.shape[:2]
        if self.brightness is not None:
            pixels = at_brightness(pixels, self.brightness)
        maps = dict(zip(self.maps.levels, self.maps.of(pixels), strict=True))
        return Place(self, maps, self.extent(height, width))

    def extent(self, height: int, width: int) -> Extent:
        """Return how far a picture of a size reaches."""
        plan = self.maps.plan(height, width)
        return Extent((height, width), (plan.height, plan.width))

    def lattice(self, extent: Extent, levels: Sequence[str]) -> Lattice:
        """Return where the places of some joined levels of a picture lie."""
        chosen = self._finest_of(levels)
        tall, wide = self.maps.tile
        return Lattice(
            extent.padded[0] * chosen.rows // tall,
            extent.padded[1] * chosen.columns // wide,
            (-(-extent.size[0] * chosen.rows // tall), -(-extent.size[1] * chosen.columns // wide)),
        )

    def rows(self, levels: Sequence[str]) -> int:
        """Return how many rows of places a tile has by some joined levels."""
        return self._finest_of(levels).rows

    def _finest_of(self, levels: Sequence[str]) -> LevelShape:
        own = (min(self.maps.shapes[name], self._finest, key=_rows) for name in levels)
        return max(own, key=_rows)


def _rows(shape: LevelShape) -> int:
    return shape.rows
