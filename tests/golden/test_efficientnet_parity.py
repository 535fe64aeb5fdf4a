"""The bundled network is the published one: the ONNX graph agrees with PyTorch's own layers."""

from __future__ import annotations

import numpy as np
import pytest

from tamis.encoders.registry import load_encoder

torch = pytest.importorskip("torch", reason="the reference is computed by PyTorch")

LEVELS = ["stride4", "stride8", "stride16", "stride32"]


@pytest.fixture(scope="module")
def pixels():
    rng = np.random.default_rng(0)
    noise = rng.integers(0, 256, (224, 224, 3))
    ramp = np.broadcast_to(np.linspace(0, 255, 224)[:, None, None], (224, 224, 3))
    blocks = np.kron(rng.integers(0, 256, (7, 7, 3)), np.ones((32, 32, 1)))
    return np.stack([noise, ramp, blocks]).astype(np.uint8)


@pytest.fixture(scope="module")
def expected(pixels):
    from torch_efficientnet import TorchEfficientNetLite0

    with torch.inference_mode():
        return TorchEfficientNetLite0(torch.float64)(torch.from_numpy(pixels))


@pytest.fixture(scope="module")
def encoder():
    return load_encoder("bundled:efficientnet-lite0")


def test_embeddings_agree(encoder, pixels, expected):
    np.testing.assert_allclose(encoder.embed(pixels), expected["embedding"].numpy(), atol=1e-5)


def test_posteriors_agree(encoder, pixels, expected):
    posteriors = expected["logits"].softmax(1).numpy()
    np.testing.assert_allclose(encoder.posteriors(pixels), posteriors, atol=1e-5)


@pytest.mark.parametrize("level", LEVELS)
def test_feature_maps_agree(encoder, pixels, expected, level):
    maps = encoder.feature_maps(pixels, level)
    reference = expected[level].permute(0, 2, 3, 1).numpy()
    assert maps.shape == reference.shape
    # maps are not normalised: their numbers reach some tens
    largest = np.abs(reference).max()
    np.testing.assert_allclose(maps / largest, reference / largest, atol=1e-5)


def test_logits_agree(encoder, pixels, expected):
    """Probabilities hide what is common to all classes, and small classes; logits hide nothing."""
    (logits,) = encoder._session.run(pixels, ["logits"])
    reference = expected["logits"].numpy()
    np.testing.assert_allclose(logits, reference, atol=1e-4)
    assert np.ptp(reference) > 5
