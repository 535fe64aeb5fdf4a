"""Feature maps of whole pictures by tiles."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from cell_encoder import Cells
from mosaic_encoder import Mosaic
from tamis.encoders.tiled_maps import TiledMaps, scaled_picture, tile_plan
from tamis.errors import UsageError


@given(st.integers(1, 900), st.sampled_from([(224, 32), (224, 14), (32, 8), (240, 240), (32, 32)]))
def test_tiles_cover_a_line_once_in_whole_cells(length, sizes):
    tile, cell = sizes
    plan = tile_plan(length, length, (tile, tile), (cell, cell))
    assert plan.height >= length
    ends = [(piece.first, piece.end) for piece in plan.down]
    assert ends[0][0] == 0
    assert ends[-1][1] == plan.height
    assert all(before[1] == after[0] for before, after in pairwise(ends))
    for piece in plan.down:
        assert piece.start <= piece.first < piece.end <= piece.start + tile
        assert all(edge % cell == 0 for edge in piece)
        inner = tile > 2 * cell and len(plan.down) > 1
        if inner and piece.first > 0 and tile == 224:
            assert piece.first - piece.start >= cell


@settings(max_examples=20, deadline=None)
@given(st.integers(32, 90), st.integers(32, 90))
def test_maps_of_an_encoder_without_context_do_not_depend_on_the_tiles(height, width):
    pixels = np.random.default_rng(height).integers(0, 256, (height, width, 3), np.uint8)
    maps = TiledMaps(Cells())
    plan = maps.plan(height, width)
    padding = ((0, plan.height - height), (0, plan.width - width), (0, 0))
    whole = np.pad(pixels, padding, "symmetric")
    for level, found in zip(maps.levels, maps.of(pixels), strict=True):
        np.testing.assert_array_equal(found, Cells().feature_maps(whole[None], level)[0])


def test_a_level_alone_is_that_of_all():
    pixels = np.random.default_rng(0).integers(0, 256, (50, 70, 3), np.uint8)
    both = TiledMaps(Cells()).of(pixels)
    np.testing.assert_array_equal(TiledMaps(Cells(), ["stride8"]).of(pixels)[0], both[1])


def test_an_encoder_without_maps_and_an_unknown_level_are_refused():
    with pytest.raises(UsageError, match="no features by place"):
        TiledMaps(Mosaic())
    with pytest.raises(UsageError, match="no feature level 'attic'"):
        TiledMaps(Cells(), ["attic"])


@pytest.mark.parametrize(
    ("size", "side", "expected"),
    [((200, 100), 50, (50, 100)), ((20, 10), None, (32, 64)), ((64, 64), None, (64, 64))],
)
def test_the_shorter_side_is_scaled(size, side, expected):
    assert scaled_picture(Image.new("RGB", size), side, 32).shape[:2] == expected


class _AnySize(Cells):
    """Takes pictures of any size, and notes which it was given."""

    strides = (4, 8)

    def convolved_maps(self, pixels, levels):
        self.given = [*getattr(self, "given", []), pixels.shape[1:3]]
        return [self.feature_maps(pixels, level) for level in levels]


@pytest.mark.parametrize(
    ("size", "tiles"),
    [
        ((33, 500), {(40, 504)}),
        ((640, 640), {(640, 640)}),
        # two tiles that share 64 pixels at least, as short as they can be
        ((700, 50), {(384, 56)}),
        ((1500, 50), {(544, 56)}),
    ],
)
def test_an_encoder_that_takes_any_size_gets_the_fewest_tiles(size, tiles):
    pixels = np.random.default_rng(1).integers(0, 256, (*size, 3), np.uint8)
    encoder = _AnySize()
    maps = TiledMaps(encoder)
    encoder.given = []
    plan = maps.plan(*size)
    whole = np.pad(
        pixels, ((0, plan.height - size[0]), (0, plan.width - size[1]), (0, 0)), "symmetric"
    )
    for level, found in zip(maps.levels, maps.of(pixels), strict=True):
        np.testing.assert_array_equal(found, Cells().feature_maps(whole[None], level)[0])
    assert set(encoder.given) == tiles
