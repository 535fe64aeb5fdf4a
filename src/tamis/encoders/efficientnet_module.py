"""EfficientNet-Lite as a PyTorch module, whose weights keep the names of the published files."""

from __future__ import annotations

from math import ceil
from typing import TYPE_CHECKING, Any, Final

import torch
from torch import nn

from tamis.encoders.efficientnet_graph import (
    BATCH_NORM_EPSILON,
    EXPANDED_STAGES,
    FEATURE_STAGES,
    STAGES,
)
from tamis.encoders.torch_encoder import TorchModel

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    from numpy.typing import NDArray

__all__ = ["EfficientNetLiteModule", "efficientnet_model"]

_SIDES: Final = (3, 3, 5, 3, 5, 5, 3)
"""Width of the depthwise kernels of each stage."""

_SMALLEST_CUBE: Final = 1e-15
"""Under it the cube root has no gradient; its root, 1e-5, is nothing beside a feature."""


class EfficientNetLiteModule(nn.Module):  # type: ignore[misc]  # mypy does not look into torch
    """The network of `tamis.encoders.efficientnet_graph`, which can be trained.

    Args:
        weights: arrays by their names in the EfficientNet-PyTorch project.
        depth: the depth coefficient, 1.0 for Lite0.
    """

    def __init__(self, weights: Mapping[str, NDArray[Any]], depth: float) -> None:
        super().__init__()
        shapes = {name: value.shape for name, value in weights.items()}
        self._conv_stem = _convolution(shapes["_conv_stem.weight"], stride=2)
        self._bn0 = _norm(shapes["_bn0.weight"])
        blocks: list[nn.Module] = []
        taps: dict[str, tuple[int, bool]] = {}
        for number, (stage, side) in enumerate(zip(STAGES, _SIDES, strict=True), start=1):
            is_scaled = number not in (1, len(STAGES))
            for repeat in range(ceil(stage.repeats * depth) if is_scaled else stage.repeats):
                stride = stage.stride if repeat == 0 else 1
                prefix = f"_blocks.{len(blocks)}."
                own = {k.removeprefix(prefix): v for k, v in shapes.items() if k.startswith(prefix)}
                assert own["_depthwise_conv.weight"][-1] == side
                blocks.append(_Block(own, stride, shortcut=repeat > 0))
            if number in EXPANDED_STAGES:
                taps[EXPANDED_STAGES[number]] = (len(blocks) - 1, True)
            if number in FEATURE_STAGES:
                taps[FEATURE_STAGES[number]] = (len(blocks) - 1, False)
        self._blocks = nn.ModuleList(blocks)
        self._conv_head = _convolution(shapes["_conv_head.weight"])
        self._bn1 = _norm(shapes["_bn1.weight"])
        self._fc = nn.Linear(shapes["_fc.weight"][1], shapes["_fc.weight"][0])
        self.taps: Final = taps
        state = {name: torch.from_numpy(value.copy()) for name, value in weights.items()}
        self.load_state_dict(state)

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        """Return `[B, 1280]`, the generalized mean of the head, of pictures `[B, 3, H, W]`."""
        features = self._stem(values)
        for block in self._blocks:
            features, _ = block(features)
        head = _relu6(self._bn1(_same(self._conv_head, features)))
        return head.pow(3).mean((2, 3)).clamp_min(_SMALLEST_CUBE).pow(1 / 3)

    def level(self, name: str, values: torch.Tensor) -> torch.Tensor:
        """Return the feature map `[B, h, w, D]` of a level."""
        last, widened = self.taps[name]
        features = self._stem(values)
        for number, block in enumerate(self._blocks):
            features, wide = block(features)
            if number == last:
                break
        return (wide if widened else features).permute(0, 2, 3, 1)

    def _stem(self, values: torch.Tensor) -> torch.Tensor:
        return _relu6(self._bn0(_same(self._conv_stem, values)))

    def weights(self) -> dict[str, NDArray[np.float32]]:
        """Return the arrays of which `build_efficientnet_lite` makes a graph."""
        return {
            name: value.detach().cpu().numpy()
            for name, value in self.state_dict().items()
            if not name.endswith("num_batches_tracked")
        }


class _Block(nn.Module):  # type: ignore[misc]
    """Inverted bottleneck: expand, depthwise convolution, project, add the shortcut."""

    def __init__(
        self, shapes: Mapping[str, tuple[int, ...]], stride: int, *, shortcut: bool
    ) -> None:
        super().__init__()
        if "_expand_conv.weight" in shapes:
            self._expand_conv = _convolution(shapes["_expand_conv.weight"])
            self._bn0 = _norm(shapes["_bn0.weight"])
        depthwise = shapes["_depthwise_conv.weight"]
        self._depthwise_conv = _convolution(depthwise, stride=stride, groups=depthwise[0])
        self._bn1 = _norm(shapes["_bn1.weight"])
        self._project_conv = _convolution(shapes["_project_conv.weight"])
        self._bn2 = _norm(shapes["_bn2.weight"])
        self._expands, self._shortcut = "_expand_conv.weight" in shapes, shortcut

    def forward(self, values: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        wide = values
        if self._expands:
            wide = _relu6(self._bn0(_same(self._expand_conv, values)))
        inner = _relu6(self._bn1(_same(self._depthwise_conv, wide)))
        inner = self._bn2(_same(self._project_conv, inner))
        return (inner + values if self._shortcut else inner), wide


def efficientnet_model(module: EfficientNetLiteModule, pooling: str) -> TorchModel:
    """Describe the network as encoders on PyTorch are described."""
    levels = {name: _Level(module, name) for name in module.taps}
    return TorchModel(module=module, pooled=module, pooling=pooling, maps=levels)


class _Level:
    def __init__(self, module: EfficientNetLiteModule, name: str) -> None:
        self._module, self._name = module, name

    def __call__(self, values: torch.Tensor) -> torch.Tensor:
        return self._module.level(self._name, values)


def _convolution(shape: tuple[int, ...], *, stride: int = 1, groups: int = 1) -> nn.Conv2d:
    return nn.Conv2d(shape[1] * groups, shape[0], shape[2], stride, groups=groups, bias=False)


def _norm(shape: tuple[int, ...]) -> nn.BatchNorm2d:
    return nn.BatchNorm2d(shape[0], eps=BATCH_NORM_EPSILON)


def _relu6(values: torch.Tensor) -> torch.Tensor:
    return nn.functional.relu6(values, inplace=True)


def _same(convolution: nn.Conv2d, values: torch.Tensor) -> torch.Tensor:
    """Convolve with the padding of TensorFlow's SAME, whose odd pixel lies at the far end."""
    side, stride = convolution.kernel_size[0], convolution.stride[0]
    pads: list[int] = []
    for length in (values.shape[-1], values.shape[-2]):
        total = max((-(-length // stride) - 1) * stride + side - length, 0)
        pads += [total // 2, total - total // 2]
    if any(pads):
        values = nn.functional.pad(values, pads)
    return convolution(values)
