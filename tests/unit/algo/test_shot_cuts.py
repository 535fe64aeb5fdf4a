"""Cuts of videos: found where the scene changes, not where light or camera move."""

from __future__ import annotations

import numpy as np
import pytest

from tamis.algo.shots import shot_numbers


def scene(seed, frames, drift=0.0, pan=0):
    """Frames of one made scene, with light that grows and a camera that moves."""
    rng = np.random.default_rng(seed)
    wide = rng.integers(0, 256, (6, 12, 3)).repeat(6, axis=0).repeat(6, axis=1).astype(float)
    shown = []
    for number in range(frames):
        view = np.roll(wide, pan * number, axis=1)[:32, :32] + drift * number
        shown.append(np.clip(view + rng.normal(0, 3, view.shape), 0, 255))
    return np.stack(shown).astype(np.uint8)


@pytest.mark.parametrize("seed", range(4))
def test_every_cut_is_found_where_it_is(seed):
    lengths = [7, 12, 5, 9]
    video = np.concatenate([scene(10 * seed + n, length) for n, length in enumerate(lengths)])
    assert np.bincount(shot_numbers(video)).tolist() == lengths


@pytest.mark.parametrize("options", [{"drift": 3.0}, {"pan": 1}, {}])
def test_light_that_changes_and_a_moving_camera_are_one_shot(options):
    assert not shot_numbers(scene(1, 30, **options)).any()


@pytest.mark.parametrize("frames", [0, 1])
def test_no_frame_and_one_frame(frames):
    assert shot_numbers(scene(1, 2)[:frames]).tolist() == [0] * frames
