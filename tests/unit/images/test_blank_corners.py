"""Blank corners are told where a turn left them, and nowhere else."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image, ImageDraw

from synthetic_pictures import scene
from tamis.images.blank_corners import has_blank_corners


def photograph(seed: int, size: tuple[int, int] = (400, 300)) -> Image.Image:
    grey = Image.fromarray(scene(seed)).resize(size, Image.Resampling.BICUBIC)
    return Image.merge("RGB", [grey.point(lambda v, up=up: 20 + 0.8 * v + up) for up in (0, 9, 18)])


def saved(picture: Image.Image, quality: int = 90) -> Image.Image:
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=quality)
    return Image.open(buffer)


@pytest.mark.parametrize("angle", [-6.0, -2.0, -1.0, 1.0, 2.0, 3.5, 10.0])
@pytest.mark.parametrize("fill", ["black", "white"])
@pytest.mark.parametrize("size", [(400, 300), (300, 400), (640, 640)])
def test_a_tilt_is_told(angle, fill, size):
    turned = photograph(1, size).rotate(angle, Image.Resampling.BICUBIC, fillcolor=fill)
    assert has_blank_corners(saved(turned))


@pytest.mark.parametrize("seed", range(6))
def test_what_was_not_tilted_is_not(seed):
    assert not has_blank_corners(saved(photograph(seed)))


def framed() -> Image.Image:
    made = Image.new("RGB", (400, 300), "white")
    made.paste(photograph(2, (360, 260)), (20, 20))
    return made


def product() -> Image.Image:
    made = Image.new("RGB", (400, 300), "white")
    ImageDraw.Draw(made).ellipse((60, 40, 340, 260), fill=(90, 60, 40))
    return made


def vignetted() -> Image.Image:
    y, x = np.mgrid[-1:1:300j, -1:1:400j]
    light = np.clip(1.6 - (x**2 + y**2), 0, 1)[..., None]
    return Image.fromarray((np.asarray(photograph(3)) * light).astype(np.uint8))


def roof() -> Image.Image:
    """Two wedges only: a slanted line over a plain sky."""
    made = photograph(4)
    ImageDraw.Draw(made).polygon([(0, 0), (400, 0), (200, 20), (0, 0)], fill="white")
    return made


@pytest.mark.parametrize(
    "make", [framed, product, vignetted, roof, lambda: Image.new("RGB", (400, 300), "white")]
)
def test_frames_and_plain_grounds_are_no_tilt(make):
    assert not has_blank_corners(saved(make()))


def test_too_small_to_tell():
    assert not has_blank_corners(Image.new("L", (20, 20)))
