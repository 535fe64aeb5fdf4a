"""Vectors of `hf:` models are those that transformers' own preprocessing and model give."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from tamis.encoders.preprocess import prepare
from tamis.encoders.registry import load_encoder
from tiny_models import (
    require_hugging_face,
    save_clip,
    save_convnext,
    save_dino,
    save_dinov2,
    save_dinov3,
    save_resnet,
    save_siglip,
)

torch, transformers = require_hugging_face()

SIZES = [(64, 48), (48, 64), (640, 480), (101, 77), (31, 29), (300, 40), (40, 301), (32, 32)]


@pytest.fixture(scope="module")
def pictures():
    rng = np.random.default_rng(0)
    coarse = [rng.integers(0, 256, (6, 8, 3), dtype=np.uint8) for _ in SIZES]
    return [
        Image.fromarray(pattern).resize(size, Image.Resampling.BICUBIC)
        for pattern, size in zip(coarse, SIZES, strict=True)
    ]


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    return save_clip(tmp_path_factory.mktemp("clip"), resize=36)


@pytest.fixture(scope="module")
def dinov2(tmp_path_factory):
    return save_dinov2(tmp_path_factory.mktemp("dinov2"))


def ours(folder, pictures):
    encoder = load_encoder(f"hf:{folder}")
    return encoder, np.stack([prepare(picture, encoder.preprocessing) for picture in pictures])


def theirs(folder, pictures):
    newest = int(transformers.__version__.partition(".")[0]) >= 5
    with_pillow = {"backend": "pil"} if newest else {"use_fast": False}
    processor = transformers.AutoImageProcessor.from_pretrained(folder, **with_pillow)
    return processor(pictures, return_tensors="pt")["pixel_values"]


def cosines(left, right):
    right = torch.nn.functional.normalize(right, dim=1).numpy()
    return (left * right).sum(1)


@pytest.mark.parametrize("family", ["clip", "dinov2"])
def test_pixels_agree_to_the_last_bit(family, pictures, request):
    folder = request.getfixturevalue(family)
    encoder, pixels = ours(folder, pictures)
    mean, std = (np.array(x) for x in (encoder.preprocessing.mean, encoder.preprocessing.std))
    scaled = theirs(folder, pictures).permute(0, 2, 3, 1).numpy() * std + mean
    np.testing.assert_array_equal(pixels, np.rint(scaled * 255))


def test_clip_pictures_agree(clip, pictures):
    encoder, pixels = ours(clip, pictures)
    model = transformers.CLIPModel.from_pretrained(clip).eval()
    with torch.no_grad():
        reference = model(
            pixel_values=theirs(clip, pictures), input_ids=torch.tensor([[54, 0, 55]])
        ).image_embeds
    assert cosines(encoder.embed(pixels), reference).min() >= 0.9999
    # a model that gave all pictures one vector would pass too
    assert cosines(encoder.embed(pixels)[:1], reference[3:4])[0] < 0.999


def test_clip_texts_agree(clip):
    texts = ["cat", "a cat on a mat", "", "Two DOGS", "a very long text about a cat " * 9]
    encoder = load_encoder(f"hf:{clip}")
    model = transformers.CLIPModel.from_pretrained(clip).eval()
    tokenizer = transformers.CLIPTokenizer.from_pretrained(clip)
    for text, vector in zip(texts, encoder.embed_text(texts), strict=True):
        tokens = tokenizer([text], truncation=True, max_length=16, return_tensors="pt")
        with torch.no_grad():
            reference = model(**tokens, pixel_values=torch.zeros(1, 3, 32, 32)).text_embeds
        assert cosines(vector[None], reference)[0] >= 0.9999
    similar = encoder.embed_text(texts) @ encoder.embed_text(texts).T
    assert similar[0, 1] < 0.9999


def test_dinov2_pictures_and_patches_agree(dinov2, pictures):
    encoder, pixels = ours(dinov2, pictures)
    model = transformers.Dinov2Model.from_pretrained(dinov2).eval()
    with torch.no_grad():
        reference = model(pixel_values=theirs(dinov2, pictures))
    assert cosines(encoder.embed(pixels), reference.pooler_output).min() >= 0.9999
    patches = reference.last_hidden_state[:, 1:].reshape(len(pictures), 4, 4, -1)
    np.testing.assert_allclose(encoder.feature_maps(pixels), patches.numpy(), atol=1e-5)
    assert encoder.feature_levels == ("layer1", "patch")
    layer, last = encoder.feature_maps_of(pixels, ["layer1", "patch"])
    np.testing.assert_allclose(last, patches.numpy(), atol=1e-5)
    np.testing.assert_allclose(encoder.feature_maps(pixels, "layer1"), layer, atol=1e-6)
    assert np.abs(layer - last).max() > 0.01


def test_registers_are_no_patches(tmp_path, pictures):
    folder = save_dinov2(tmp_path / "dinov2-registers", registers=3)
    encoder, pixels = ours(folder, pictures)
    model = transformers.Dinov2WithRegistersModel.from_pretrained(folder).eval()
    with torch.no_grad():
        tokens = model(pixel_values=theirs(folder, pictures)).last_hidden_state
    patches = tokens[:, 4:].reshape(len(pictures), 4, 4, -1)
    np.testing.assert_allclose(encoder.feature_maps(pixels), patches.numpy(), atol=1e-5)


def test_siglip_pictures_agree(tmp_path, pictures):
    folder = save_siglip(tmp_path / "siglip")
    encoder, pixels = ours(folder, pictures)
    model = transformers.SiglipModel.from_pretrained(folder).eval()
    with torch.no_grad():
        outputs = model(
            pixel_values=theirs(folder, pictures), input_ids=torch.zeros(1, 12, dtype=torch.long)
        )
    assert cosines(encoder.embed(pixels), outputs.image_embeds).min() >= 0.9999
    patches = outputs.vision_model_output.last_hidden_state.reshape(len(pictures), 4, 4, -1)
    np.testing.assert_allclose(encoder.feature_maps(pixels), patches.numpy(), atol=1e-5)


def test_siglip_texts_are_filled_up_lowered_and_without_a_mask(tmp_path):
    folder = save_siglip(tmp_path / "siglip")
    encoder = load_encoder(f"hf:{folder}")
    model = transformers.SiglipModel.from_pretrained(folder).eval()
    ids = torch.zeros(1, 12, dtype=torch.long)  # the padding is token 0
    ids[0, :3] = torch.tensor([7, 2, 3])  # two a cat
    with torch.no_grad():
        reference = model(input_ids=ids, pixel_values=torch.zeros(1, 3, 32, 32)).text_embeds
    [vector] = encoder.embed_text(["TWO a Cat"])
    assert cosines(vector[None], reference)[0] >= 0.9999
    # in a batch with a longer one it stays the same
    assert cosines(encoder.embed_text(["two a cat", "a dog on a mat"])[:1], reference)[0] >= 0.9999
    assert cosines(encoder.embed_text(["cat"]), reference)[0] < 0.9999


@pytest.mark.parametrize(
    ("save", "model_class"),
    [(save_dino, "ViTModel"), (save_dinov3, "DINOv3ViTModel")],
)
def test_class_token_and_patches_agree(save, model_class, tmp_path, pictures):
    folder = save(tmp_path / "model")
    encoder, pixels = ours(folder, pictures)
    model = getattr(transformers, model_class).from_pretrained(folder).eval()
    values = transformers.AutoImageProcessor.from_pretrained(folder)(pictures, return_tensors="pt")
    with torch.no_grad():
        tokens = model(**values).last_hidden_state
    assert cosines(encoder.embed(pixels), tokens[:, 0]).min() >= 0.9999
    patches = tokens[:, -16:].reshape(len(pictures), 4, 4, -1).numpy()
    found = encoder.feature_maps(pixels)
    similar = (found * patches).sum(-1)
    similar /= np.linalg.norm(found, axis=-1) * np.linalg.norm(patches, axis=-1)
    assert similar.min() >= 0.999


@pytest.mark.parametrize(
    ("save", "model_class"), [(save_convnext, "ConvNextModel"), (save_resnet, "ResNetModel")]
)
def test_convolutional_networks_agree(save, model_class, tmp_path, pictures):
    folder = save(tmp_path / "model")
    encoder, pixels = ours(folder, pictures)
    model = getattr(transformers, model_class).from_pretrained(folder).eval()
    with torch.no_grad():
        outputs = model(pixel_values=theirs(folder, pictures))
    assert cosines(encoder.embed(pixels), outputs.pooler_output.flatten(1)).min() >= 0.9999
    np.testing.assert_allclose(
        encoder.feature_maps(pixels),
        outputs.last_hidden_state.permute(0, 2, 3, 1).numpy(),
        atol=1e-4,
    )


@pytest.mark.parametrize(
    "save", [save_clip, save_siglip, save_dino, save_dinov2, save_dinov3, save_convnext]
)
def test_the_default_processors_of_transformers_agree_too(save, tmp_path, pictures):
    """They resize with torchvision, which rounds otherwise than Pillow."""
    folder = save(tmp_path / "model")
    encoder, pixels = ours(folder, pictures)
    values = transformers.AutoImageProcessor.from_pretrained(folder)(pictures, return_tensors="pt")
    mean, std = (
        torch.tensor(x).view(1, 3, 1, 1)
        for x in (encoder.preprocessing.mean, encoder.preprocessing.std)
    )
    rounded = ((values["pixel_values"] * std + mean) * 255).round().clamp(0, 255).byte()
    reference = encoder.embed(rounded.permute(0, 2, 3, 1).contiguous().numpy())
    assert (encoder.embed(pixels) * reference).sum(1).min() >= 0.9999


def test_another_size_interpolates_the_positions(tmp_path, pictures):
    folder = save_clip(tmp_path / "clip")
    encoder = load_encoder(f"hf:{folder}?size=48")
    pixels = np.stack([prepare(picture, encoder.preprocessing) for picture in pictures])
    assert pixels.shape[1:] == (48, 48, 3)
    model = transformers.CLIPModel.from_pretrained(folder).eval()
    mean, std = (np.float32(x) for x in (encoder.preprocessing.mean, encoder.preprocessing.std))
    values = torch.from_numpy(((pixels / np.float32(255) - mean) / std).transpose(0, 3, 1, 2))
    with torch.no_grad():
        reference = model.get_image_features(pixel_values=values, interpolate_pos_encoding=True)
    reference = getattr(reference, "pooler_output", reference)
    assert cosines(encoder.embed(pixels), reference).min() >= 0.9999
    assert encoder.feature_maps(pixels).shape[1:3] == (6, 6)
