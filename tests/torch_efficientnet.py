"""EfficientNet-Lite0 in plain PyTorch, straight from the published checkpoint's own names."""

from __future__ import annotations

import torch

from tamis.encoders.bundled import MODELS

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
WIDENED = 1
"""The stage whose last block gives `stride4`, widened."""
NAMED = {2: "stride8", 4: "stride16", 6: "stride32"}


class TorchEfficientNetLite0:
    """The network with batch normalisation of its own, as it was trained.

    Called with pixels `[B, 224, 224, 3]` uint8 it returns tensors: the maps by the names in
    `NAMED` and `stride4` `[B, D, h, w]`, `head` `[B, 1280, 7, 7]`, `embedding` `[B, 1280]` and
    `logits`.
    """

    def __init__(self, dtype: torch.dtype) -> None:
        path = MODELS["efficientnet-lite0"].weights_path()
        state = torch.load(path, map_location="cpu", weights_only=True)
        self.dtype = dtype
        self.state = {name: value.to(dtype) for name, value in state.items()}

    def __call__(self, pixels: torch.Tensor) -> dict[str, torch.Tensor]:
        x = pixels.permute(0, 3, 1, 2).to(self.dtype)
        x = self._convolution((x / 255 - 0.5) / 0.5, "_conv_stem", "_bn0", stride=2)
        outputs, index = {}, 0
        for number, (side, stride, expansion, repeats) in enumerate(STAGES):
            for repeat in range(repeats):
                block, shortcut = f"_blocks.{index}", x
                if expansion > 1:
                    x = self._convolution(x, f"{block}._expand_conv", f"{block}._bn0")
                    if number == WIDENED:
                        outputs["stride4"] = x
                assert self.state[f"{block}._depthwise_conv.weight"].shape[-1] == side
                x = self._convolution(
                    x,
                    f"{block}._depthwise_conv",
                    f"{block}._bn1",
                    stride=stride if repeat == 0 else 1,
                )
                x = self._convolution(x, f"{block}._project_conv", f"{block}._bn2", relu=False)
                if repeat:
                    x = x + shortcut
                index += 1
            if number in NAMED:
                outputs[NAMED[number]] = x
        head = self._convolution(x, "_conv_head", "_bn1")
        outputs["head"] = head
        outputs["embedding"] = F.normalize(head.pow(3).mean((2, 3)).pow(1 / 3))
        outputs["logits"] = head.mean((2, 3)) @ self.state["_fc.weight"].T + self.state["_fc.bias"]
        return outputs

    def _convolution(self, x, name, norm, *, stride=1, relu=True):
        kernel = self.state[f"{name}.weight"]
        side = kernel.shape[-1]
        total = max((-(-x.shape[-1] // stride) - 1) * stride + side - x.shape[-1], 0)
        before = total // 2
        groups = x.shape[1] // kernel.shape[1]
        if total % 2:
            x = F.pad(x, (before, total - before, before, total - before))
            before = 0
        x = F.conv2d(x, kernel, stride=stride, padding=before, groups=groups)
        x = F.batch_norm(
            x,
            *(self.state[f"{norm}.{p}"] for p in ("running_mean", "running_var", "weight", "bias")),
            eps=1e-3,
        )
        return F.relu6(x, inplace=True) if relu else x
