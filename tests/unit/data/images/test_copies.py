"""Thumbnails as grey squares, and copies of them."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from synthetic_pictures import scene
from tamis.data.images.copies import COPY_KINDS, grey_copies, grey_square
from tamis.data.images.thumbnail import thumbnail

PICTURE = Image.fromarray(np.kron(scene(0), np.ones((1, 2), np.uint8))).convert("RGB")


def test_grey_square_is_the_picture_squashed():
    square = grey_square(thumbnail(PICTURE), 128)
    assert square.shape == (128, 128)
    assert square.dtype == np.uint8
    assert np.abs(square.astype(int) - scene(0)).mean() < 6


def test_one_copy_of_each_kind():
    copies = grey_copies(thumbnail(PICTURE), 256, 128, np.random.default_rng(0))
    assert tuple(copies) == COPY_KINDS
    original = grey_square(thumbnail(PICTURE), 128).astype(float)
    distance = {kind: np.abs(copy - original).mean() for kind, copy in copies.items()}
    assert all(copy.shape == (128, 128) for copy in copies.values())
    assert distance["jpeg"] < 8
    assert distance["bright"] > 20
    assert distance["flip"] > 20
    assert np.abs(copies["flip"][:, ::-1] - original).mean() < 6
    assert copies["blur"].std() < copies["half"].std() < original.std()


def test_a_large_picture_is_blurred_less():
    sharp, soft = (
        grey_copies(thumbnail(PICTURE), side, 128, np.random.default_rng(0))["blur"].std()
        for side in (4000, 256)
    )
    assert soft < sharp


@pytest.mark.parametrize("size", [(1, 1), (256, 1), (3, 200)])
def test_slivers(size):
    jpeg = thumbnail(Image.new("RGB", size, "grey"))
    copies = grey_copies(jpeg, 4000, 32, np.random.default_rng(0))
    assert all(copy.shape == (32, 32) for copy in copies.values())
