"""Pairs of one view are found where small pictures show nothing, or are led astray."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from synthetic_pictures import noisy, scene
from tamis.algo.verification import COARSE_SIDE, GREY_SIDE
from tamis.dataset.grey_pictures import GreyPictures
from tamis.images.thumbnail import thumbnail
from tamis.runtime.pair_registration import registered

SHARED = 0.75
SIDE = 512


def pictures_of(images: list[Image.Image]) -> GreyPictures:
    jpegs = [thumbnail(image) for image in images]
    return GreyPictures(
        lambda rows: [jpegs[row] for row in rows], len(jpegs), small=COARSE_SIDE, large=GREY_SIDE
    )


def weave(period: float, seed: int) -> np.ndarray:
    """A fabric whose threads are finer than small pictures show, with grain of its own."""
    y, x = np.mgrid[0:SIDE, 0:SIDE]
    rng = np.random.default_rng(seed)
    threads = np.sin(2 * np.pi * x / period + 0.5 * np.sin(2 * np.pi * y / (1.5 * period)))
    return np.clip(120 + 40 * threads + rng.normal(0, 8, (SIDE, SIDE)), 0, 255).astype(np.uint8)


def flawed(picture: np.ndarray) -> np.ndarray:
    copy = picture.copy()
    copy[200:240, 300:350] = np.roll(copy[200:240, 300:350], 9, axis=1)
    return copy


def screen(seed: int, *, dialog: bool) -> Image.Image:
    rng = np.random.default_rng(seed)
    image = Image.new("RGB", (960, 540), (40, 44, 52))
    draw = ImageDraw.Draw(image)
    font = ImageFont.load_default(14)
    for line in range(24):
        text = " ".join("".join(chr(c) for c in rng.integers(97, 123, 5)) for _ in range(14))
        draw.text((20 + 15 * (line % 4), 10 + 22 * line), text, fill=(190, 190, 200), font=font)
    if dialog:
        draw.rectangle((330, 190, 650, 330), fill=(110, 115, 125), outline="white")
        draw.text((360, 240), "Save changes?", fill="white", font=ImageFont.load_default(24))
    return image


def best_view(left: Image.Image, right: Image.Image) -> tuple[float, bool]:
    found = registered(pictures_of([left, right]), *np.array([[0], [1], [0]]))
    if len(found.view) == 0:
        return 0.0, False
    best = int(found.view.argmax())
    return float(found.view[best]), bool(found.flipped[best])


@pytest.mark.parametrize("period", [13, 16, 19])
def test_textures_too_fine_for_small_pictures(period):
    fabric = weave(period, 0)
    for other in (noisy(fabric, 3), flawed(fabric)):
        view, flipped = best_view(Image.fromarray(fabric), Image.fromarray(other))
        assert view > SHARED
        assert not flipped
    view, flipped = best_view(Image.fromarray(fabric), Image.fromarray(fabric[:, ::-1]))
    assert view > SHARED
    assert flipped


def test_a_dialog_does_not_lead_astray():
    for seed in range(5):
        assert best_view(screen(seed, dialog=False), screen(seed, dialog=True))[0] > SHARED


def test_other_pictures_share_no_view():
    fine, coarse = weave(16, 0), weave(21, 1)
    assert best_view(Image.fromarray(fine), Image.fromarray(coarse))[0] < SHARED
    for seed in range(4):
        one, other = (Image.fromarray(scene(seed + add, 256)) for add in (0, 50))
        assert best_view(one, other)[0] < SHARED


@pytest.mark.parametrize("turn", [-2, 2])
def test_black_corners_of_a_tilt_do_not_lead_astray(turn):
    for seed in range(4):
        faint = Image.fromarray((170 + (scene(seed, 256) - 128.0) / 5).astype(np.uint8))
        tilted = faint.rotate(turn, resample=Image.Resampling.BICUBIC)
        assert best_view(faint, tilted)[0] > SHARED
