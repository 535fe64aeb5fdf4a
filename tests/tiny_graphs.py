"""Small random graphs as ONNX files, made by hand: what other people's exports look like."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

if TYPE_CHECKING:
    from pathlib import Path

SIDE = 32
OPTIONS = "mean=.485,.456,.406&std=.229,.224,.225"


def save_graph(
    path: Path,
    *,
    layout: str = "nchw",
    dtype: int = TensorProto.FLOAT,
    batch: int | str = "batch",
    side: int | str = SIDE,
    channels: int | str = 3,
    external: bool = False,
    seed: int = 0,
) -> Path:
    """Write a patch embedding with four outputs.

    `vector` `[B, 24]` depends on every place, `square` is the same as `[B, 24, 1, 1]`, `places`
    is `[B, 16, 4, 4]`, `tokens` `[B, 17, 16]` with a first token that is none of a place. Where
    `batch` is a number, the graph cannot take any other.
    """
    rng = np.random.default_rng(seed)
    weights = {
        "patch": rng.normal(0, 0.1, (16, 3, 8, 8)),
        "bias": rng.normal(0, 1, 16),
        "head": rng.normal(0, 0.1, (256, 24)),
        "head_bias": rng.normal(0, 0.1, 24),
    }
    first = [] if batch == "batch" else [batch]
    rows = first[0] if first else 0
    shapes = {
        "flat": [rows, 256] if first else [0, -1],
        "square_shape": [rows, 24, 1, 1],
        "grid": [rows, 16, 16],
    }
    nodes = []
    entry = "pixels"
    if dtype != TensorProto.FLOAT:
        nodes.append(helper.make_node("Cast", [entry], ["cast"], to=TensorProto.FLOAT))
        entry = "cast"
    if dtype == TensorProto.UINT8:
        weights["small"] = np.array(1 / 255)
        nodes.append(helper.make_node("Mul", [entry, "small"], ["scaled"]))
        entry = "scaled"
    if layout == "nhwc":
        nodes.append(helper.make_node("Transpose", [entry], ["first"], perm=[0, 3, 1, 2]))
        entry = "first"
    nodes += [
        helper.make_node("Conv", [entry, "patch", "bias"], ["places"], strides=[8, 8]),
        helper.make_node("Reshape", ["places", "flat"], ["flattened"]),
        helper.make_node("Gemm", ["flattened", "head", "head_bias"], ["vector"]),
        helper.make_node("Reshape", ["vector", "square_shape"], ["square"]),
        helper.make_node("Reshape", ["places", "grid"], ["columns"]),
        helper.make_node("Transpose", ["columns"], ["patches"], perm=[0, 2, 1]),
        helper.make_node("ReduceMax", ["patches"], ["class"], axes=[1], keepdims=1),
        helper.make_node("Concat", ["class", "patches"], ["tokens"], axis=1),
    ]
    if layout == "nhwc":
        nodes.append(helper.make_node("Transpose", ["places"], ["last"], perm=[0, 2, 3, 1]))
    tensors = [
        numpy_helper.from_array(np.asarray(value, np.float32), name)
        for name, value in weights.items()
    ] + [numpy_helper.from_array(np.array(shape), name) for name, shape in shapes.items()]
    size = [channels, side, side] if layout == "nchw" else [side, side, channels]
    outputs = {
        "vector": [batch, 24],
        "square": [batch, 24, 1, 1],
        "tokens": [batch, 17, 16],
        ("last" if layout == "nhwc" else "places"): [
            batch,
            *([4, 4, 16] if layout == "nhwc" else [16, 4, 4]),
        ],
    }
    graph = helper.make_graph(
        nodes,
        "tiny",
        [helper.make_tensor_value_info("pixels", dtype, [batch, *size])],
        [
            helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
            for name, shape in outputs.items()
        ],
        tensors,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.checker.check_model(model)
    path.parent.mkdir(parents=True, exist_ok=True)
    onnx.save(
        model,
        path,
        save_as_external_data=external,
        location=f"{path.name}.data" if external else None,
        size_threshold=128,
    )
    return path


def keep_outputs(path: Path, *names: str) -> Path:
    """Drop all outputs of a graph but these."""
    model = onnx.load(path)
    kept = [output for output in model.graph.output if output.name in names]
    del model.graph.output[:]
    model.graph.output.extend(kept)
    onnx.save(model, path)
    return path
