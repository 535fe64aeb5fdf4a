"""Copies of a picture are told from other pictures, however alike those are."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from synthetic_pictures import alike, blurred, brighter, captioned, crop, noisy, scene
from tamis.algo.agreement import agreement, exact_share
from tamis.algo.grid_filters import blur_matrix, filtered, sampling_matrix
from tamis.algo.registration import overlap_frames, refine
from tamis.algo.verification import (
    COARSE_SIDE,
    GREY_SIDE,
    plausible_pairs,
    verify,
    verify_in_place,
)

COPIES = {
    "same": lambda p: p,
    "noise": lambda p: noisy(p, 6),
    "brighter": lambda p: brighter(p, 1.3),
    "darker": lambda p: brighter(p, 0.6),
    "blur": lambda p: blurred(p, 1.2),
    "crop90": lambda p: crop(p, 9, 4, 115),
    "crop75": lambda p: crop(p, 12, 20, 96),
    "caption": captioned,
    "flip": lambda p: p[:, ::-1],
    "flipped crop": lambda p: crop(p, 9, 4, 115)[:, ::-1],
}


def small(greys: np.ndarray) -> np.ndarray:
    step = GREY_SIDE // COARSE_SIDE
    blocks = greys.reshape(len(greys), COARSE_SIDE, step, COARSE_SIDE, step)
    return blocks.mean(axis=(2, 4)).round().astype(np.uint8)


def scores(left: np.ndarray, right: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    m = len(left)
    both = np.concatenate([left, right])
    found = plausible_pairs(small(both), np.arange(m), np.arange(m, 2 * m))
    values, _ = verify(left[found.pair], right[found.pair], found.flipped, found.transforms)
    best, mirrored = np.zeros(m, np.float32), np.zeros(m, bool)
    for pair, value, flipped in zip(found.pair, values, found.flipped, strict=True):
        if value > best[pair]:
            best[pair], mirrored[pair] = value, flipped
    return best, mirrored


@pytest.mark.parametrize("kind", COPIES)
def test_copy_scores_high(kind):
    originals = np.stack([scene(seed) for seed in range(8)])
    copies = np.stack([COPIES[kind](picture) for picture in originals])
    found, mirrored = scores(originals, copies)
    assert found.min() > 0.75
    assert (mirrored == kind.startswith("flip")).all()


@pytest.mark.parametrize("kind", ["crop90", "flipped crop", "blur"])
def test_order_of_a_pair_does_not_matter(kind):
    originals = np.stack([scene(seed) for seed in range(4)])
    copies = np.stack([COPIES[kind](picture) for picture in originals])
    forward, backward = scores(originals, copies)[0], scores(copies, originals)[0]
    assert np.abs(forward - backward).max() < 0.05


def test_alike_is_not_the_same():
    left = np.stack([alike(seed, 1000) for seed in range(20)])
    right = np.stack([alike(seed + 100, 1000) for seed in range(20)])
    layout = [
        np.corrcoef(a.ravel(), b.ravel())[0, 1]
        for a, b in zip(small(left), small(right), strict=True)
    ]
    assert np.median(layout) > 0.8  # as small pictures they are nearly the same
    assert scores(left, right)[0].max() < 0.4


def test_unrelated_pictures_score_low():
    left = np.stack([scene(seed) for seed in range(20)])
    right = np.stack([scene(seed + 100) for seed in range(20)])
    assert scores(left, right)[0].max() < 0.3


def test_large_change_is_not_a_caption():
    picture = scene(1)
    changed = picture.copy()
    changed[:64] = scene(2)[:64]
    assert scores(picture[None], changed[None])[0][0] < 0.7


def test_flat_pictures_show_nothing_to_compare():
    flat = np.full((2, GREY_SIDE, GREY_SIDE), 90, np.uint8)
    assert scores(flat[:1], flat[1:])[0].max() < 1e-6
    assert agreement(flat[:1].astype(np.float32), flat[1:].astype(np.float32)).max() < 1e-6


def test_no_pairs():
    found = plausible_pairs(np.zeros((3, 32, 32), np.uint8), np.arange(0), np.arange(0))
    assert len(found.pair) == 0
    assert found.transforms.shape == (0, 4)


def test_batches_do_not_change_scores():
    originals = np.stack([scene(seed) for seed in range(3)])
    copies = np.stack([crop(picture, 5, 8, 112) for picture in originals])
    many = scores(np.tile(originals, (100, 1, 1)), np.tile(copies, (100, 1, 1)))[0]
    assert np.allclose(many.reshape(100, 3), scores(originals, copies)[0], atol=1e-3)


@pytest.mark.parametrize(("top", "left", "side"), [(6, 3, 115), (0, 20, 102), (24, 10, 96)])
def test_refinement_finds_the_crop(top, left, side):
    picture = scene(5)
    copy = crop(picture, top, left, side)
    truth = np.array([[-top, -left, GREY_SIDE, GREY_SIDE]], np.float32) / side
    start = truth + np.array([[0.03, -0.03, 0.02, 0.02]], np.float32)
    a, b = picture[None].astype(np.float32), copy[None].astype(np.float32)
    placed = start
    for side_, band in ((16, (1.0, 3.0)), (32, (1.0, 3.0)), (64, (0.7, 3.0))):
        placed, correlation = refine(a, b, placed, side=side_, band=band, steps=4)
    assert np.abs(placed - truth).max() < 0.01
    assert correlation[0] > 0.9


def test_identity_is_a_fixed_point_under_noise():
    a, b = noisy(scene(3), 10)[None].astype(np.float32), scene(3)[None].astype(np.float32)
    identity = np.array([[0, 0, 1, 1]], np.float32)
    placed, _ = refine(a, b, identity, side=64, band=(0.7, 3.0), steps=10)
    assert np.abs(placed - identity).max() < 0.003


def test_overlap_of_a_crop_is_the_crop():
    picture = scene(4).astype(np.float32)[None]
    transform = np.array([[-0.25, -0.25, 2.0, 2.0]], np.float32)
    a, b = overlap_frames(picture, picture, transform, 32)
    assert a.shape == b.shape == (1, 32, 32)
    # The left is read over an eighth to five eighths, the right whole.
    expected = picture[0, 16:80, 16:80].reshape(32, 2, 32, 2).mean(axis=(1, 3))
    assert np.abs(a[0] - expected).mean() < 6


def test_sampling_keeps_a_constant():
    weights = sampling_matrix(
        np.array([-0.2, 0.1], np.float32), np.array([1.4, 0.3], np.float32), 20, 50
    )
    assert np.allclose(weights.sum(axis=2), 1, atol=1e-5)


def test_blur_matches_scipy():
    from scipy.ndimage import gaussian_filter

    picture = scene(7, 64).astype(np.float32)
    ours = blur_matrix(64, 2.0) @ picture @ blur_matrix(64, 2.0).T
    assert np.abs(ours - gaussian_filter(picture, 2.0)).max() < 0.1
    assert abs(filtered(picture[None], 0.7, 3.0).mean()) < 0.5


def smooth(seed: int) -> Image.Image:
    """A scene with no fine detail, larger than it is compared."""
    return Image.fromarray(blurred(scene(seed), 2.5)).resize((384, 384), Image.Resampling.BICUBIC)


def page(seed: int) -> Image.Image:
    rng = np.random.default_rng(seed)
    made = Image.new("L", (640, 640), 255)
    draw, font = ImageDraw.Draw(made), ImageFont.load_default(13)
    for line in range(36):
        words = (
            "".join(chr(97 + int(c)) for c in rng.integers(0, 26, n))
            for n in rng.integers(2, 9, 14)
        )
        draw.text((40, 30 + 16 * line), " ".join(words)[:75], fill=0, font=font)
    return made


def squared(picture: Image.Image) -> np.ndarray:
    return np.asarray(picture.resize((GREY_SIDE, GREY_SIDE), Image.Resampling.BICUBIC))


@pytest.mark.parametrize("angle", [-2.0, 2.0])
@pytest.mark.parametrize("make", [smooth, page])
def test_tilts_of_smooth_pictures_and_of_pages_are_found(make, angle):
    originals = [make(seed) for seed in range(6)]
    copies = [
        one.rotate(angle, Image.Resampling.BICUBIC, fillcolor=255 if make is page else 0)
        for one in originals
    ]
    found, _ = scores(*(np.stack([squared(one) for one in some]) for some in (originals, copies)))
    assert found.min() > 0.75


def test_other_pages_are_not_found():
    originals = np.stack([squared(page(seed)) for seed in range(8)])
    assert scores(originals, np.roll(originals, 1, axis=0))[0].max() < 0.7


def filled_chart(seed: int) -> np.ndarray:
    """Axes, a title and labels that every chart has, and bars of its own."""
    picture = Image.new("L", (512, 512), 250)
    draw, heights = ImageDraw.Draw(picture), np.random.default_rng(seed).integers(40, 380, 8)
    draw.line((40, 30, 40, 460, 490, 460), fill=0, width=4)
    draw.text((120, 4), "Output by quarter", fill=0, font=ImageFont.load_default(30))
    for at, height in enumerate(heights.tolist()):
        left = 56 + 54 * at
        draw.rectangle((left, 460 - height, left + 34, 459), fill=110)
        draw.text((left, 466), f"Q{at}", fill=0, font=ImageFont.load_default(24))
    return squared(picture)


def test_fillings_of_one_template_share_a_view_however_much_differs():
    left, right = (np.stack([filled_chart(seed + k) for seed in range(6)]) for k in (0, 6))
    found, maps = verify_in_place(left, right, np.zeros(6, bool))
    assert found.min() > 0.9
    assert np.abs(maps - [0, 0, 1, 0, 0, 1]).max() < 0.02


def test_what_agrees_a_little_everywhere_is_no_template():
    pages = np.stack([squared(page(seed)) for seed in range(8)]).astype(np.float32)
    scenes = np.stack([scene(seed) for seed in range(8)]).astype(np.float32)
    grain = np.random.default_rng(0).normal(128, 30, (8, GREY_SIDE, GREY_SIDE)).astype(np.float32)
    for pictures in (pages, scenes, grain):
        assert exact_share(pictures[:4], pictures[4:]).max() < 0.15
    blank = np.full((1, GREY_SIDE, GREY_SIDE), 200, np.float32)
    assert exact_share(blank, blank).max() == 0
