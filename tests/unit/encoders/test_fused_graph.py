"""Encoder and head as one graph: the same answers, whatever the encoder and the head are."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from onnx import TensorProto
from scipy.special import expit, softmax

from encoder_kinds import ENCODER_KINDS
from tamis.algo.alignment import LinearMap
from tamis.algo.joined_vectors import join_vectors
from tamis.algo.probe import LinearHead, NeighborHead, NetworkHead
from tamis.algo.unit_vectors import normalise_rows
from tamis.encoders.aligned import AlignedMap, write_map
from tamis.encoders.encoder_graph import encoder_graph
from tamis.encoders.fused_graph import fuse
from tamis.encoders.onnx_session import OnnxSession
from tamis.encoders.registry import load_encoder
from tamis.encoders.trial_pictures import trial_pixels
from tamis.errors import EncoderError, UsageError
from tiny_graphs import OPTIONS, save_graph

CLASSES = 3
KINDS = ["bundled", "concepts", "onnx-nchw", "hf-dinov2-registers"]


def head_of(kind, dim, seed=1):
    rng = np.random.default_rng(seed)

    def some(*shape):
        return rng.standard_normal(shape)

    return {
        "linear": LinearHead(some(CLASSES, dim), some(CLASSES)),
        "centred": LinearHead(some(CLASSES, dim), some(CLASSES), some(dim) / dim),
        "network": NetworkHead(some(5, dim), some(5), some(CLASSES, 5), some(CLASSES)),
        "neighbors": NeighborHead(
            normalise_rows(some(9, dim)).astype(np.float32), np.eye(CLASSES)[np.arange(9) % 3], 4
        ),
    }[kind]


def answers(encoders, head, temperature=0.5, activation="softmax", count=3):
    graphs = [encoder_graph(one, prefix=f"e{n}/") for n, one in enumerate(encoders)]
    content = fuse(graphs, head, temperature, activation, {"tamis.note": "für alle"})
    model = onnx.load_from_string(content)
    pixels = {
        port.name: trial_pixels(one.preprocessing, count)
        for port, one in zip(model.graph.input, encoders, strict=True)
    }
    names = [port.name for port in model.graph.output]
    found = OnnxSession(content, threads=1).run_all(list(pixels.values()), names)
    vectors = [
        one.embed(pixels[p.name]) for p, one in zip(model.graph.input, encoders, strict=True)
    ]
    return dict(zip(names, found, strict=True)), join_vectors(vectors), content


def agree(found, vectors, head, temperature=0.5):
    np.testing.assert_allclose(found["embedding"], vectors, atol=1e-5)
    logits = head.logits(vectors)
    wanted = softmax(logits / temperature, axis=1)
    np.testing.assert_allclose(found["probabilities"], wanted, atol=1e-4)
    assert found["class"].tolist() == logits.argmax(axis=1).tolist()


@pytest.mark.parametrize("kind", KINDS)
def test_an_encoder_of_any_kind_is_fused(kind, tmp_path):
    if kind.startswith("hf"):
        pytest.importorskip("onnxscript", reason="needs tamis[export]")
    encoder = load_encoder(ENCODER_KINDS[kind].make(tmp_path), threads=1)
    head = head_of("linear", encoder.dim)
    found, vectors, _ = answers([encoder], head)
    agree(found, vectors, head)


@pytest.mark.parametrize("kind", ["centred", "network", "neighbors"])
def test_a_head_of_any_kind_is_fused(kind, tmp_path):
    encoder = load_encoder(f"onnx:{save_graph(tmp_path / 'n.onnx')}?{OPTIONS}&output=vector")
    head = head_of(kind, encoder.dim)
    found, vectors, content = answers([encoder], head)
    agree(found, vectors, head)
    assert content == answers([encoder], head)[2], "the same parts give the same bytes"


@pytest.mark.parametrize(
    ("given", "options"),
    [
        ({}, "output=square"),
        ({}, "output=tokens&pooling=cls"),
        ({}, "output=tokens&pooling=mean"),
        ({}, "output=places&pooling=mean"),
        ({"layout": "nhwc"}, "output=last&pooling=mean"),
        ({"layout": "nhwc", "dtype": TensorProto.UINT8}, "output=vector"),
        ({"dtype": TensorProto.UINT8}, "output=vector"),
        ({"batch": 2}, "output=vector"),
        ({"external": True}, "output=vector"),
    ],
    ids=str,
)
def test_a_graph_is_fed_and_read_as_by_its_encoder(given, options, tmp_path):
    normalized = "" if given.get("dtype") == TensorProto.UINT8 else f"{OPTIONS}&"
    path = save_graph(tmp_path / "net.onnx", **given)
    encoder = load_encoder(f"onnx:{path}?{normalized}{options}")
    head = head_of("linear", encoder.dim)
    found, vectors, _ = answers([encoder], head, count=given.get("batch", 3))
    agree(found, vectors, head)


def test_several_encoders_are_joined_and_labels_are_told_apart(tmp_path):
    specs = [f"onnx:{save_graph(tmp_path / f'{n}.onnx', seed=n)}?{OPTIONS}" for n in range(2)]
    encoders = [load_encoder(f"{spec}&output=vector") for spec in specs]
    head = head_of("linear", 48)
    found, vectors, _ = answers(encoders, head)
    agree(found, vectors, head)
    temperature = np.array([0.5, 1.0, 2.0])
    found, vectors, _ = answers(encoders, head, temperature, "sigmoid")
    wanted = expit(head.logits(vectors) / temperature)
    np.testing.assert_allclose(found["probabilities"], wanted, atol=1e-4)
    found, vectors, _ = answers(encoders, head, 1.0, "none")
    np.testing.assert_allclose(found["number"], head.logits(vectors), atol=1e-4)


def test_a_map_between_encoders_is_fused(tmp_path):
    source = load_encoder(f"onnx:{save_graph(tmp_path / 'n.onnx')}?{OPTIONS}&output=vector")
    rng = np.random.default_rng(0)
    linear = LinearMap(
        rng.standard_normal((24, 6)).astype(np.float32),
        rng.standard_normal(6).astype(np.float32),
        0.5,
        0.5,
    )
    write_map(
        tmp_path / "m.npz",
        AlignedMap(
            linear, source.spec, source.fingerprint, "t:t", "b" * 32, source.preprocessing, None, ""
        ),
    )
    head = head_of("linear", 6)
    encoder = load_encoder(f"aligned:{tmp_path / 'm.npz'}")
    found, vectors, _ = answers([encoder], head)
    agree(found, vectors, head)


def test_what_has_no_graph_is_told(tmp_path):
    class Other:
        spec = "py:own.py:embed"

    with pytest.raises(
        UsageError, match=r"own\.py:embed cannot be written as an ONNX graph; embed"
    ):
        encoder_graph(Other())
    path = save_graph(tmp_path / "n.onnx")
    encoder = load_encoder(f"onnx:{path}?{OPTIONS}&output=vector")
    path.unlink()
    with pytest.raises(EncoderError, match=r"n\.onnx"):
        encoder_graph(encoder)
