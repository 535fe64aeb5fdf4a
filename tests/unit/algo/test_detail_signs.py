"""Signs of fine detail tell pictures that lie alike, whatever else is in them."""

from __future__ import annotations

import numpy as np
import pytest

from synthetic_pictures import SIDE, blurred, brighter, noisy, scene
from tamis.algo.detail_signs import detail_signs, sign_agreement

ENOUGH, CHANCE = 0.4, 0.3


def agreed(left: np.ndarray, right: np.ndarray, *, mirrored: bool = False) -> float:
    signs = detail_signs(np.stack([left, right]))
    return float(sign_agreement(signs, np.array([0]), np.array([1]), mirrored=mirrored)[0])


def covered(picture: np.ndarray) -> np.ndarray:
    """A bright box with a frame over a quarter of the picture, far stronger than all else."""
    copy = picture.copy()
    copy[30:90, 30:98] = 255
    copy[34:86, 34:94] = 20
    return copy


CHANGES = {
    "brighter": lambda p: brighter(p, 1.3),
    "darker": lambda p: brighter(p, 0.6),
    "blur": lambda p: blurred(p, 1.0),
    "noise": lambda p: noisy(p, 5),
    "covered": covered,
}


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("mirrored", [False, True])
def test_what_lies_alike_agrees(change, mirrored):
    for seed in range(4):
        one = scene(seed)
        other = CHANGES[change](one)
        other = other[:, ::-1] if mirrored else other
        assert agreed(one, other, mirrored=mirrored) > ENOUGH
        assert abs(agreed(one, other, mirrored=not mirrored)) < CHANCE


def test_unrelated_and_flat_pictures_do_not():
    for seed in range(6):
        assert abs(agreed(scene(seed), scene(seed + 100))) < CHANCE
    flat = np.full((SIDE, SIDE), 90, np.uint8)
    assert agreed(flat, flat) == 0
