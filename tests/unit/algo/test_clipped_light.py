"""Clipped whites carry no evidence, and hide nothing else."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from synthetic_pictures import scene
from tamis.algo.clipped_light import lost_light
from tamis.algo.pair_comparison import compare_pictures
from tamis.algo.photometric_fit import fit_tone

IDENTITY = np.array([0, 0, 1, 0, 0, 1], np.float32)
LINE = 4.5
SIDE = 192


def picture(seed: int) -> np.ndarray:
    """A scene with fine, bright detail, in colour."""
    base, tint = scene(seed, SIDE).astype(float), scene(seed + 500, SIDE).astype(float) - 128
    channels = [base + share * tint for share in (0.2, 0.0, -0.2)]
    return as_bytes(gaussian_filter(np.stack(channels, axis=-1), (0.6, 0.6, 0)))


def as_bytes(values: np.ndarray) -> np.ndarray:
    return np.clip(np.rint(values), 0, 255).astype(np.uint8)


def blurred(values: np.ndarray, sigma: float) -> np.ndarray:
    return gaussian_filter(values.astype(float), (sigma, sigma, 0))


def excess(left: np.ndarray, right: np.ndarray) -> float:
    return compare_pictures(left, right, IDENTITY).excess


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("factor", [1.25, 1.6])
@pytest.mark.parametrize("sigma", [0.8, 1.6])
def test_a_blurred_and_a_brightened_copy_are_copies_of_each_other(seed, factor, sigma):
    shown = picture(seed)
    brighter = as_bytes(factor * shown)
    assert (brighter == 255).mean() > 0.02, "nothing is clipped"
    assert excess(as_bytes(blurred(shown, sigma)), brighter) < LINE


@pytest.mark.parametrize("seed", range(4))
def test_brightened_before_or_after_a_blur_is_a_copy(seed):
    shown = picture(seed)
    before = as_bytes(blurred(as_bytes(1.5 * shown), 1.2))
    after = as_bytes(1.5 * blurred(shown, 1.2))
    assert excess(shown, before) < LINE
    assert excess(shown, after) < LINE
    assert excess(before, after) < LINE


@pytest.mark.parametrize("seed", range(4))
def test_what_is_clipped_hides_no_change(seed):
    shown = picture(seed)
    shown[60:110, 60:110] = 215  # clipped in the brighter copy
    changed = shown.copy()
    changed[80:92, 78:94] = 120
    assert excess(changed, as_bytes(1.5 * shown)) > 2 * LINE
    assert excess(shown, as_bytes(1.5 * changed)) > 2 * LINE
    dark = picture(seed)
    dark[125:147, 35:65] = 70
    white = dark.copy()
    white[130:142, 40:60] = 255  # as white as what is clipped
    assert excess(dark, as_bytes(1.5 * white)) > 2 * LINE


def test_a_curve_is_not_bent_down_by_noise_near_the_limit():
    rng = np.random.default_rng(0)
    x = rng.uniform(20, 240, (4000, 3))
    y = np.clip(1.35 * x + rng.normal(0, 12, x.shape), 0, 255)
    curves = fit_tone(x.astype(np.float32), y.astype(np.float32), np.zeros(4000, np.float32))
    assert curves.curves[:, 180] == pytest.approx(1.35 * 180, abs=2)
    assert (curves.curves[:, 200:] == 255).all()
    assert curves.beyond[:, 255] == pytest.approx(1.35 * 255 - 255, abs=6)


def test_flat_places_tell_the_curve_where_one_picture_is_blurred():
    shown = picture(3).astype(np.float32)
    steep = np.abs(np.gradient(shown[..., 1])).sum(axis=0).reshape(-1)
    x, y = blurred(shown, 2.0).reshape(-1, 3), shown.reshape(-1, 3)
    told = fit_tone(x.astype(np.float32), y, steep)
    assert told.gain == pytest.approx(1, abs=0.06)


def test_nothing_is_lost_where_nothing_is_clipped():
    same = fit_tone(
        *(np.tile(np.linspace(10, 240, 500, dtype=np.float32)[:, None], 3),) * 2,
        np.zeros(500, np.float32),
    )
    assert lost_light(same, np.full((3, 8, 8), 255, np.uint8)) is None
