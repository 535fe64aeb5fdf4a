"""Pictures made ready for an encoder."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from tamis.encoders.preprocess import decode_side, input_box, prepare
from tamis.types import Preprocessing


def striped(width, height):
    """Red on the left, green in the middle, blue on the right."""
    picture = np.zeros((height, width, 3), np.uint8)
    third = width // 3
    picture[:, :third, 0] = 255
    picture[:, third : 2 * third, 1] = 255
    picture[:, 2 * third :, 2] = 255
    return Image.fromarray(picture)


@settings(max_examples=60, deadline=None)
@given(
    st.integers(1, 400),
    st.integers(1, 400),
    st.sampled_from(["shortest-crop", "squash", "pad"]),
    st.sampled_from([1.0, 0.875]),
    st.sampled_from(["L", "RGB", "RGBA", "P", "CMYK", "1"]),
)
def test_any_picture_gets_the_shape_and_type(width, height, mode, crop_fraction, colours):
    preprocessing = Preprocessing(48, 48, mode, crop_fraction)
    pixels = prepare(Image.new(colours, (width, height)), preprocessing)
    assert pixels.shape == (48, 48, 3)
    assert pixels.dtype == np.uint8


def test_a_crop_keeps_the_middle_and_the_aspect():
    pixels = prepare(striped(300, 100), Preprocessing(64, 64))
    assert (pixels[:, 4:-4, 1] > 250).all()
    assert (pixels[:, 4:-4, [0, 2]] < 5).all()


def test_squashing_keeps_all():
    pixels = prepare(striped(300, 100), Preprocessing(63, 63, "squash"))
    assert [pixels[30, column].argmax() for column in (5, 31, 57)] == [0, 1, 2]


def test_padding_keeps_all_and_the_aspect_and_fills_with_the_mean():
    pixels = prepare(striped(300, 100), Preprocessing(63, 63, "pad", mean=(0.2, 0.4, 0.6)))
    assert [pixels[31, column].argmax() for column in (5, 31, 57)] == [0, 1, 2]
    np.testing.assert_array_equal(pixels[0, 0], [51, 102, 153])
    np.testing.assert_array_equal(pixels[-1, 30], [51, 102, 153])


def test_a_crop_fraction_zooms_in():
    picture = Image.new("RGB", (100, 100), "black")
    picture.paste("white", (10, 10, 90, 90))
    assert prepare(picture, Preprocessing(50, 50))[0, 0, 0] < 5
    assert prepare(picture, Preprocessing(50, 50, crop_fraction=0.75))[0, 0, 0] > 250


def test_shrinking_is_antialiased():
    checks = np.kron(np.indices((256, 256)).sum(0) % 2 * 255, np.ones((2, 2)))
    picture = Image.fromarray(checks.astype(np.uint8)).convert("RGB")
    pixels = prepare(picture, Preprocessing(50, 50))
    assert np.abs(pixels.astype(int) - 127).max() < 12


@pytest.mark.parametrize("size", [(200_000, 2), (2, 200_000), (65_000, 1)])
def test_endless_strips_cost_no_memory(size):
    strip = Image.new("RGB", size, "teal")
    tracemalloc.start()
    pixels = prepare(strip, Preprocessing(224, 224))
    tracemalloc.stop()
    np.testing.assert_array_equal(pixels, np.broadcast_to([0, 128, 128], (224, 224, 3)))


def test_cutting_the_ends_keeps_the_centre():
    strip = np.zeros((4, 1001, 3), np.uint8)
    strip[:, 500] = 255
    pixels = prepare(Image.fromarray(strip), Preprocessing(65, 65))
    column = pixels[32, :, 0].astype(float)
    assert abs((column * np.arange(65)).sum() / column.sum() - 32) <= 1


@pytest.mark.parametrize(
    ("preprocessing", "side"),
    [
        (Preprocessing(224, 224), 896),
        (Preprocessing(224, 224, crop_fraction=0.875), 1024),
        (Preprocessing(224, 300, "squash"), 1200),
        (Preprocessing(224, 224, "pad"), 896),
    ],
)
def test_decoding_keeps_four_times_the_target(preprocessing, side):
    assert decode_side(preprocessing) == side


@pytest.mark.parametrize("mode", ["squash", "shortest-crop", "pad"])
@pytest.mark.parametrize("size", [(300, 100), (100, 300), (120, 120)])
def test_a_part_lies_in_the_input_where_its_pixels_do(mode, size):
    preprocessing = Preprocessing(64, 64, mode, mean=(0, 0, 0))
    width, height = size
    box = (width // 2 - 20, height // 2 - 10, width // 2 + 10, height // 2 + 20)
    picture = Image.new("RGB", size, "black")
    picture.paste((255, 255, 255), box)
    rows, columns = np.nonzero(prepare(picture, preprocessing)[..., 0] > 127)
    left, top, right, bottom = (64 * share for share in input_box(size, box, preprocessing))
    found = (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)
    np.testing.assert_allclose(found, (left, top, right, bottom), atol=1.01)
