"""The bundled network is the published one: the ONNX graph agrees with PyTorch's own layers."""

from __future__ import annotations

import numpy as np
import pytest

from tamis.encoders.bundled import MODELS, load_bundled

torch = pytest.importorskip("torch", reason="the reference is computed by PyTorch")
F = torch.nn.functional

# kernel, stride, expansion, repeats of each stage: table 1 of the EfficientNet paper
STAGES = [
    (3, 1, 1, 1),
    (3, 2, 6, 2),
    (5, 2, 6, 2),
    (3, 2, 6, 3),
    (5, 1, 6, 3),
    (5, 2, 6, 4),
    (3, 1, 6, 1),
]
NAMED = {2: "stride8", 4: "stride16", 6: "stride32"}


class Reference:
    """EfficientNet-Lite0 with separate batch normalisation, from the checkpoint's own names."""

    def __init__(self, state):
        self.state = {name: value.double() for name, value in state.items()}

    def convolution(self, x, name, norm, *, stride=1, relu=True):
        kernel = self.state[f"{name}.weight"]
        side = kernel.shape[-1]
        total = max((-(-x.shape[-1] // stride) - 1) * stride + side - x.shape[-1], 0)
        before = total // 2
        x = F.pad(x, (before, total - before, before, total - before))
        groups = x.shape[1] // kernel.shape[1]
        x = F.conv2d(x, kernel, stride=stride, groups=groups)
        x = F.batch_norm(
            x,
            *(self.state[f"{norm}.{p}"] for p in ("running_mean", "running_var", "weight", "bias")),
            eps=1e-3,
        )
        return F.relu6(x) if relu else x

    def __call__(self, pixels):
        x = torch.from_numpy(pixels).permute(0, 3, 1, 2).double()
        x = self.convolution((x / 255 - 0.5) / 0.5, "_conv_stem", "_bn0", stride=2)
        outputs, index = {}, 0
        for number, (side, stride, expansion, repeats) in enumerate(STAGES):
            for repeat in range(repeats):
                block, shortcut = f"_blocks.{index}", x
                if expansion > 1:
                    x = self.convolution(x, f"{block}._expand_conv", f"{block}._bn0")
                assert self.state[f"{block}._depthwise_conv.weight"].shape[-1] == side
                x = self.convolution(
                    x,
                    f"{block}._depthwise_conv",
                    f"{block}._bn1",
                    stride=stride if repeat == 0 else 1,
                )
                x = self.convolution(x, f"{block}._project_conv", f"{block}._bn2", relu=False)
                if repeat:
                    x = x + shortcut
                index += 1
            if number in NAMED:
                outputs[NAMED[number]] = x.permute(0, 2, 3, 1).numpy()
        head = self.convolution(x, "_conv_head", "_bn1")
        powers = head.pow(3).mean((2, 3)).pow(1 / 3)
        outputs["embedding"] = F.normalize(powers).numpy()
        logits = head.mean((2, 3)) @ self.state["_fc.weight"].T + self.state["_fc.bias"]
        outputs["posteriors"] = logits.softmax(1).numpy()
        return outputs


@pytest.fixture(scope="module")
def pixels():
    rng = np.random.default_rng(0)
    noise = rng.integers(0, 256, (224, 224, 3))
    ramp = np.broadcast_to(np.linspace(0, 255, 224)[:, None, None], (224, 224, 3))
    blocks = np.kron(rng.integers(0, 256, (7, 7, 3)), np.ones((32, 32, 1)))
    return np.stack([noise, ramp, blocks]).astype(np.uint8)


@pytest.fixture(scope="module")
def expected(pixels):
    path = MODELS["efficientnet-lite0"].weights_path()
    state = torch.load(path, map_location="cpu", weights_only=True)
    return Reference(state)(pixels)


@pytest.fixture(scope="module")
def encoder():
    return load_bundled("efficientnet-lite0")


def test_embeddings_agree(encoder, pixels, expected):
    np.testing.assert_allclose(encoder.embed(pixels), expected["embedding"], atol=1e-5)


def test_posteriors_agree(encoder, pixels, expected):
    np.testing.assert_allclose(encoder.posteriors(pixels), expected["posteriors"], atol=1e-5)


@pytest.mark.parametrize("level", ["stride8", "stride16", "stride32"])
def test_feature_maps_agree(encoder, pixels, expected, level):
    maps = encoder.feature_maps(pixels, level)
    assert maps.shape == expected[level].shape
    # maps are not normalised: their numbers reach some tens
    largest = np.abs(expected[level]).max()
    np.testing.assert_allclose(maps / largest, expected[level] / largest, atol=1e-5)
