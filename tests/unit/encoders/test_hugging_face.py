"""What can go wrong between a name and a Hugging Face model, in clear sentences."""

from __future__ import annotations

import numpy as np
import pytest

from tamis.encoders.registry import load_encoder
from tamis.errors import EncoderError, UsageError
from tiny_models import (
    edit_json,
    require_hugging_face,
    save_clip,
    save_convnext,
    save_dino,
    save_dinov2,
    save_dinov3,
)

torch, transformers = require_hugging_face()


@pytest.fixture
def clip(tmp_path):
    return save_clip(tmp_path / "clip")


@pytest.mark.parametrize("name", ["./nowhere", "/no/such/folder", "~/nowhere", "a/b/c", ""])
def test_a_folder_that_does_not_exist_is_said_so(name):
    with pytest.raises(EncoderError, match="names no folder that exists"):
        load_encoder(f"hf:{name}")


def test_a_model_that_cannot_be_fetched_is_said_so(monkeypatch):
    def unreachable(*_args, **_options):
        raise OSError("We couldn't connect to the hub.\nA second line.")

    monkeypatch.setattr(transformers.AutoConfig, "from_pretrained", unreachable)
    with pytest.raises(EncoderError) as caught:
        load_encoder("hf:openai/clip-vit-base-patch32")
    message = str(caught.value)
    assert "cannot load the configuration of hf:openai/clip-vit-base-patch32" in message
    assert "couldn't connect" in message
    assert "hf:FOLDER" in message
    assert "second line" not in message


@pytest.mark.parametrize(
    ("missing", "part"),
    [
        ("config.json", "configuration"),
        ("preprocessor_config.json", "preprocessing"),
        ("model.safetensors", "weights"),
    ],
)
def test_an_incomplete_folder_is_never_completed_by_guessing(clip, missing, part):
    (clip / missing).unlink()
    with pytest.raises(EncoderError, match=f"cannot load the {part} of hf:.*save_pretrained"):
        load_encoder(f"hf:{clip}")


def test_a_missing_tokenizer_costs_only_texts(clip):
    for name in ("vocab.json", "merges.txt", "tokenizer_config.json"):
        (clip / name).unlink()
    encoder = load_encoder(f"hf:{clip}")
    assert encoder.embed(np.zeros((1, 32, 32, 3), np.uint8)).shape == (1, 24)
    with pytest.raises(EncoderError, match="tokenizer"):
        encoder.embed_text(["cat"])


def test_weights_that_would_be_random_are_refused(clip):
    edit_json(clip / "config.json", model_type="vit")
    with pytest.raises(EncoderError, match=r"lacks \d+ of the weights.*would be random"):
        load_encoder(f"hf:{clip}")


def test_unsupported_preprocessing_is_refused(clip):
    edit_json(clip / "preprocessor_config.json", resample=0)
    with pytest.raises(EncoderError, match="resample = 0"):
        load_encoder(f"hf:{clip}")


def test_threads_bound_pytorch(clip):
    before = torch.get_num_threads()
    try:
        load_encoder(f"hf:{clip}", threads=1)
        assert torch.get_num_threads() == 1
    finally:
        torch.set_num_threads(before)
    with pytest.raises(UsageError, match="threads is 0"):
        load_encoder(f"hf:{clip}", threads=0)


def test_half_precision_weights_are_computed_in_full(tmp_path):
    folder = save_dinov2(tmp_path / "dinov2")
    model = transformers.Dinov2Model.from_pretrained(folder)
    model.half().save_pretrained(folder)
    encoder = load_encoder(f"hf:{folder}")
    assert {p.dtype for p in encoder.model.module.parameters()} == {torch.float32}


def test_the_terminal_stays_quiet(clip, capfd):
    load_encoder(f"hf:{clip}").embed_text(["cat"])
    out, err = capfd.readouterr()
    assert out == err == ""


def test_pooling_is_the_familys_own_unless_asked(tmp_path):
    folder = save_dino(tmp_path / "dino")
    pixels = np.random.default_rng(0).integers(0, 256, (2, 32, 32, 3), dtype=np.uint8)
    own, mean = load_encoder(f"hf:{folder}"), load_encoder(f"hf:{folder}?pooling=mean")
    assert own.fingerprint == load_encoder(f"hf:{folder}?pooling=cls").fingerprint
    assert own.fingerprint != mean.fingerprint
    expected = mean.feature_maps(pixels).mean(axis=(1, 2))
    expected /= np.linalg.norm(expected, axis=1, keepdims=True)
    np.testing.assert_allclose(mean.embed(pixels), expected, atol=1e-5)
    assert mean.spec == f"hf:{folder}?pooling=mean"


def test_a_pooler_without_weights_is_never_used(tmp_path):
    folder = save_dino(tmp_path / "dino")
    with pytest.raises(EncoderError, match="no pooler with weights of its own"):
        load_encoder(f"hf:{folder}?pooling=pooler")
    whole = save_dino(tmp_path / "whole", pooler=True)
    assert load_encoder(f"hf:{whole}?pooling=pooler").dim == 32


def test_options_that_make_no_sense_are_refused(clip, tmp_path):
    with pytest.raises(UsageError, match="has its own pooling"):
        load_encoder(f"hf:{clip}?pooling=mean")
    with pytest.raises(EncoderError, match="no class token"):
        load_encoder(f"hf:{save_convnext(tmp_path / 'convnext')}?pooling=cls")
    with pytest.raises(UsageError, match="no option 'pool'"):
        load_encoder(f"hf:{clip}?pool=mean")


def test_naflex_is_refused_by_name(clip):
    edit_json(clip / "config.json", model_type="siglip2")
    with pytest.raises(EncoderError, match=r"NaFlex.*siglip2-base-patch16-224"):
        load_encoder(f"hf:{clip}")


def test_a_processor_that_needs_torchvision_is_read_from_its_file(tmp_path, monkeypatch):
    folder = save_dinov3(tmp_path / "dinov3")
    expected = load_encoder(f"hf:{folder}")

    def missing(*_args, **_options):
        raise ImportError("DINOv3ViTImageProcessor requires torchvision")

    monkeypatch.setattr(transformers.AutoImageProcessor, "from_pretrained", missing)
    assert load_encoder(f"hf:{folder}").fingerprint == expected.fingerprint
