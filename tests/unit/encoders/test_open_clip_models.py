"""What can go wrong between a name and an OpenCLIP model, in clear sentences."""

from __future__ import annotations

import json
import logging

import numpy as np
import pytest

from tamis.encoders.registry import load_encoder
from tamis.errors import EncoderError, UsageError
from tiny_models import edit_json
from tiny_open_clip import CONFIG_FILE, require_open_clip, save_open_clip, save_open_siglip

torch, open_clip = require_open_clip()
safetensors = pytest.importorskip("safetensors.torch")

WEIGHTS = "open_clip_model.safetensors"


def refuse_to_fetch(monkeypatch, error):
    def fetch(*_args, **_options):
        raise error

    monkeypatch.setattr("open_clip.pretrained.hf_hub_download", fetch)


@pytest.mark.parametrize("name", ["./nowhere", "/no/such/folder", "~/nowhere", "a/b/c", ""])
def test_a_folder_that_does_not_exist_is_said_so(name):
    with pytest.raises(EncoderError, match="names no folder that exists"):
        load_encoder(f"open_clip:{name}")


def test_near_names_are_proposed_for_an_unknown_one():
    with pytest.raises(EncoderError, match=r"has no such model \(near to it are .*ViT-B-32"):
        load_encoder("open_clip:VitB32/openai")


def test_random_weights_are_never_taken():
    with pytest.raises(EncoderError, match=r"which weights.*ViT-B-32/WEIGHTS.*laion2b_s34b_b79k"):
        load_encoder("open_clip:ViT-B-32")
    with pytest.raises(EncoderError, match="no weights 'other' of ViT-B-32; it has openai"):
        load_encoder("open_clip:ViT-B-32/other")


@pytest.mark.parametrize("name", ["ViT-B-32/laion2b_s34b_b79k", "ViT-B/32/openai", "hf-hub:a/b"])
def test_an_unreachable_hub_is_said_so(name, monkeypatch):
    hub = pytest.importorskip("huggingface_hub.errors")
    refuse_to_fetch(monkeypatch, hub.LocalEntryNotFoundError("Cannot find it in the cache."))
    with pytest.raises(EncoderError, match=r"the hub cannot be reached.*open_clip:FOLDER"):
        load_encoder(f"open_clip:{name}")


def test_a_gated_model_is_said_so(monkeypatch):
    refuse_to_fetch(monkeypatch, OSError("Cannot access gated repo for url https://…"))
    with pytest.raises(EncoderError, match=r"owner/some is gated.*hf auth login"):
        load_encoder("open_clip:hf-hub:owner/some")


@pytest.fixture
def hub_folder(tmp_path, monkeypatch):
    """A model whose files come as if from the hub, as far as they are in a folder."""
    folder = save_open_clip(tmp_path)

    def fetch(*, filename, **_options):
        if not (folder / filename).exists():
            raise FileNotFoundError(f"the hub has no {filename}")
        return str(folder / filename)

    monkeypatch.setattr("open_clip.pretrained.hf_hub_download", fetch)
    return folder


def test_a_model_of_the_hub_is_the_same_as_its_folder(hub_folder):
    fetched, local = load_encoder("open_clip:hf-hub:a/b"), load_encoder(f"open_clip:{hub_folder}")
    assert fetched.fingerprint == local.fingerprint
    np.testing.assert_array_equal(fetched.embed_text(["cat"]), local.embed_text(["cat"]))


def test_a_model_of_the_hub_without_weights_is_refused(hub_folder):
    (hub_folder / WEIGHTS).unlink()
    with pytest.raises(EncoderError, match="cannot load the weights of open_clip:hf-hub:a/b"):
        load_encoder("open_clip:hf-hub:a/b")


@pytest.mark.parametrize(
    ("missing", "part"), [(CONFIG_FILE, "configuration"), (WEIGHTS, "weights")]
)
def test_an_incomplete_folder_is_never_completed_by_guessing(missing, part, tmp_path):
    folder = save_open_clip(tmp_path)
    (folder / missing).unlink()
    with pytest.raises(EncoderError, match=f"cannot load the {part} of open_clip:.*{CONFIG_FILE}"):
        load_encoder(f"open_clip:{folder}")


@pytest.mark.parametrize("preprocessing", [{}, {"mean": [0.5] * 3}, {"std": [0.5] * 3}, None])
def test_preprocessing_is_never_guessed(preprocessing, tmp_path):
    folder = save_open_clip(tmp_path)
    edit_json(folder / CONFIG_FILE, preprocess_cfg=preprocessing)
    with pytest.raises(EncoderError, match="does not say how pictures are prepared"):
        load_encoder(f"open_clip:{folder}")


def test_a_configuration_of_something_else_is_refused(tmp_path):
    folder = save_open_clip(tmp_path)
    (folder / CONFIG_FILE).write_text("{}")
    with pytest.raises(EncoderError, match="no model_cfg"):
        load_encoder(f"open_clip:{folder}")
    (folder / CONFIG_FILE).write_text("{")
    with pytest.raises(EncoderError, match="cannot load the configuration"):
        load_encoder(f"open_clip:{folder}")


def test_unsupported_preprocessing_is_refused(tmp_path):
    folder = save_open_clip(tmp_path, resize_mode="longest")
    with pytest.raises(EncoderError, match="resize_mode 'longest'"):
        load_encoder(f"open_clip:{folder}")


def test_oblong_pictures_are_refused_where_they_are_cropped(tmp_path):
    folder = save_open_clip(tmp_path)
    config = json.loads((folder / CONFIG_FILE).read_text())
    config["model_cfg"]["vision_cfg"]["image_size"] = [32, 48]
    (folder / CONFIG_FILE).write_text(json.dumps(config))
    with pytest.raises(EncoderError, match="resize_mode 'shortest' to 32 x 48"):
        load_encoder(f"open_clip:{folder}")


def test_weights_that_would_be_random_are_refused(tmp_path):
    folder = save_open_clip(tmp_path)
    weights = safetensors.load_file(folder / WEIGHTS)
    del weights["visual.ln_post.weight"]
    safetensors.save_file(weights, folder / WEIGHTS)
    with pytest.raises(EncoderError, match=r"some would be random: .*visual\.ln_post\.weight"):
        load_encoder(f"open_clip:{folder}")


def test_a_missing_tokenizer_costs_only_texts(tmp_path):
    folder = save_open_siglip(tmp_path)
    for name in ("tokenizer.json", "tokenizer_config.json"):
        (folder / name).unlink()
    encoder = load_encoder(f"open_clip:{folder}")
    assert encoder.embed(np.zeros((1, 160, 160, 3), np.uint8)).shape == (1, 64)
    with pytest.raises(EncoderError, match="tokenizer"):
        encoder.embed_text(["cat"])


def test_a_tokenizer_of_another_model_is_refused(tmp_path):
    folder = save_open_siglip(tmp_path)
    path = folder / "tokenizer.json"
    tokenizer = json.loads(path.read_text())
    tokenizer["model"]["vocab"] = {"<pad>": 0, "<unk>": 1}
    path.write_text(json.dumps(tokenizer))
    encoder = load_encoder(f"open_clip:{folder}")
    with pytest.raises(EncoderError, match="knows 2 tokens, but the model 11"):
        encoder.embed_text(["cat"])


@pytest.mark.parametrize(("published", "built"), [(True, True), (True, False), (False, False)])
def test_the_activation_is_the_one_that_the_weights_were_trained_with(
    published, built, tmp_path, monkeypatch
):
    folder = save_open_clip(tmp_path)
    config = json.loads((folder / CONFIG_FILE).read_text())
    architecture = config["model_cfg"] | {"quick_gelu": built}
    monkeypatch.setitem(open_clip.factory._MODEL_CONFIGS, "tiny", architecture)
    listed = open_clip.pretrained._pcfg(quick_gelu=published) | {"file": str(folder / WEIGHTS)}
    monkeypatch.setitem(open_clip.pretrained._PRETRAINED, "tiny", {"made": listed})
    pixels = np.random.default_rng(0).integers(0, 256, (1, 32, 32, 3), dtype=np.uint8)
    plain = load_encoder(f"open_clip:{folder}").embed(pixels)
    found = load_encoder("open_clip:tiny/made").embed(pixels)
    assert np.allclose(found, plain, atol=1e-6) == (not published)


def test_weights_that_the_architecture_would_compute_otherwise_are_refused(tmp_path, monkeypatch):
    architecture = {"quick_gelu": True, "embed_dim": 1, "vision_cfg": {}, "text_cfg": {}}
    monkeypatch.setitem(open_clip.factory._MODEL_CONFIGS, "tiny-quickgelu", architecture)
    tags = {"made": open_clip.pretrained._pcfg()}
    monkeypatch.setitem(open_clip.pretrained._PRETRAINED, "tiny-quickgelu", tags)
    with pytest.raises(EncoderError, match="say open_clip:tiny/made"):
        load_encoder("open_clip:tiny-quickgelu/made")


def test_settings_of_texts_change_the_fingerprint(tmp_path):
    folder = save_open_siglip(tmp_path)
    before = load_encoder(f"open_clip:{folder}").fingerprint
    config = json.loads((folder / CONFIG_FILE).read_text())
    config["model_cfg"]["text_cfg"]["tokenizer_kwargs"] = {"clean": "whitespace"}
    (folder / CONFIG_FILE).write_text(json.dumps(config))
    assert load_encoder(f"open_clip:{folder}").fingerprint != before


def test_an_unknown_option_is_refused(tmp_path):
    with pytest.raises(UsageError, match="no option 'pooling'"):
        load_encoder(f"open_clip:{save_open_clip(tmp_path)}?pooling=cls")


@pytest.mark.parametrize("save", [save_open_clip, save_open_siglip])
def test_the_terminal_stays_quiet_and_logging_as_it_was(save, tmp_path, capfd):
    before = [*logging.getLogger().handlers]
    load_encoder(f"open_clip:{save(tmp_path)}").embed_text(["cat"])
    out, err = capfd.readouterr()
    assert out == err == ""
    assert [*logging.getLogger().handlers] == before
