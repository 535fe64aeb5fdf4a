"""Build an EfficientNet-Lite as an ONNX graph from its weights, without a deep-learning framework.

The network is EfficientNet (Tan & Le 2019, table 1) as its authors adapted it for small devices: no
squeeze-and-excitation, ReLU6 instead of swish, stem and head of the same width for all sizes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil
from typing import Any, Final, TypeAlias

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from tamis.errors import EncoderError

__all__ = [
    "BATCH_NORM_EPSILON",
    "EXPANDED_STAGES",
    "FEATURE_STAGES",
    "STAGES",
    "build_efficientnet_lite",
    "fold_batch_norm",
]

Weights: TypeAlias = Mapping[str, NDArray[Any]]

_OPSET: Final = 17
_IR_VERSION: Final = 8
BATCH_NORM_EPSILON: Final = 1e-3
_MIDDLE_GREY: Final = 127.5
FEATURE_STAGES: Final = {3: "stride8", 5: "stride16", 7: "stride32"}
EXPANDED_STAGES: Final = {2: "stride4"}
"""Of early stages, the widened features inside the last block: they are rectified, so that their
mean over a place keeps fine texture, which that of a stage's linear output cancels."""


@dataclass(frozen=True)
class _Stage:
    stride: int
    expand: bool
    repeats: int


STAGES: Final = (
    _Stage(stride=1, expand=False, repeats=1),
    _Stage(stride=2, expand=True, repeats=2),
    _Stage(stride=2, expand=True, repeats=2),
    _Stage(stride=2, expand=True, repeats=3),
    _Stage(stride=1, expand=True, repeats=3),
    _Stage(stride=2, expand=True, repeats=4),
    _Stage(stride=1, expand=True, repeats=1),
)


def build_efficientnet_lite(weights: Weights, *, depth: float, size: int, name: str) -> bytes:
    """Return an EfficientNet-Lite as a serialized ONNX model.

    The input `pixels` is `[B, size, size, 3]` uint8; scaling to (x/255 - 0.5)/0.5 is in the graph.
    The outputs, all float32, are `embedding` `[B, 1280]`, the generalized mean of the head over
    space with power 3 (Radenović et al. 2018, section 3.2; not normalized); `logits` `[B, C]`; and
    the feature maps `stride4` (the widened features of the second stage), `stride8`, `stride16` and
    `stride32` (outputs of stages), `[B, h, w, D]`. The same weights give the
    same bytes. O(weights), about half a second for Lite0.

    Args:
        weights: arrays by their names in the EfficientNet-PyTorch project.
        depth: the depth coefficient, 1.0 for Lite0.
        size: height and width of the input in pixels.
        name: name of the graph.

    Raises:
        EncoderError: an array that the network needs is missing, or one is unused.
    """
    writer = _GraphWriter(weights)
    try:
        writer.network(depth)
    except KeyError as error:
        raise EncoderError(
            f"the weights of {name} lack {error.args[0]}: they belong to another network"
        ) from error
    if writer.unused:
        raise EncoderError(
            f"the weights of {name} have {len(writer.unused)} arrays too many, "
            f"{min(writer.unused)} among them: they belong to another network"
        )
    graph = helper.make_graph(
        writer.nodes,
        name,
        [helper.make_tensor_value_info("pixels", TensorProto.UINT8, ["batch", size, size, 3])],
        [
            helper.make_tensor_value_info(output, TensorProto.FLOAT, ["batch", *rest])
            for output, rest in writer.outputs.items()
        ],
        initializer=writer.constants,
    )
    model = helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", _OPSET)], producer_name="tamis"
    )
    # make_model writes the newest version, which an older runtime may not read
    model.ir_version = _IR_VERSION
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString(deterministic=True))


def fold_batch_norm(
    weights: Weights, convolution: str, norm: str
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Fold batch normalization into the convolution before it; return kernel and bias.

    Args:
        weights: arrays by name.
        convolution: prefix of the convolution's weight, `[O, I, k, k]`.
        norm: prefix of the normalization's weight, bias, mean and variance, `[O]` each.

    Returns:
        Kernel `[O, I, k, k]` and bias `[O]`, float64, so that they are rounded only once.
    """
    mean, variance, gain, shift = (
        weights[f"{norm}.{part}"].astype(np.float64)
        for part in ("running_mean", "running_var", "weight", "bias")
    )
    scale = gain / np.sqrt(variance + BATCH_NORM_EPSILON)
    kernel = weights[f"{convolution}.weight"].astype(np.float64)
    return kernel * scale[:, None, None, None], shift - mean * scale


class _GraphWriter:
    """Collects nodes and constants; each method appends a part and returns its output's name."""

    def __init__(self, weights: Weights) -> None:
        self._weights = weights
        self.unused = {name for name in weights if not name.endswith("num_batches_tracked")}
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []
        self.outputs: dict[str, list[int | None]] = {}

    def network(self, depth: float) -> None:
        self._constant("zero", np.float32(0))
        self._constant("six", np.float32(6))
        channels_first = self._node("Transpose", ["pixels"], "channels_first", perm=[0, 3, 1, 2])
        floats = self._node("Cast", [channels_first], "floats", to=TensorProto.FLOAT)
        grey = self._constant("middle_grey", np.float32(_MIDDLE_GREY))
        centred = self._node("Sub", [floats, grey], "centred")
        # The division is folded into the kernel. The subtraction cannot be folded into the bias,
        # because zero padding must stay zero.
        features = self._convolution(
            centred, "stem", "_conv_stem", "_bn0", stride=2, gain=1 / _MIDDLE_GREY, relu6=True
        )
        index = 0
        for number, stage in enumerate(STAGES, start=1):
            is_scaled = number not in (1, len(STAGES))
            for repeat in range(ceil(stage.repeats * depth) if is_scaled else stage.repeats):
                stride = stage.stride if repeat == 0 else 1
                features = self._block(
                    features, index, stride, expand=stage.expand, shortcut=repeat > 0
                )
                index += 1
            if number in EXPANDED_STAGES:
                last = index - 1
                level = EXPANDED_STAGES[number]
                self._feature_map(f"block{last}.expand", level, f"_blocks.{last}._bn0")
            if number in FEATURE_STAGES:
                self._feature_map(features, FEATURE_STAGES[number], f"_blocks.{index - 1}._bn2")
        head = self._convolution(features, "head", "_conv_head", "_bn1", relu6=True)
        self._generalised_mean(head)
        self._logits(head)

    def _block(self, source: str, index: int, stride: int, *, expand: bool, shortcut: bool) -> str:
        """Inverted bottleneck: expand, depthwise convolution, project, add the shortcut."""
        theirs, ours = f"_blocks.{index}", f"block{index}"
        inner = source
        if expand:
            inner = self._convolution(
                inner, f"{ours}.expand", f"{theirs}._expand_conv", f"{theirs}._bn0", relu6=True
            )
        inner = self._convolution(
            inner,
            f"{ours}.depthwise",
            f"{theirs}._depthwise_conv",
            f"{theirs}._bn1",
            stride=stride,
            relu6=True,
        )
        inner = self._convolution(
            inner, f"{ours}.project", f"{theirs}._project_conv", f"{theirs}._bn2", relu6=False
        )
        return self._node("Add", [inner, source], ours) if shortcut else inner

    def _convolution(
        self,
        source: str,
        name: str,
        weight: str,
        norm: str,
        *,
        stride: int = 1,
        gain: float = 1.0,
        relu6: bool,
    ) -> str:
        kernel, bias = fold_batch_norm(self._weights, weight, norm)
        self.unused -= {f"{weight}.weight"}
        self.unused -= {f"{norm}.{x}" for x in ("running_mean", "running_var", "weight", "bias")}
        convolved = self._node(
            "Conv",
            [
                source,
                self._constant(f"{name}.kernel", (kernel * gain).astype(np.float32)),
                self._constant(f"{name}.bias", bias.astype(np.float32)),
            ],
            f"{name}.convolved",
            kernel_shape=list(kernel.shape[2:]),
            strides=[stride, stride],
            group=kernel.shape[0] if kernel.shape[1] == 1 else 1,
            auto_pad="SAME_UPPER",
        )
        return self._node("Clip", [convolved, "zero", "six"], name) if relu6 else convolved

    def _feature_map(self, source: str, name: str, norm: str) -> None:
        self._node("Transpose", [source], name, perm=[0, 2, 3, 1])
        self.outputs[name] = [None, None, int(self._weights[f"{norm}.weight"].shape[0])]

    def _generalised_mean(self, head: str) -> None:
        """Cube, average over space, take the root; the head is never negative."""
        square = self._node("Mul", [head, head], "square")
        cube = self._node("Mul", [square, head], "cube")
        mean = self._node("ReduceMean", [cube], "mean_cube", axes=[2, 3], keepdims=0)
        third = self._constant("third", np.float32(1 / 3))
        self._node("Pow", [mean, third], "embedding")
        self.outputs["embedding"] = [int(self._weights["_bn1.weight"].shape[0])]

    def _logits(self, head: str) -> None:
        mean = self._node("ReduceMean", [head], "mean", axes=[2, 3], keepdims=0)
        weight, bias = (self._weights[f"_fc.{part}"] for part in ("weight", "bias"))
        self.unused -= {"_fc.weight", "_fc.bias"}
        inputs = [
            mean,
            self._constant("classifier.weight", weight),
            self._constant("classifier.bias", bias),
        ]
        self._node("Gemm", inputs, "logits", transB=1)
        self.outputs["logits"] = [int(weight.shape[0])]

    def _node(self, kind: str, inputs: list[str], output: str, **attributes: object) -> str:
        self.nodes.append(helper.make_node(kind, inputs, [output], name=output, **attributes))
        return output

    def _constant(self, name: str, value: NDArray[Any] | np.float32) -> str:
        self.constants.append(numpy_helper.from_array(np.asarray(value, order="C"), name))
        return name
