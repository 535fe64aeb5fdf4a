"""Fineness of detail and enlargement, on copies made of pictures as people make them."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image, ImageEnhance, ImageFilter

from tamis.images.enlargement import looks_enlarged
from tamis.images.fineness import LEAST_SIDE, measure_fineness

SIZE = (400, 300)


def photograph(seed: int, size: tuple[int, int] = SIZE) -> Image.Image:
    """Shapes with crisp edges over texture, drawn at four times the size and brought down."""
    rng = np.random.default_rng(seed)
    width, height = 2 * size[0], 2 * size[1]
    picture = rng.normal(110, 14, (height, width))
    y, x = np.mgrid[:height, :width]
    for _ in range(60):
        centre, radius = rng.uniform(0, 1, 2) * (width, height), rng.uniform(0.02, 0.15) * width
        inside = np.hypot(x - centre[0], (y - centre[1]) * rng.uniform(0.6, 1.6)) < radius
        picture[inside] += rng.uniform(-70, 70)
    picture = Image.fromarray(np.clip(picture, 0, 255).astype(np.uint8))
    return picture.resize(size, Image.Resampling.LANCZOS).convert("RGB")


def saved(picture: Image.Image, quality: int = 90) -> Image.Image:
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=quality)
    return Image.open(buffer).convert("RGB")


@pytest.fixture(scope="module", params=range(4))
def original(request) -> Image.Image:
    return photograph(request.param)


def figures(picture: Image.Image) -> tuple[float, float]:
    found = measure_fineness(picture)
    assert found is not None
    return found.fineness, found.boost


def test_brightness_and_contrast_change_neither_figure(original):
    for factor in (0.7, 1.2):
        copy = ImageEnhance.Brightness(original).enhance(factor)
        assert figures(copy) == pytest.approx(figures(original), abs=0.25)


@pytest.mark.parametrize("radius", [1.0, 2.0])
def test_blur_lowers_the_fineness(original, radius):
    blurred = original.filter(ImageFilter.GaussianBlur(radius))
    assert figures(saved(blurred))[0] < figures(original)[0] - 0.8


@pytest.mark.parametrize(("radius", "percent"), [(2, 150), (2, 300), (4, 200)])
def test_unsharp_masking_raises_the_boost(original, radius, percent):
    sharpened = original.filter(ImageFilter.UnsharpMask(radius, percent, 0))
    assert figures(saved(sharpened))[1] > figures(original)[1] + 0.45


def test_flat_and_tiny_pictures():
    assert measure_fineness(Image.new("RGB", (LEAST_SIDE - 1, 100))) is None
    fineness, boost = figures(Image.new("RGB", (64, 64), "grey"))
    assert (fineness, boost) == (0, 0)


@pytest.mark.parametrize("resampling", ["BICUBIC", "LANCZOS"])
@pytest.mark.parametrize("factor", [1.5, 2, 3])
def test_enlarged_pictures_are_told(original, factor, resampling):
    size = (int(SIZE[0] * factor), int(SIZE[1] * factor))
    enlarged = saved(original.resize(size, Image.Resampling[resampling]))
    assert looks_enlarged(enlarged, SIZE)


@pytest.mark.parametrize("factor", [1.25, 1.5, 2, 3])
def test_pictures_as_taken_are_not_enlarged(original, factor):
    size = (int(SIZE[0] / factor), int(SIZE[1] / factor))
    assert not looks_enlarged(original, size)
    assert not looks_enlarged(saved(original, 75), size)


@pytest.mark.parametrize("size", [SIZE, (390, 292), (20, 15), (0, 0)])
def test_sizes_that_tell_nothing(original, size):
    assert not looks_enlarged(original, size)
