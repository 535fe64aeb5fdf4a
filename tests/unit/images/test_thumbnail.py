from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from picture_files import photo
from tamis.images.thumbnail import thumbnail


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        ((4000, 3000), (256, 192)),
        ((300, 600), (128, 256)),
        ((256, 256), (256, 256)),
        ((100, 50), (100, 50)),
        ((1, 5000), (1, 256)),
        ((1, 1), (1, 1)),
    ],
)
def test_the_longest_side_is_at_most_256(size: tuple[int, int], expected: tuple[int, int]) -> None:
    small = Image.open(io.BytesIO(thumbnail(Image.new("RGB", size, "red"))))

    assert small.format == "JPEG"
    assert small.size == expected
    assert np.abs(np.asarray(small)[0, 0].astype(int) - (255, 0, 0)).max() <= 2


def test_it_shows_the_picture_without_aliasing() -> None:
    checks = (np.indices((1024, 1024)).sum(0) % 2 * 255).astype(np.uint8)
    small = np.asarray(Image.open(io.BytesIO(thumbnail(Image.fromarray(checks).convert("RGB")))))

    assert np.abs(small.astype(int) - 127).max() <= 3


def test_it_is_the_picture() -> None:
    picture = Image.fromarray(photo(800, 600))
    small = np.asarray(Image.open(io.BytesIO(thumbnail(picture)))).astype(int)
    expected = np.asarray(picture.resize((256, 192), Image.Resampling.BICUBIC))

    assert np.abs(small - expected).mean() < 2


def test_no_metadata_goes_along() -> None:
    picture = Image.new("RGB", (20, 20))
    picture.info |= {"comment": b"private", "icc_profile": b"x" * 300, "exif": b"Exif\0\0private"}

    assert b"private" not in thumbnail(picture)
