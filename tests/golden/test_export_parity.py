"""Exported files give the vectors and maps of PyTorch."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest

import tiny_models
from made_exports import has_openvino, write_export
from tamis.encoders.registry import load_encoder

tiny_models.require_hugging_face()
pytest.importorskip("onnxscript", reason="needs tamis[export]")


@pytest.fixture(
    params=[
        "convnext",
        *(
            pytest.param(name, marks=pytest.mark.nightly)
            for name in ("clip", "siglip", "dinov2", "dinov3")
        ),
    ]
)
def source(request, tmp_path):
    return f"hf:{getattr(tiny_models, f'save_{request.param}')(tmp_path / 'model')}"


def test_both_runtimes_give_the_vectors_and_maps_of_pytorch(source, tmp_path):
    reference = load_encoder(source)
    side = reference.preprocessing.height
    pixels = np.random.default_rng(0).integers(0, 256, (9, side, side, 3), dtype=np.uint8)
    expected = reference.embed(pixels)
    graph = write_export(source, tmp_path)
    specs = [graph]
    if has_openvino():
        specs += [write_export(source, tmp_path, "openvino"), f"openvino:{graph[len('onnx:') :]}"]
    for spec in specs:
        made = load_encoder(spec)
        assert made.preprocessing == reference.preprocessing
        assert made.fingerprint != reference.fingerprint
        assert made.feature_levels == reference.feature_levels
        assert (made.embed(pixels) * expected).sum(axis=1).min() >= 0.99999
        for level in made.feature_levels:
            np.testing.assert_allclose(
                made.feature_maps(pixels, level),
                reference.feature_maps(pixels, level),
                atol=1e-4,
                rtol=1e-3,
            )


@pytest.fixture(scope="module")
def dinov2(tmp_path_factory):
    return f"hf:{tiny_models.save_dinov2(tmp_path_factory.mktemp('dinov2') / 'model')}"


@pytest.fixture(scope="module")
def exported(dinov2, tmp_path_factory):
    return Path(write_export(dinov2, tmp_path_factory.mktemp("exported")).removeprefix("onnx:"))


def test_the_network_runs_once_for_all_outputs_and_its_weights_are_there_once(exported):
    model = onnx.load(exported)
    products = sum(node.op_type in ("MatMul", "Gemm", "Conv") for node in model.graph.node)
    # a patch embedding and, in each of two blocks, four of attention's, its two and the MLP's two
    assert products == 1 + 2 * (4 + 2 + 2)
    contents = [tensor.raw_data for tensor in model.graph.initializer if len(tensor.raw_data) > 999]
    assert len(set(contents)) == len(contents)


def test_an_export_repeats_byte_for_byte_and_names_no_file_but_its_source(
    dinov2, exported, tmp_path
):
    again = Path(write_export(dinov2, tmp_path).removeprefix("onnx:")).read_bytes()
    assert again == exported.read_bytes()
    assert b".py" not in again
