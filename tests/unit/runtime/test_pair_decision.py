"""What is made of a compared pair where the thumbnails alone decide."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from synthetic_pictures import scene
from tamis.algo.calibration import copy_score
from tamis.algo.pair_comparison import compare_pictures
from tamis.runtime.pair_verification import _decide, _Way

IDENTITY = np.array([0, 0, 1, 0, 0, 1], np.float32)
SIDE = 192
EVERY_LINE = float(copy_score(6.0))
"""The furthest that the line for copies is ever drawn."""


def picture(seed: int) -> np.ndarray:
    grey = np.asarray(Image.fromarray(scene(seed, SIDE)).convert("RGB"))
    return np.ascontiguousarray(grey)


@pytest.mark.parametrize("flipped", [False, True])
def test_shifted_views_are_changed_and_say_where(flipped):
    whole, side, shift = picture(1), 150, 24
    one, other = whole[:side, :side], whole[:side, shift : shift + side]
    start = np.array([0, -shift / side, 1, 0, 0, 1], np.float32)
    found = _decide(compare_pictures(one, other, start), None, 0, 1, _Way(flipped, 0))
    assert found.score < EVERY_LINE
    assert not found.undecidable
    left, right = (boxes[0] for boxes in found.regions)
    assert left == pytest.approx([0, 0, shift / side, 1], abs=0.03)
    strip = 0 if flipped else 1 - shift / side
    assert right == pytest.approx([strip, 0, shift / side, 1], abs=0.03)


def test_a_crop_is_a_copy():
    whole = picture(2)
    start = np.array([16 / SIDE, 20 / SIDE, 150 / SIDE, 0, 0, 150 / SIDE], np.float32)
    found = _decide(
        compare_pictures(whole[16:166, 20:170], whole, start), None, 0, 1, _Way(False, 0)
    )
    assert found.score > EVERY_LINE
    assert not found.undecidable


def test_a_mark_told_on_thumbnails_alone_is_never_acted_on():
    clean = picture(3)
    marked = clean.astype(float)
    for at in range(5):
        stroke = (slice(70, 120), slice(30 + 28 * at, 44 + 28 * at))
        marked[stroke] = 0.65 * marked[stroke] + 0.35 * 255
    pair = compare_pictures(clean, np.rint(marked).astype(np.uint8), IDENTITY)
    assert pair.excess > 6
    assert pair.unmarked(4.2).excess < 4.2
    assert _decide(pair, None, 0, 1, _Way(False, 0)).undecidable


@pytest.mark.parametrize("flipped", [False, True])
@pytest.mark.parametrize("turns", range(4))
def test_boxes_of_a_turned_picture_lie_where_they_are_in_the_file(flipped, turns):
    stored = np.zeros((40, 60, 3), np.uint8)
    stored[5:15, 42:54] = 255
    way = _Way(flipped, turns)
    shown = way.applied(stored)
    rows, columns = (np.flatnonzero(shown[..., 0].any(axis=axis)) for axis in (1, 0))
    height, width = shown.shape[:2]
    box = [columns[0] / width, rows[0] / height, len(columns) / width, len(rows) / height]
    assert way.undone(np.array([box], np.float32))[0] == pytest.approx(
        [42 / 60, 5 / 40, 12 / 60, 10 / 40]
    )


def lines(seed: int, height: int) -> np.ndarray:
    """Upright bars, a little rough."""
    rng = np.random.default_rng(seed)
    columns = np.repeat(rng.permutation([40, 200] * 12), 8)
    return np.clip(columns[None, :, None] + rng.normal(0, 3, (height, SIDE, 3)), 0, 255).astype(
        np.uint8
    )


def test_where_bars_lie_along_themselves_is_not_told():
    whole = lines(0, SIDE + 30)
    start = np.array([-10 / SIDE, 0, 1, 0, 0, 1], np.float32)
    moved = _decide(
        compare_pictures(whole[:SIDE], whole[10 : SIDE + 10], start), None, 0, 1, _Way(False, 0)
    )
    assert moved.undecidable or moved.score < EVERY_LINE
    same = lines(0, SIDE)
    again = np.clip(same + np.random.default_rng(1).normal(0, 2, same.shape), 0, 255)
    in_place = _decide(
        compare_pictures(same, again.astype(np.uint8), IDENTITY), None, 0, 1, _Way(False, 0)
    )
    assert in_place.score > EVERY_LINE
    assert not in_place.undecidable
