"""The bundled network as a module: the same vectors and maps, and back to the same graph."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs tamis[ssl]")

from tamis.encoders.registry import load_encoder  # noqa: E402
from tamis.training.backbone import backbone_of  # noqa: E402


@pytest.fixture(scope="module")
def encoder():
    return load_encoder("bundled:efficientnet-lite0", threads=1)


@pytest.fixture(scope="module")
def backbone(encoder):
    return backbone_of(encoder)


@pytest.fixture(scope="module")
def pixels():
    rng = np.random.default_rng(0)
    blocks = np.kron(rng.integers(0, 256, (7, 7, 3)), np.ones((32, 32, 1)))
    return np.stack([rng.integers(0, 256, (224, 224, 3)), blocks]).astype(np.uint8)


def test_vectors_are_those_of_the_bundled_encoder(encoder, backbone, pixels):
    np.testing.assert_allclose(backbone.vectors(pixels), encoder.embed(pixels), atol=1e-5)


def test_maps_are_those_of_the_bundled_encoder(encoder, backbone, pixels):
    assert tuple(backbone.model.maps) == encoder.feature_levels
    for level, compute in backbone.model.maps.items():
        with torch.no_grad():
            found = compute(backbone.normalized(pixels)).numpy()
        reference = encoder.feature_maps(pixels, level)
        largest = np.abs(reference).max()
        np.testing.assert_allclose(found / largest, reference / largest, atol=1e-5)


def test_a_dark_picture_gives_finite_gradients(backbone):
    black = np.zeros((2, 224, 224, 3), np.uint8)
    with backbone.borrowed():
        weights = backbone.learn("last", None)
        backbone.model.pooled(backbone.normalized(black)).sum().backward()
        assert all(one.grad is None or bool(one.grad.isfinite().all()) for one in weights)


def test_changed_weights_make_an_encoder_of_their_own(encoder, backbone, pixels, tmp_path):
    with backbone.borrowed():
        backbone.learn("last", None)[0].data.mul_(1.1)
        expected = backbone.vectors(pixels)
        backbone.write(tmp_path / "made.onnx", {"source": encoder.spec})
    made = load_encoder(f"onnx:{tmp_path / 'made.onnx'}", threads=1)
    np.testing.assert_allclose(made.embed(pixels), expected, atol=1e-5)
    assert made.feature_levels == encoder.feature_levels
    assert made.fingerprint != encoder.fingerprint
    assert np.abs(expected - encoder.embed(pixels)).max() > 1e-4
