"""How pictures are prepared for a user's network: by options, its object, torchvision's presets."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from tamis.encoders.spec import parse_spec
from tamis.encoders.user_preparation import read_preparation
from tamis.errors import EncoderError, UsageError
from tamis.types import Preprocessing

SPEC = parse_spec("py:net.py:build")
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def read(*things, **given):
    return read_preparation(SPEC, things, given, scaled=True)


def preset(**changes):
    values = {
        "resize_size": [256],
        "crop_size": [224],
        "mean": list(MEAN),
        "std": list(STD),
        "interpolation": SimpleNamespace(value="bilinear"),
    }
    return SimpleNamespace(**{**values, **changes})


def test_options_win_over_what_the_object_says():
    own = SimpleNamespace(preprocessing=Preprocessing(32, 32, "pad", mean=MEAN, std=STD))
    assert read(own) == own.preprocessing
    assert read(own, size=48, mode="squash") == Preprocessing(48, 48, "squash", mean=MEAN, std=STD)


def test_a_dictionary_may_say_it():
    own = SimpleNamespace(preprocessing={"size": 32, "mean": list(MEAN), "std": list(STD)})
    assert read(own) == Preprocessing(32, 32, mean=MEAN, std=STD)


@pytest.mark.parametrize(
    "thing",
    [
        SimpleNamespace(preprocessing=preset()),
        SimpleNamespace(transforms=preset),
        SimpleNamespace(transforms=preset()),
        SimpleNamespace(weights=SimpleNamespace(transforms=preset)),
    ],
)
def test_a_preset_of_torchvision_is_understood_wherever_it_is(thing):
    expected = Preprocessing(
        224, 224, "shortest-crop", 0.875, "bilinear", MEAN, STD, crop_rounding="even"
    )
    assert read(thing) == expected
    assert read(SimpleNamespace(), thing) == expected


def test_torchvisions_own_presets_are_read():
    models = pytest.importorskip("torchvision").models
    for weights, side, fraction, filter_name in (
        (models.ResNet18_Weights.IMAGENET1K_V1, 224, 224 / 256, "bilinear"),
        (models.EfficientNet_B0_Weights.IMAGENET1K_V1, 224, 224 / 256, "bicubic"),
        (models.ConvNeXt_Tiny_Weights.IMAGENET1K_V1, 224, 224 / 236, "bilinear"),
    ):
        found = read(SimpleNamespace(weights=weights))
        assert (found.height, found.crop_fraction) == (side, fraction)
        assert found.interpolation == filter_name
        assert found.mean == MEAN


def test_a_preset_that_squashes():
    found = read(SimpleNamespace(transforms=preset(resize_size=[224, 192], crop_size=[224, 192])))
    assert (found.height, found.width, found.mode) == (224, 192, "squash")


@pytest.mark.parametrize(
    ("own", "error", "words"),
    [
        ({"preprocessing": preset(resize_size=[300, 280])}, EncoderError, r"\[300, 280\]"),
        ({"preprocessing": preset(resize_size=[200])}, EncoderError, "cannot do exactly"),
        ({"transforms": preset(interpolation="nearest")}, UsageError, "'nearest'"),
        ({"preprocessing": {"sise": 3}}, EncoderError, "unknown 'sise'"),
        ({"preprocessing": 7}, EncoderError, "is a int"),
        ({"preprocessing": {"size": 32, "mean": MEAN}}, UsageError, "std missing"),
        ({"preprocessing": preset(std=[0, 1, 1])}, UsageError, "above 0"),
        ({"preprocessing": preset(mean=[0.5])}, UsageError, "three numbers"),
        ({"preprocessing": {"size": 0, "mean": MEAN, "std": STD}}, UsageError, "height .* is 0"),
        (
            {"preprocessing": {"size": 9, "mean": MEAN, "std": STD, "mode": "x"}},
            UsageError,
            "squash, pad",
        ),
        (
            {"preprocessing": {"size": 9, "mean": MEAN, "std": STD, "crop_fraction": 2}},
            UsageError,
            r"\(0, 1\]",
        ),
    ],
)
def test_what_cannot_be_done_is_refused_in_one_sentence(own, error, words):
    with pytest.raises(error, match=words):
        read(SimpleNamespace(**own))


def test_a_function_needs_no_mean():
    assert read_preparation(SPEC, (), {"size": 8}, scaled=False).height == 8
