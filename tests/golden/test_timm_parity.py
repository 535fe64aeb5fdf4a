"""Vectors of `timm:` models are those that timm's own transform and forward pass give."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from tamis.encoders.preprocess import prepare
from tamis.encoders.registry import load_encoder
from tiny_timm import (
    require_timm,
    save_timm_efficientnet,
    save_timm_resnet,
    save_timm_swin,
    save_timm_vit,
)

torch, timm = require_timm()

SIZES = [(64, 48), (48, 64), (641, 480), (101, 77), (31, 29), (300, 40), (40, 301), (97, 97)]


@pytest.fixture(scope="module")
def pictures():
    rng = np.random.default_rng(0)
    coarse = [rng.integers(0, 256, (6, 8, 3), dtype=np.uint8) for _ in SIZES]
    return [
        Image.fromarray(pattern).resize(size, Image.Resampling.BICUBIC)
        for pattern, size in zip(coarse, SIZES, strict=True)
    ]


def ours(spec, pictures):
    encoder = load_encoder(spec)
    return encoder, np.stack([prepare(picture, encoder.preprocessing) for picture in pictures])


def theirs(folder, pictures, **options):
    model = timm.create_model(f"local-dir:{folder}", pretrained=True, num_classes=0, **options)
    config = timm.data.resolve_model_data_config(model)
    transform = timm.data.create_transform(**config, is_training=False)
    return model.eval(), torch.stack([transform(picture) for picture in pictures])


def cosines(left, right):
    right = torch.nn.functional.normalize(right, dim=1).numpy()
    return (left * right).sum(1)


@pytest.mark.parametrize("interpolation", ["bicubic", "bilinear", "lanczos"])
@pytest.mark.parametrize(
    "crop",
    [
        {"crop_pct": 0.875},
        {"crop_pct": 0.9},
        {"crop_pct": 0.95},
        {"crop_pct": 0.887},
        {"crop_pct": 1.0},
        {"crop_mode": "squash", "crop_pct": 1.0},
    ],
    ids=str,
)
def test_pixels_agree_to_the_last_bit(crop, interpolation, tmp_path, pictures):
    folder = save_timm_resnet(tmp_path, interpolation=interpolation, **crop)
    encoder, pixels = ours(f"timm:{folder}", pictures)
    _, values = theirs(folder, pictures)
    mean, std = (np.array(x) for x in (encoder.preprocessing.mean, encoder.preprocessing.std))
    expected = np.rint((values.permute(0, 2, 3, 1).numpy() * std + mean) * 255)
    np.testing.assert_array_equal(pixels, expected)


@pytest.mark.parametrize("side", [224, 225, 256, 384])
@pytest.mark.parametrize("crop_pct", [0.875, 0.9, 0.95])
def test_the_shorter_side_is_rounded_down_as_in_timm(side, crop_pct, tmp_path, pictures):
    folder = save_timm_resnet(tmp_path, input_size=[3, side, side], crop_pct=crop_pct)
    _, pixels = ours(f"timm:{folder}", pictures[2:4])
    _, values = theirs(folder, pictures[2:4])
    mean, std = (torch.tensor(x) for x in ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)))
    expected = ((values.permute(0, 2, 3, 1) * std + mean) * 255).round().numpy()
    np.testing.assert_array_equal(pixels, expected)


@pytest.mark.parametrize(
    "save", [save_timm_vit, save_timm_swin, save_timm_resnet, save_timm_efficientnet]
)
def test_vectors_and_last_maps_agree(save, tmp_path, pictures):
    folder = save(tmp_path)
    encoder, pixels = ours(f"timm:{folder}", pictures)
    model, values = theirs(folder, pictures)
    with torch.no_grad():
        reference = model(values)
        maps = model.forward_intermediates(values, norm=True, intermediates_only=True)
    assert cosines(encoder.embed(pixels), reference).min() >= 0.9999
    # a model that gave all pictures one vector would pass too
    assert cosines(encoder.embed(pixels)[:1], reference[3:4])[0] < 0.9999
    expected = maps[-1].permute(0, 2, 3, 1).numpy()
    np.testing.assert_allclose(encoder.feature_maps(pixels), expected, atol=1e-4)


@pytest.mark.parametrize("registers", [0, 3])
def test_patches_are_the_last_tokens_by_place(registers, tmp_path, pictures):
    folder = save_timm_vit(tmp_path, registers=registers)
    encoder, pixels = ours(f"timm:{folder}", pictures)
    model, values = theirs(folder, pictures)
    with torch.no_grad():
        tokens = model.forward_features(values)
    patches = tokens[:, 1 + registers :].reshape(len(pictures), 5, 5, -1).numpy()
    assert encoder.feature_levels == ("layer1", "patch")
    np.testing.assert_allclose(encoder.feature_maps(pixels), patches, atol=1e-5)


def test_layers_of_a_vit_are_levels_of_one_run(tmp_path, pictures, monkeypatch):
    folder = save_timm_vit(tmp_path)
    encoder, pixels = ours(f"timm:{folder}", pictures)
    model, values = theirs(folder, pictures)
    with torch.no_grad():
        found = model.forward_intermediates(values, norm=True, intermediates_only=True)
    network, runs = encoder.model.module, []
    counted = network.forward_intermediates
    monkeypatch.setattr(
        network, "forward_intermediates", lambda *args, **kw: runs.append(1) or counted(*args, **kw)
    )
    maps = encoder.feature_maps_of(pixels, ["patch", "layer1"])
    assert len(runs) == 1
    for given, expected in zip(maps, (found[-1], found[0]), strict=True):
        np.testing.assert_allclose(given, expected.permute(0, 2, 3, 1).numpy(), atol=1e-5)


def test_levels_go_from_fine_to_coarse(tmp_path, pictures):
    folder = save_timm_resnet(tmp_path)
    encoder, pixels = ours(f"timm:{folder}", pictures)
    model, values = theirs(folder, pictures)
    with torch.no_grad():
        maps = model.forward_intermediates(values, norm=True, intermediates_only=True)
    assert encoder.feature_levels == ("stride2", "stride4", "stride8", "stride16", "stride32")
    for level, expected in zip(encoder.feature_levels, maps, strict=True):
        found = encoder.feature_maps(pixels, level)
        assert found.shape[1] == 96 // int(level.removeprefix("stride"))
        np.testing.assert_allclose(found, expected.permute(0, 2, 3, 1).numpy(), atol=1e-4)


def test_other_poolings_agree(tmp_path, pictures):
    folder = save_timm_vit(tmp_path)
    model, values = theirs(folder, pictures)
    with torch.no_grad():
        tokens = model.forward_features(values)
    for pooling, reference in (("cls", tokens[:, 0]), ("mean", tokens[:, 1:].mean(1))):
        encoder, pixels = ours(f"timm:{folder}?pooling={pooling}", pictures)
        assert cosines(encoder.embed(pixels), reference).min() >= 0.9999


def test_another_size_interpolates_the_positions(tmp_path, pictures):
    folder = save_timm_vit(tmp_path)
    encoder, pixels = ours(f"timm:{folder}?size=64", pictures)
    assert pixels.shape[1:] == (64, 64, 3)
    model, _ = theirs(folder, pictures, img_size=64)
    config = timm.data.resolve_model_data_config(model, {"input_size": (3, 64, 64)})
    transform = timm.data.create_transform(**config, is_training=False)
    with torch.no_grad():
        reference = model(torch.stack([transform(picture) for picture in pictures]))
    assert cosines(encoder.embed(pixels), reference).min() >= 0.9999
    assert encoder.feature_maps(pixels).shape[1:3] == (8, 8)


def test_another_size_of_a_convolutional_network(tmp_path, pictures):
    encoder, pixels = ours(f"timm:{save_timm_resnet(tmp_path)}?size=128", pictures)
    assert pixels.shape[1:] == (128, 128, 3)
    assert encoder.feature_maps(pixels, "stride32").shape[1:3] == (4, 4)
