"""Reading a model's published preprocessing, and refusing what would be read wrongly."""

from __future__ import annotations

import pytest

from tamis.encoders.processor_config import preprocessing_from_config
from tamis.errors import EncoderError
from tamis.types import Preprocessing

CLIP = {
    "do_resize": True,
    "size": {"shortest_edge": 224},
    "resample": 3,
    "do_center_crop": True,
    "crop_size": {"height": 224, "width": 224},
    "do_rescale": True,
    "rescale_factor": 0.00392156862745098,
    "do_normalize": True,
    "image_mean": [0.48, 0.46, 0.41],
    "image_std": [0.27, 0.26, 0.28],
}
SQUASH = {"size": {"height": 256, "width": 192}, "do_center_crop": False, "crop_size": None}


def test_resize_then_crop():
    assert preprocessing_from_config(CLIP, "m") == Preprocessing(
        224, 224, "shortest-crop", 1.0, "bicubic", (0.48, 0.46, 0.41), (0.27, 0.26, 0.28)
    )
    larger = preprocessing_from_config(CLIP | {"size": {"shortest_edge": 256}}, "m")
    assert larger.crop_fraction == 0.875
    assert round(larger.height / larger.crop_fraction) == 256


def test_both_sides_given_is_a_squash_and_not_a_crop():
    found = preprocessing_from_config(CLIP | SQUASH, "m")
    assert (found.mode, found.height, found.width) == ("squash", 256, 192)


@pytest.mark.parametrize(("number", "name"), [(1, "lanczos"), (2, "bilinear"), (3, "bicubic")])
def test_filters(number, name):
    assert preprocessing_from_config(CLIP | {"resample": number}, "m").interpolation == name


def test_no_normalisation_is_neutral():
    found = preprocessing_from_config(CLIP | {"do_normalize": False}, "m")
    assert (found.mean, found.std) == ((0, 0, 0), (1, 1, 1))


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"resample": 0}, "resample"),
        ({"do_rescale": False}, "rescale_factor"),
        ({"rescale_factor": 1 / 127.5}, "rescale_factor"),
        ({"do_resize": False}, "do_resize"),
        ({"do_center_crop": False}, "size"),
        ({"size": {"longest_edge": 224}}, "size"),
        ({"size": {"shortest_edge": 224, "longest_edge": 512}}, "size"),
        ({"crop_size": {"height": 224, "width": 192}}, "crop_size"),
        ({"crop_size": {"height": 256, "width": 256}}, "crop_size"),
        ({"crop_size": {}}, "crop_size"),
        ({"size": {"height": 256, "width": 256}}, "crop_size"),
        ({"image_mean": [0.5]}, "image_mean"),
        ({"image_std": None}, "image_std"),
    ],
)
def test_what_cannot_be_done_is_refused_and_named(change, named):
    with pytest.raises(EncoderError, match=f"m asks for .*{named} = "):
        preprocessing_from_config(CLIP | change, "m")
