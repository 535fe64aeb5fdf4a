"""What compression does to a place is no difference there; other content stays one."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image, ImageDraw

from tamis.algo.pair_comparison import compare_pictures
from tamis.images.copies import compressed

IDENTITY = np.array([0, 0, 1, 0, 0, 1], np.float32)
LINE = 6.0  # the furthest that copies may reach where the line is widest


def drawn(seed: int, *, one_more: bool = False) -> np.ndarray:
    """Hard edges in colour on a smooth ground, where JPEG wears a picture most unevenly."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0:192, 0:256]
    ground = 140 + 40 * np.cos(x / 90 + seed) * np.cos(y / 70)
    picture = Image.fromarray(ground.astype(np.uint8)).convert("RGB")
    pen = ImageDraw.Draw(picture)
    for _ in range(9):
        left, top, wide, high = (int(v) for v in rng.integers((5, 5, 15, 15), (200, 140, 60, 50)))
        pen.rectangle(
            (left, top, left + wide, top + high), fill=tuple(rng.integers(0, 256, 3).tolist())
        )
    if one_more:
        pen.rectangle((120, 90, 134, 104), fill=(250, 250, 30))
    noise = rng.normal(0, 0.5, (192, 256, 3))
    return np.clip(np.asarray(picture) + noise, 0, 255).astype(np.uint8)


def jpeg(picture: np.ndarray, quality: int) -> np.ndarray:
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, "JPEG", quality=quality)
    return np.asarray(Image.open(buffer).convert("RGB"))


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("quality", [40, 20])
def test_a_compressed_copy_is_worn_and_no_more(seed, quality):
    found = compare_pictures(drawn(seed), jpeg(drawn(seed), quality), IDENTITY)
    unworn = found.unworn(compressed)
    assert unworn.excess <= found.excess
    assert unworn.excess < LINE


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("quality", [95, 60, 30])
def test_other_content_stays_over_the_line_and_in_its_place(seed, quality):
    changed = jpeg(drawn(seed, one_more=True), quality)
    unworn = compare_pictures(drawn(seed), changed, IDENTITY).unworn(compressed)
    assert unworn.excess > LINE
    x, y, width, height = unworn.regions(LINE)[0][0] * [256, 192, 256, 192]
    assert x - 8 <= 127 <= x + width + 8
    assert y - 8 <= 97 <= y + height + 8


def test_what_stands_out_far_keeps_doing_so_beside_an_edge_that_jpeg_would_wear():
    found = compare_pictures(drawn(4), drawn(4, one_more=True), IDENTITY)
    assert found.unworn(compressed).excess > 10 * LINE


def test_pictures_without_colours_and_of_odd_sides():
    grey = np.repeat(drawn(5)[:191, :255, :1], 3, axis=2)
    found = compare_pictures(grey, jpeg(grey, 15), IDENTITY)
    assert found.unworn(compressed).excess <= found.excess


def test_compression_keeps_the_shape():
    picture = drawn(6)[:31, :45]
    made = compressed(picture, 20)
    assert made.shape == picture.shape
    assert made.dtype == np.uint8
    assert not np.array_equal(made, picture)
