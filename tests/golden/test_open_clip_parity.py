"""Vectors of `open_clip:` models are those of open_clip's own transform, tokenizer and towers."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from tamis.encoders.preprocess import prepare
from tamis.encoders.registry import load_encoder
from tiny_open_clip import require_open_clip, save_open_clip, save_open_siglip

torch, open_clip = require_open_clip()

SIZES = [(64, 48), (48, 64), (641, 480), (101, 77), (31, 29), (300, 40), (40, 301), (32, 32)]
TEXTS = ["cat", "a cat on a mat", "", "Two DOGS!", "a rusty, rusty valve on a cat " * 9]


@pytest.fixture(scope="module")
def pictures():
    rng = np.random.default_rng(0)
    coarse = [rng.integers(0, 256, (6, 8, 3), dtype=np.uint8) for _ in SIZES]
    return [
        Image.fromarray(pattern).resize(size, Image.Resampling.BICUBIC)
        for pattern, size in zip(coarse, SIZES, strict=True)
    ]


@pytest.fixture(scope="module", params=[save_open_clip, save_open_siglip])
def folder(request, tmp_path_factory):
    return request.param(tmp_path_factory.mktemp("model"))


def ours(spec, pictures):
    encoder = load_encoder(spec)
    return encoder, np.stack([prepare(picture, encoder.preprocessing) for picture in pictures])


def theirs(folder, pictures, **options):
    model, _, transform = open_clip.create_model_and_transforms(f"local-dir:{folder}", **options)
    return model.eval(), torch.stack([transform(picture) for picture in pictures])


def cosines(left, right):
    right = torch.nn.functional.normalize(right, dim=1).numpy()
    return (left * right).sum(1)


def assert_same_pixels(encoder, pixels, values):
    mean, std = (np.array(x) for x in (encoder.preprocessing.mean, encoder.preprocessing.std))
    expected = np.rint((values.permute(0, 2, 3, 1).numpy() * std + mean) * 255)
    np.testing.assert_array_equal(pixels, expected)


def test_pixels_agree_to_the_last_bit(folder, pictures):
    encoder, pixels = ours(f"open_clip:{folder}", pictures)
    assert_same_pixels(encoder, pixels, theirs(folder, pictures)[1])


@pytest.mark.parametrize("resize_mode", ["shortest", "squash"])
@pytest.mark.parametrize("interpolation", ["bilinear", "random"])
def test_pixels_agree_whatever_the_configuration(resize_mode, interpolation, tmp_path, pictures):
    folder = save_open_clip(tmp_path, resize_mode=resize_mode, interpolation=interpolation)
    encoder, pixels = ours(f"open_clip:{folder}", pictures)
    assert_same_pixels(encoder, pixels, theirs(folder, pictures)[1])


def test_pictures_agree(folder, pictures):
    encoder, pixels = ours(f"open_clip:{folder}", pictures)
    model, values = theirs(folder, pictures)
    with torch.no_grad():
        reference = model.encode_image(values)
    assert cosines(encoder.embed(pixels), reference).min() >= 0.9999
    # a model that gave all pictures one vector would pass too
    assert cosines(encoder.embed(pixels)[:1], reference[3:4])[0] < 0.9999


def test_the_factor_of_the_cosine_is_the_models(folder):
    model, _, _ = open_clip.create_model_and_transforms(f"local-dir:{folder}")
    expected = float(model.logit_scale.detach().exp())
    assert load_encoder(f"open_clip:{folder}").logit_scale == pytest.approx(expected)
    assert expected > 0


def test_texts_agree(folder):
    encoder = load_encoder(f"open_clip:{folder}")
    model, _, _ = open_clip.create_model_and_transforms(f"local-dir:{folder}")
    tokenizer = open_clip.get_tokenizer(f"local-dir:{folder}")
    with torch.no_grad():
        reference = model.eval().encode_text(tokenizer(TEXTS))
    vectors = encoder.embed_text(TEXTS)
    assert cosines(vectors, reference).min() >= 0.9999
    assert cosines(vectors[:1], reference[1:2])[0] < 0.9999
    # whatever stands beside it
    np.testing.assert_allclose(encoder.embed_text(TEXTS[:1]), vectors[:1], atol=1e-5)


def test_siglip_drops_punctuation_and_case(tmp_path):
    encoder = load_encoder(f"open_clip:{save_open_siglip(tmp_path)}")
    plain, decorated, other = encoder.embed_text(["two dogs", "Two DOGS!", "two cat"])
    np.testing.assert_allclose(plain, decorated, atol=1e-6)
    assert plain @ other < 0.9999


def test_patches_agree(tmp_path, pictures):
    folder = save_open_clip(tmp_path)
    encoder, pixels = ours(f"open_clip:{folder}", pictures)
    model, values = theirs(folder, pictures)
    model.visual.output_tokens = True
    with torch.no_grad():
        _, tokens = model.visual(values)
    patches = tokens.reshape(len(pictures), 4, 4, -1).numpy()
    np.testing.assert_allclose(encoder.feature_maps(pixels), patches, atol=1e-5)


def test_patches_of_a_tower_from_timm_agree(tmp_path, pictures):
    folder = save_open_siglip(tmp_path)
    encoder, pixels = ours(f"open_clip:{folder}", pictures)
    model, values = theirs(folder, pictures)
    trunk = model.visual.trunk
    with torch.no_grad():
        tokens = trunk.forward_features(values)[:, trunk.num_prefix_tokens :]
    patches = tokens.reshape(len(pictures), 10, 10, -1).numpy()
    np.testing.assert_allclose(encoder.feature_maps(pixels), patches, atol=1e-5)


def test_another_size_interpolates_the_positions(tmp_path, pictures):
    folder = save_open_clip(tmp_path)
    encoder, pixels = ours(f"open_clip:{folder}?size=48", pictures)
    model, values = theirs(folder, pictures, force_image_size=48)
    assert_same_pixels(encoder, pixels, values)
    with torch.no_grad():
        reference = model.encode_image(values)
    assert cosines(encoder.embed(pixels), reference).min() >= 0.9999
    assert encoder.feature_maps(pixels).shape[1:3] == (6, 6)
