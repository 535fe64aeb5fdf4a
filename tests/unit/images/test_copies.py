"""Thumbnails as grey squares, and copies of pictures."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from synthetic_pictures import scene
from tamis.images.copies import COPY_KINDS, copy_of, grey_square
from tamis.images.thumbnail import thumbnail

PICTURE = Image.fromarray(np.kron(scene(0), np.ones((2, 4), np.uint8))).convert("RGB")


def grey(jpeg: bytes) -> np.ndarray:
    return grey_square(jpeg, 128).astype(float)


def test_grey_square_is_the_picture_squashed():
    square = grey_square(thumbnail(PICTURE), 128)
    assert square.shape == (128, 128)
    assert square.dtype == np.uint8
    assert np.abs(square.astype(int) - scene(0)).mean() < 6


def test_each_kind_does_what_it_says():
    original, rng = grey(thumbnail(PICTURE)), np.random.default_rng(0)
    copies = {kind: grey(copy_of(PICTURE, b"", kind, rng)) for kind in COPY_KINDS}
    distance = {kind: np.abs(copy - original).mean() for kind, copy in copies.items()}
    assert distance["jpeg"] < distance["worn"] < 8
    assert distance["bright"] > 20
    assert distance["flip"] > 20
    assert np.abs(copies["flip"][:, ::-1] - original).mean() < 6
    assert np.abs(copies["tilt"][0, :3]).max() < 60 or np.abs(copies["tilt"][0, -3:]).max() < 60
    assert copies["blur"].std() < original.std()


@pytest.mark.parametrize("kind", COPY_KINDS)
def test_without_a_file_the_thumbnail_is_copied(kind):
    made = copy_of(None, thumbnail(PICTURE), kind, np.random.default_rng(0))
    with Image.open(io.BytesIO(made)) as opened:
        assert max(opened.size) <= 256


@pytest.mark.parametrize("size", [(1, 1), (256, 1), (3, 200)])
@pytest.mark.parametrize("kind", COPY_KINDS)
def test_slivers(size, kind):
    picture = Image.new("RGB", size, "grey")
    assert grey(copy_of(picture, b"", kind, np.random.default_rng(0))).shape == (128, 128)
