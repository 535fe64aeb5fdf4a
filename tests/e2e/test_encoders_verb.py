"""`tamis encoders`: what there is and what runs here, and one of them tried."""

from __future__ import annotations

import math

import pytest

from user_networks import NETWORK, PREPARED

CARELESS = """
import numpy as np

calls = 0


def beside(pixels):
    features = pixels.mean(axis=(1, 2))
    return features - features.mean(axis=0) * (len(pixels) > 1)


def restless(pixels):
    global calls
    calls += 1
    return pixels.mean(axis=(1, 2)) + calls


class Long:
    from tamis.types import Preprocessing

    spec, fingerprint, dim, preprocessing = "py:mine:Long", "0" * 32, 3, Preprocessing(8, 8)

    def embed(self, pixels):
        return pixels.mean(axis=(1, 2), dtype=np.float32)
"""


@pytest.fixture
def hub(tmp_path, monkeypatch):
    """An empty cache of the hub; the environment is read whenever encoders are listed."""
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hub-home"))
    for name in ("HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE"):
        monkeypatch.setenv(name, "")
    return tmp_path / "hub-home" / "hub"


def listed(tamis_cli):
    rows = tamis_cli("encoders", "--json").json["encoders"]
    return {name: row for row in rows for name in (row["spec"], *row["short_names"])}


@pytest.mark.usefixtures("hub")
def test_the_list_says_what_runs_here_and_why_not(tamis_cli):
    run = tamis_cli("encoders")
    lines = {line.split()[0]: line for line in run.out.splitlines() if line.strip()}
    assert " default " in lines["bundled:efficientnet-lite0"]
    assert lines["bundled:efficientnet-lite0"].rstrip().endswith("yes")
    assert "onnxruntime" in lines["found:"]
    assert "(cpu" in lines["found:"]
    rows = listed(tamis_cli)
    for row in rows.values():
        assert row["installed"] == (not row["needs"])
        assert row["installed"] or "pip install" in row["needs"]
    assert rows["default"]["runtime"] == "onnxruntime"
    assert rows["default"]["devices"][0] == "cpu"
    assert not rows["default"]["needs_network"]
    assert rows["py:MODULE:OBJECT"]["installed"]


def test_a_model_that_was_never_fetched_needs_the_network_once(tamis_cli, hub):
    assert listed(tamis_cli)["clip"]["needs_network"]
    assert "needs the network once" in tamis_cli("encoders").out
    models = hub / "models--openai--clip-vit-base-patch32"
    snapshot = models / "snapshots" / "abc"
    snapshot.mkdir(parents=True)
    (snapshot / "config.json").write_text("{}")
    assert listed(tamis_cli)["clip"]["needs_network"], "there are no weights yet"
    (snapshot / "model.safetensors").write_bytes(b"")
    rows = listed(tamis_cli)
    assert not rows["clip"]["needs_network"]
    assert rows["dinov2"]["needs_network"]


def test_checking_the_default_measures_it(tamis_cli):
    found = tamis_cli("encoders", "check", "default", "--json").json
    assert found["spec"] == "bundled:efficientnet-lite0"
    assert (found["dim"], found["text"], found["device"]) == (1280, False, "cpu")
    assert found["feature_levels"] == ["stride4", "stride8", "stride16", "stride32"]
    assert found["preprocessing"].startswith("shorter side to 224 pixels (bicubic)")
    assert len(found["fingerprint"]) == 32
    assert found["pictures_per_second"] > 1
    assert found["load_seconds"] > 0
    assert found["batch_size"] == 4
    assert found["workers"] >= 1
    assert found["batch_difference"] < 1e-5
    assert found["deterministic"]
    assert 0.99 < found["scaled_decoding"] <= 1.000001
    assert found["similarity"] < 0.999
    assert math.isclose(found["shortest"], 1, abs_tol=1e-4)
    assert found["problems"] == []


def test_checking_says_the_same_to_a_person(tamis_cli):
    run = tamis_cli("encoders", "check", "default")
    assert "bundled:efficientnet-lite0: 1280 dimensions" in run.out
    for words in ("texts         no", "stride8, stride16", "the same bits", "loaded in", "cosine"):
        assert words in run.out
    assert run.err == ""


def test_checking_on_pictures_of_ones_own(tamis_cli, photos):
    run = tamis_cli(
        "encoders", "check", "default", "--pictures", photos / "dogs/00.jpg", photos / "blank.png",
        "--json",
    )  # fmt: skip
    assert run.json["similarity"] < 0.9
    one = ("encoders", "check", "default", "--pictures", photos / "dogs/00.jpg")
    assert "attic.jpg cannot be read" in tamis_cli(*one, photos / "attic.jpg", code=2).err
    assert "truncated" in tamis_cli(*one, photos / "truncated.jpg", code=2).err


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("beside?size=8", "depends on what is beside it in a batch"),
        ("restless?size=8", "other vectors the second time"),
        ("Long", "they must have length 1"),
    ],
)
def test_an_encoder_that_breaks_a_promise_fails_the_check(tamis_cli, name, words):
    (tamis_cli.folder / "mine.py").write_text(CARELESS)
    run = tamis_cli("encoders", "check", f"py:mine:{name}", code=1)
    assert f"problem: {words}" in run.err or words in run.err
    assert "Traceback" not in run.err
    found = tamis_cli("encoders", "check", f"py:mine:{name}", "--json", "-q", code=1)
    assert any(words in problem for problem in found.json["problems"])
    assert found.err == ""


def test_scores_of_classes_are_said_to_be_so(tamis_cli):
    pytest.importorskip("torch")
    (tamis_cli.folder / "net.py").write_text(NETWORK)
    run = tamis_cli("encoders", "check", f"py:net:build?{PREPARED}")
    assert "layer=penultimate takes what enters that layer" in run.err


def test_what_cannot_be_loaded_is_one_sentence(tamis_cli):
    for spec, words in (
        ("nowhere:x", "there is no encoder 'nowhere:x'"),
        ("py:nowhere:x", "no module nowhere"),
        ("onnx:attic.onnx", "attic.onnx"),
    ):
        run = tamis_cli("encoders", "check", spec, code=2)
        assert words in run.err
        assert "Traceback" not in run.err
