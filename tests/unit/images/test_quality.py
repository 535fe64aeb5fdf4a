from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageFilter
from scipy import ndimage

from picture_files import photo
from tamis.images.quality import measure_quality, sharpness, standard_gray

RNG = np.random.default_rng(0)
LAPLACIAN = np.array([[0, 1, 0], [1, -4, 1], [0, 1, 0]])


@pytest.mark.parametrize("shape", [(5, 7), (2, 2), (64, 3), (300, 200)])
def test_sharpness_is_the_variance_of_the_laplacian(shape: tuple[int, int]) -> None:
    gray = RNG.integers(0, 256, shape, dtype=np.uint8)

    # SciPy's "mirror" is OpenCV's default border: the edge pixel itself is not repeated.
    expected = ndimage.convolve(gray.astype(float), LAPLACIAN, mode="mirror").var()

    assert sharpness(gray) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("shape", [(1, 1), (1, 50), (50, 1)])
def test_a_line_has_a_sharpness_too(shape: tuple[int, int]) -> None:
    gray = RNG.integers(0, 256, shape, dtype=np.uint8)
    expected = ndimage.convolve(gray.astype(float), LAPLACIAN, mode="nearest").var()

    assert sharpness(gray) == pytest.approx(expected, rel=1e-12, abs=1e-12)


def test_known_figures() -> None:
    black = measure_quality(np.zeros((8, 8), np.uint8))
    ramp = measure_quality(np.arange(256, dtype=np.uint8).reshape(16, 16))
    halves = measure_quality(np.repeat([0, 255], 32).astype(np.uint8).reshape(8, 8))

    assert (black.brightness, black.contrast, black.entropy, black.sharpness) == (0, 0, 0, 0)
    assert ramp.entropy == pytest.approx(8.0)
    assert ramp.brightness == pytest.approx(0.5)
    assert ramp.contrast == pytest.approx(np.arange(256).std() / 255)
    assert halves.entropy == pytest.approx(1.0)
    assert halves.brightness == pytest.approx(0.5)
    assert halves.contrast == pytest.approx(0.5)


def test_figures_agree_with_numpy() -> None:
    gray = np.asarray(Image.fromarray(photo(200, 150)).convert("L"))
    shares = np.bincount(gray.ravel(), minlength=256) / gray.size

    quality = measure_quality(gray)

    assert quality.brightness == pytest.approx(gray.mean() / 255)
    assert quality.contrast == pytest.approx(gray.std() / 255)
    assert quality.entropy == pytest.approx(-sum(p * np.log2(p) for p in shares if p > 0))


@pytest.mark.parametrize(
    ("size", "shape"),
    [
        ((512, 512), (512, 512)),
        ((4000, 3000), (384, 512)),
        ((30, 40), (512, 384)),
        ((1, 5000), (512, 1)),
        ((1, 1), (512, 512)),
    ],
)
def test_the_standard_size(size: tuple[int, int], shape: tuple[int, int]) -> None:
    assert standard_gray(Image.new("RGB", size)).shape == shape


def detailed(side: int) -> Image.Image:
    """A picture of edges at all scales, drawn at any resolution."""
    axis = (np.arange(side) + 0.5) / side
    x, y = np.meshgrid(axis, axis)
    waves = sum(
        np.sin(2 * np.pi * k * (x * np.cos(k) + y * np.sin(k))) > 0 for k in range(3, 20, 4)
    )
    return Image.fromarray((waves * 50).astype(np.uint8)).convert("RGB")


def test_sharpness_does_not_depend_on_the_resolution() -> None:
    figures = [sharpness(standard_gray(detailed(side))) for side in (800, 1600, 2400)]

    assert max(figures) / min(figures) < 1.25


def test_blur_lowers_sharpness_at_every_resolution() -> None:
    for side in (600, 1024, 2048):
        picture = detailed(side)
        blurred = picture.filter(ImageFilter.GaussianBlur(side / 200))
        ratio = sharpness(standard_gray(blurred)) / sharpness(standard_gray(picture))
        assert ratio < 0.2


def test_a_picture_that_was_blown_up_is_less_sharp() -> None:
    small = detailed(1024).resize((128, 128), Image.Resampling.BICUBIC)

    assert sharpness(standard_gray(small)) < 0.5 * sharpness(standard_gray(detailed(1024)))
