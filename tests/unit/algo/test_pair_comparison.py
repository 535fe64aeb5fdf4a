"""What processing does is explained; what stands in one place is found there."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageDraw, ImageFont
from scipy.ndimage import gaussian_filter, rotate, zoom

from synthetic_pictures import scene
from tamis.algo.pair_comparison import compare_pictures
from tamis.images.copies import compressed

IDENTITY = np.array([0, 0, 1, 0, 0, 1], np.float32)
LINE = 4.5
SIDE = 192


def colour(seed: int) -> np.ndarray:
    """A scene whose channels are alike, as in photographs, with some saturation."""
    base, tint = scene(seed, SIDE).astype(float), scene(seed + 500, SIDE).astype(float) - 128
    channels = [base + share * tint for share in (0.3, 0.0, -0.3)]
    return as_bytes(gaussian_filter(np.stack(channels, axis=-1), (0.6, 0.6, 0)))


def as_bytes(values: np.ndarray) -> np.ndarray:
    return np.clip(np.rint(values), 0, 255).astype(np.uint8)


def noisy(picture: np.ndarray, seed: int, sigma: float = 2.5) -> np.ndarray:
    return as_bytes(picture + np.random.default_rng(seed).normal(0, sigma, picture.shape))


def patched(picture: np.ndarray, top: int, left: int, side: int, donor: int) -> np.ndarray:
    made = picture.copy()
    made[top : top + side, left : left + side] = colour(donor)[:side, :side]
    return made


def marked(picture: np.ndarray, opacity: float, ink: float) -> np.ndarray:
    made = picture.astype(float)
    for at in range(5):
        stroke = (slice(70, 120), slice(30 + 28 * at, 44 + 28 * at))
        made[stroke] = (1 - opacity) * made[stroke] + opacity * ink
    return as_bytes(made)


COPIES = {
    "noise": lambda p: noisy(p, 1, 5),
    "brighter, whites clipped": lambda p: as_bytes(p * 1.5),
    "darker": lambda p: as_bytes(p * 0.6),
    "gamma": lambda p: as_bytes(255 * (p / 255.0) ** 0.8),
    "blur": lambda p: as_bytes(gaussian_filter(p.astype(float), (1.2, 1.2, 0))),
    "half": lambda p: as_bytes(
        zoom(
            gaussian_filter(p.astype(float), (0.8, 0.8, 0)),
            (0.5, 0.5, 1),
            order=1,
            grid_mode=True,
            mode="nearest",
        )
    ),
    "tilt": lambda p: as_bytes(rotate(p.astype(float), 1.0, reshape=False, order=3)),
    "grey": lambda p: np.repeat(as_bytes(p @ [0.299, 0.587, 0.114])[..., None], 3, axis=2),
}


def excess(left: np.ndarray, right: np.ndarray) -> float:
    return compare_pictures(left, right, IDENTITY).excess


def test_identical_pictures_differ_nowhere():
    found = compare_pictures(colour(0), colour(0), IDENTITY)
    assert found.excess == 0
    assert all(len(boxes) == 0 for boxes in found.regions(LINE))


@pytest.mark.parametrize("kind", COPIES)
def test_copies_stay_under_the_line(kind):
    assert max(excess(colour(seed), COPIES[kind](colour(seed))) for seed in range(2)) < LINE


@settings(max_examples=6, deadline=None)
@given(st.integers(0, 40), st.floats(0.5, 6))
def test_two_exposures_are_copies(seed, sigma):
    assert excess(noisy(colour(seed), 1, sigma), noisy(colour(seed), 2, sigma)) < LINE


@settings(max_examples=8, deadline=None)
@given(
    st.integers(0, 40), st.integers(4, SIDE - 30), st.integers(4, SIDE - 30), st.integers(12, 26)
)
def test_other_content_is_found_where_it_is(seed, top, left, side):
    changed = patched(noisy(colour(seed), 1), top, left, side, seed + 100)
    found = compare_pictures(noisy(colour(seed), 2), changed, IDENTITY)
    assert found.excess > LINE
    boxes, _ = found.regions(LINE)
    x, y, width, height = boxes[0] * SIDE
    # The average of a coarse band reaches a few of its pixels, of eight, beyond the place.
    assert left - 16 <= x <= left + side <= x + width + side
    assert top - 16 <= y <= top + side <= y + height + side
    assert x + width <= left + side + 16
    assert y + height <= top + side + 16


@pytest.mark.parametrize("seed", range(2))
def test_order_of_a_pair_does_not_matter(seed):
    one, other = noisy(colour(seed), 1), patched(colour(seed), 50, 90, 20, seed + 9)
    forward = compare_pictures(one, other, IDENTITY)
    backward = compare_pictures(other, one, IDENTITY)
    assert forward.excess == pytest.approx(backward.excess, rel=0.15)
    assert np.abs(forward.regions(LINE)[0][0] - backward.regions(LINE)[1][0]).max() < 0.03


@pytest.mark.parametrize("seed", range(2))
def test_mirroring_both_changes_nothing(seed):
    one, other = noisy(colour(seed), 1), patched(colour(seed), 50, 90, 20, seed + 9)
    assert excess(one, other) == pytest.approx(excess(one[:, ::-1], other[:, ::-1]), rel=0.15)


def test_a_region_lies_in_both_pictures_of_other_sizes():
    small = COPIES["half"](colour(3))
    found = compare_pictures(patched(colour(3), 100, 40, 24, 77), small, IDENTITY)
    for boxes in found.regions(LINE):
        x, y, width, height = boxes[0] * SIDE
        assert abs(x + width / 2 - 52) < 8
        assert abs(y + height / 2 - 112) < 8


@pytest.mark.parametrize("ink", [255.0, 0.0])
@pytest.mark.parametrize("seed", range(2))
def test_a_translucent_mark_is_taken_off(seed, ink):
    found = compare_pictures(colour(seed), marked(colour(seed), 0.35, ink), IDENTITY)
    assert found.excess > LINE
    assert found.unmarked(LINE).excess < LINE


@pytest.mark.parametrize("kind", ["brighter, whites clipped", "darker", "noise"])
@pytest.mark.parametrize("seed", range(2))
def test_a_mark_is_taken_off_other_copies_as_well(seed, kind):
    copied = COPIES[kind](colour(seed))
    found = compare_pictures(copied, marked(colour(seed), 0.35, 255.0), IDENTITY)
    assert found.excess > LINE
    assert found.unmarked(LINE).excess < LINE
    covered = compare_pictures(copied, marked(colour(seed), 1.0, 250.0), IDENTITY)
    assert covered.unmarked(LINE).excess > LINE


@pytest.mark.parametrize("seed", range(2))
def test_an_opaque_mark_stays(seed):
    found = compare_pictures(colour(seed), marked(colour(seed), 1.0, 250.0), IDENTITY)
    assert found.unmarked(LINE).excess > LINE


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("sigma", [2.0, 3.0])
def test_an_opaque_line_of_strokes_is_no_mark_for_being_blurred(seed, sigma):
    shown = blurred_scene(colour(seed), 1.0)
    struck = shown.copy()
    for at in range(40, 150, 5):
        struck[96:102, at : at + 2] = 255 if at % 2 else 0
    found = compare_pictures(blurred_scene(shown, sigma), struck, IDENTITY)
    assert found.unmarked(LINE).excess > LINE


def blurred_scene(picture: np.ndarray, sigma: float) -> np.ndarray:
    return as_bytes(gaussian_filter(picture.astype(float), (sigma, sigma, 0)))


def test_other_content_is_no_mark():
    found = compare_pictures(colour(1), patched(colour(1), 60, 60, 30, 7), IDENTITY)
    assert found.unmarked(LINE).excess > LINE


@pytest.mark.parametrize("seed", range(6))
def test_a_mark_on_dark_cloth_is_worth_a_closer_look(seed):
    dark = as_bytes(14 + 0.02 * (colour(seed).astype(float) - 40))
    one, other = compressed(dark, 85), compressed(marked(dark, 0.4, 255), 85)
    found = compare_pictures(one, other, IDENTITY)
    assert found.unmarked(LINE).excess < LINE or found.may_be_marked(LINE)


def test_on_a_flat_ground_nothing_is_taken_for_a_mark():
    flat = noisy(np.full((SIDE, SIDE, 3), 140.0), 1, 1.0)
    found = compare_pictures(flat, marked(flat, 0.35, 255.0), IDENTITY)
    assert found.unmarked(LINE).excess > LINE


def test_pictures_without_a_common_part_have_no_excess_to_tell():
    away = np.array([3, 3, 1, 0, 0, 1], np.float32)
    found = compare_pictures(colour(0), colour(0), away)
    assert found.excess == np.inf
    assert found.regions(LINE)[0].shape == (0, 4)


@pytest.mark.parametrize("shape", [(20, 256), (24, 24), (33, 57)])
def test_small_and_odd_pictures(shape):
    picture = colour(0)[: shape[0], : min(shape[1], SIDE)]
    assert excess(picture, noisy(picture, 1, 1.0)) < LINE


@pytest.mark.parametrize("seed", range(12))
def test_an_object_of_several_tones_is_no_mark(seed):
    """Its tones and those of the ground lie on a line by chance; each place has its own opacity."""
    rng = np.random.default_rng(seed)
    ground = as_bytes(
        rng.normal(120, 6, (SIDE, SIDE, 1))
        + gaussian_filter(rng.normal(0, 60, (SIDE, SIDE, 1)), (3, 3, 0))
        + np.array([0, 2, 4])
    )
    parked = ground.copy()
    top, left = rng.integers(30, 130, 2)
    body, roof = rng.integers(10, 110, 3), rng.integers(60, 180, 3)
    parked[top : top + 34, left : left + 16] = body
    parked[top + 8 : top + 24, left + 3 : left + 13] = roof
    parked[top + 34 : top + 38, left : left + 18] = (
        ground[top + 34 : top + 38, left : left + 18] // 2
    )
    found = compare_pictures(noisy(ground, 1, 1), noisy(parked, 2, 1), IDENTITY)
    assert found.unmarked(LINE).excess > LINE


@pytest.mark.parametrize(("down", "across"), [(20, 0), (0, -24), (16, 12)])
def test_shifted_views_lie_beyond_each_other_and_crops_do_not(down, across):
    """A crop lies within its original; of a shifted view each shows what the other lacks."""
    whole = colour(7)
    side = SIDE - 40
    top, left = max(down, 0), max(across, 0)
    one = whole[top - down + 10 :, left - across + 10 :][:side, :side]
    other = whole[top + 10 :, left + 10 :][:side, :side]
    start = np.array([-down / side, -across / side, 1, 0, 0, 1], np.float32)
    found = compare_pictures(one, other, start)
    assert found.excess < LINE
    assert min(found.beyond()) > 0.08
    strips = found.rims()
    assert all(len(boxes) >= 1 for boxes in strips)
    widest = strips[0][0, 2] * strips[0][0, 3]
    assert widest == pytest.approx(max(abs(down), abs(across)) / side, abs=0.03)

    crop = whole[20:170, 24:174]
    inside = compare_pictures(
        crop, whole, np.array([20 / SIDE, 24 / SIDE, 150 / SIDE, 0, 0, 150 / SIDE], np.float32)
    )
    assert min(inside.beyond()) < 0.02


def test_strips_of_views_that_lack_more_on_one_side_are_as_many():
    """One view is wider on both sides, the other goes deeper: each strip needs its opposite."""
    whole = colour(7)
    side = SIDE - 40
    one = whole[10:, 20:][:side, :side]
    other = whole[30:, 35:][:side, : side - 30]
    across = side / (side - 30)
    start = np.array([-20 / side, -15 / (side - 30), 1, 0, 0, across], np.float32)
    left, right = compare_pictures(one, other, start).rims()
    assert len(left) == len(right) == 1


def printed(seed: int) -> np.ndarray:
    """A small print of hard strokes on plain cloth: most of the picture tells nothing of a blur."""
    rng = np.random.default_rng(seed)
    made = np.full((SIDE, SIDE, 3), 40.0)
    for at in range(8):
        top, left = 70 + 5 * (at % 2) + 20 * (at // 4), 50 + 22 * (at % 4)
        for _ in range(3):
            y, x = top + rng.integers(0, 12), left + rng.integers(0, 14)
            made[y : y + 3, x : x + 12] = made[y : y + 10, x : x + 3] = rng.integers(170, 240, 3)
    return as_bytes(gaussian_filter(made, (0.5, 0.5, 0)) + rng.normal(0, 1, made.shape))


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("sigma", [0.9, 1.2])
def test_the_blur_of_a_small_print_is_told_by_its_edges(seed, sigma):
    one = printed(seed)
    other = as_bytes(gaussian_filter(one.astype(float), (sigma, sigma, 0)))
    found = compare_pictures(one, other, IDENTITY)
    assert found.excess < LINE
    assert found.sharper == -1
    assert compare_pictures(other, one, IDENTITY).sharper == 1
    changed = other.copy()
    changed[100:112, 60:72] = changed[75:87, 60:72]
    assert excess(one, changed) > LINE


def filled_form(seed: int, degrees: float = 0.0) -> np.ndarray:
    """Thin lines and words on paper, as a thumbnail."""
    rng, font = np.random.default_rng(seed), ImageFont.load_default(24)
    paper = Image.new("RGB", (700, 900), (250, 250, 245))
    draw = ImageDraw.Draw(paper)
    for at in range(10):
        draw.text((50, 60 + 80 * at), f"field {at}:", fill="black", font=font)
        draw.rectangle((220, 52 + 80 * at, 650, 100 + 80 * at), outline="gray")
        draw.text((235, 60 + 80 * at), str(rng.integers(10**11)), fill="darkblue", font=font)
    turned = paper.rotate(degrees, resample=Image.Resampling.BICUBIC)
    return np.asarray(turned.resize((199, 256), Image.Resampling.LANCZOS))


def test_other_words_on_a_form_are_no_mark_and_hardly_ever_need_a_closer_look():
    asked = 0
    for seed in range(4):
        found = compare_pictures(filled_form(seed), filled_form(seed + 50), IDENTITY)
        assert found.unmarked(LINE).excess > 2 * LINE
        asked += found.may_be_marked(LINE)
    assert asked <= 1


@pytest.mark.parametrize("degrees", [1.0, -1.0])
def test_thin_lines_are_registered_as_finely_as_they_need(degrees):
    angle, tall = np.deg2rad(degrees), 256 / 199
    turn = np.array([[np.cos(angle), -np.sin(angle) / tall], [np.sin(angle) * tall, np.cos(angle)]])
    offset = 0.5 - turn @ [0.5, 0.5] + 0.004
    near = np.concatenate([offset, turn.reshape(-1)]).astype(np.float32)
    found = compare_pictures(filled_form(1), filled_form(1, degrees), near)
    assert found.excess < LINE
