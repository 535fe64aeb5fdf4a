"""What can go wrong between a name and a timm model, in clear sentences."""

from __future__ import annotations

import json
import logging

import numpy as np
import pytest

from tamis.encoders.registry import load_encoder
from tamis.errors import EncoderError, UsageError
from tiny_models import edit_json, save_dino
from tiny_timm import (
    require_timm,
    save_timm_efficientnet,
    save_timm_resnet,
    save_timm_swin,
    save_timm_vit,
)

torch, timm = require_timm()
safetensors = pytest.importorskip("safetensors.torch")


def edit_weights(folder, change):
    path = folder / "model.safetensors"
    weights = safetensors.load_file(path)
    change(weights)
    safetensors.save_file(weights, path)


def refuse_to_fetch(monkeypatch, error):
    def fetch(*_args, **_options):
        raise error

    monkeypatch.setattr("timm.models._hub.hf_hub_download", fetch)


@pytest.mark.parametrize("name", ["./nowhere", "/no/such/folder", "~/nowhere", "a/b", ""])
def test_a_folder_that_does_not_exist_is_said_so(name):
    with pytest.raises(EncoderError, match="names no folder that exists"):
        load_encoder(f"timm:{name}")


def test_near_names_are_proposed_for_an_unknown_one():
    with pytest.raises(EncoderError, match=r"has no model 'resnat50'.*resnet50"):
        load_encoder("timm:resnat50")


def test_the_weights_there_are_stand_in_the_message():
    with pytest.raises(EncoderError, match=r"no pretrained weights resnet50\.x; it has .*a1_in1k"):
        load_encoder("timm:resnet50.x")
    with pytest.raises(EncoderError, match="random ones would mean nothing"):
        load_encoder("timm:resnet200")


@pytest.mark.parametrize("name", ["resnet50.a1_in1k", "hf-hub:timm/resnet50.a1_in1k"])
def test_an_unreachable_hub_is_said_so(name, monkeypatch):
    hub = pytest.importorskip("huggingface_hub.errors")
    refuse_to_fetch(monkeypatch, hub.LocalEntryNotFoundError("Cannot find it in the cache."))
    with pytest.raises(EncoderError, match=r"the hub cannot be reached.*timm:FOLDER") as caught:
        load_encoder(f"timm:{name}")
    assert "hf:FOLDER" not in str(caught.value)


def test_a_gated_model_is_said_so(monkeypatch):
    refuse_to_fetch(monkeypatch, OSError("Cannot access gated repo for url https://…"))
    with pytest.raises(EncoderError, match=r"timm/some is gated.*hf auth login"):
        load_encoder("timm:hf-hub:timm/some@main")


@pytest.mark.parametrize(
    ("missing", "part"), [("config.json", "configuration"), ("model.safetensors", "weights")]
)
def test_an_incomplete_folder_is_never_completed_by_guessing(missing, part, tmp_path):
    folder = save_timm_vit(tmp_path)
    (folder / missing).unlink()
    with pytest.raises(EncoderError, match=f"cannot load the {part} of timm:.*save_for_hf"):
        load_encoder(f"timm:{folder}")


def test_a_broken_file_is_said_so(tmp_path):
    folder = save_timm_vit(tmp_path)
    (folder / "model.safetensors").write_bytes(b"nothing of the kind")
    with pytest.raises(EncoderError, match="cannot load the weights of timm:"):
        load_encoder(f"timm:{folder}")


def test_a_folder_of_transformers_is_sent_there(tmp_path):
    with pytest.raises(EncoderError, match=r"no 'architecture', so it is not timm's.* hf:"):
        load_encoder(f"timm:{save_dino(tmp_path)}")


@pytest.mark.parametrize("key", ["mean", "std", "input_size", "interpolation", "crop_pct"])
def test_preprocessing_is_never_guessed(key, tmp_path):
    folder = save_timm_resnet(tmp_path)
    config = json.loads((folder / "config.json").read_text())
    del config["pretrained_cfg"][key]
    (folder / "config.json").write_text(json.dumps(config))
    with pytest.raises(EncoderError, match=f"does not say how pictures are prepared \\({key}"):
        load_encoder(f"timm:{folder}")


@pytest.mark.parametrize(
    "change",
    [
        {"crop_mode": "border", "crop_pct": 1.0},
        {"crop_mode": "squash", "crop_pct": 0.9},
        {"crop_pct": 1.15},
        {"input_size": [3, 96, 64]},
        {"interpolation": "nearest"},
        {"input_size": [1, 96, 96]},
    ],
    ids=str,
)
def test_unsupported_preprocessing_is_refused(change, tmp_path):
    folder = save_timm_resnet(tmp_path, **change)
    with pytest.raises(EncoderError, match="preprocessing that tamis does not do yet"):
        load_encoder(f"timm:{folder}")


def test_pictures_of_any_shape_are_refused(tmp_path):
    with pytest.raises(EncoderError, match="NaFlex"):
        load_encoder("timm:naflexvit_base_patch16_gap.e300_s576_in1k")
    folder = save_timm_vit(tmp_path)
    edit_json(folder / "config.json", model_args={"use_naflex": True})
    with pytest.raises(EncoderError, match="NaFlex"):
        load_encoder(f"timm:{folder}")


@pytest.mark.parametrize("key", ["blocks.1.mlp.fc1.weight", "norm.weight"])
def test_weights_that_would_be_random_are_refused(key, tmp_path):
    folder = save_timm_vit(tmp_path)
    edit_weights(folder, lambda weights: weights.pop(key))
    with pytest.raises(EncoderError, match=rf"some would be random: .*{key}"):
        load_encoder(f"timm:{folder}")


def test_weights_that_a_lenient_family_lacks_are_refused_too(tmp_path, monkeypatch):
    folder = save_timm_efficientnet(tmp_path)
    edit_weights(folder, lambda weights: weights.pop("conv_head.weight"))
    builder = pytest.importorskip("timm.models._builder")
    strictly = builder.load_pretrained
    monkeypatch.setattr(
        builder,
        "load_pretrained",
        lambda *given, strict, **options: strictly(*given, strict=False, **options),
    )
    with pytest.raises(EncoderError, match=r"lacks 1 of the weights, conv_head\.weight"):
        load_encoder(f"timm:{folder}")


def test_a_size_that_does_not_fit_is_refused(tmp_path):
    folder = save_timm_resnet(tmp_path, fixed_input_size=True)
    with pytest.raises(EncoderError, match="fixed input size; leave out size"):
        load_encoder(f"timm:{folder}?size=128")


def test_poolings_that_do_not_fit_are_refused(tmp_path):
    folder = save_timm_swin(tmp_path)
    with pytest.raises(EncoderError, match="no class token"):
        load_encoder(f"timm:{folder}?pooling=cls")
    with pytest.raises(UsageError, match="must be one of cls, mean"):
        load_encoder(f"timm:{folder}?pooling=max")


def test_pooling_and_preprocessing_change_the_fingerprint(tmp_path):
    folder = save_timm_vit(tmp_path)
    specs = [f"timm:{folder}", f"timm:{folder}?pooling=mean", f"timm:{folder}?size=48"]
    fingerprints = {load_encoder(spec).fingerprint for spec in specs}
    for change in ({"crop_pct": 0.8}, {"mean": [0.5] * 3}):
        config = json.loads((folder / "config.json").read_text())
        config["pretrained_cfg"] |= change
        (folder / "config.json").write_text(json.dumps(config))
        fingerprints.add(load_encoder(specs[0]).fingerprint)
    assert len(fingerprints) == 5


def test_half_precision_weights_are_computed_in_full(tmp_path):
    folder = save_timm_vit(tmp_path)

    def halve(weights):
        weights.update({name: weight.half() for name, weight in weights.items()})

    edit_weights(folder, halve)
    encoder = load_encoder(f"timm:{folder}")
    assert {p.dtype for p in encoder.model.module.parameters()} == {torch.float32}
    assert encoder.embed(np.zeros((1, 40, 40, 3), np.uint8)).shape == (1, 32)


def test_the_terminal_stays_quiet_and_logging_as_it_was(tmp_path, capfd):
    before = [*logging.getLogger().handlers], logging.getLogger("timm").level
    load_encoder(f"timm:{save_timm_vit(tmp_path)}")
    out, err = capfd.readouterr()
    assert out == err == ""
    assert ([*logging.getLogger().handlers], logging.getLogger("timm").level) == before
