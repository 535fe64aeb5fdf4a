"""The ONNX graph of an encoder, from pixels to unit vectors."""

from __future__ import annotations

import tempfile
import zipfile
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import onnx
from google.protobuf.message import DecodeError
from onnx import TensorProto, compose, version_converter

from tamis.encoders.aligned import AlignedEncoder
from tamis.encoders.bundled import EfficientNetLite
from tamis.encoders.concepts import Concepts
from tamis.encoders.graph_encoder import GraphEncoder, token_grid
from tamis.encoders.graph_nodes import GraphNodes
from tamis.encoders.graph_settings import GraphSettings
from tamis.encoders.onnx_content import find_graph_file
from tamis.encoders.onnx_session import OnnxSession
from tamis.encoders.spec import parse_spec
from tamis.errors import EncoderError, MissingExtraError, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from onnx import FunctionProto, ModelProto, NodeProto

    from tamis.encoders.base import Encoder
    from tamis.types import Preprocessing

__all__ = ["OPSET", "EncoderGraph", "encoder_graph"]

OPSET: Final = 18
"""Version of the standard operators that every graph is brought to."""

_IMAGE: Final = (3, 1, 1)
_TOKENS, _PLACES = 3, 4
_LARGEST_FILE: Final = 1_900_000_000


@dataclass(frozen=True)
class EncoderGraph:
    """Nodes from pixels `[B, H, W, 3]` uint8 to unit vectors `[B, D]`.

    Attributes:
        pixels: name of the input, which no node makes.
        vectors: name of the unit vectors.
        dim: D.
        batch: how many pictures it takes at a time; None for any number.
        preprocessing: how a picture becomes its input.
        nodes: in an order that can be run.
        constants: its weights.
        functions: which its nodes call.
        domains: versions of operators that are not standard.
        ir_version: of the format.
    """

    pixels: str
    vectors: str
    dim: int
    batch: int | None
    preprocessing: Preprocessing
    nodes: Sequence[NodeProto]
    constants: Sequence[TensorProto]
    functions: Sequence[FunctionProto]
    domains: dict[str, int]
    ir_version: int

    def followed_by(self, more: GraphNodes, vectors: str, dim: int) -> EncoderGraph:
        """Return the graph with more nodes, whose unit vectors are another value."""
        return replace(
            self,
            vectors=vectors,
            dim=dim,
            nodes=[*self.nodes, *more.nodes],
            constants=[*self.constants, *more.constants],
        )


def encoder_graph(encoder: Encoder, *, prefix: str = "encoder/") -> EncoderGraph:
    """Return an encoder as a graph that gives its vectors up to rounding.

    Args:
        encoder: bundled, from an ONNX file, packed, run by PyTorch, or a map on one of these.
        prefix: of the names of all values.

    Raises:
        UsageError: the encoder is of a kind that has no such graph.
        EncoderError: its file is gone, or its network cannot be written as a graph.
        MissingExtraError: PyTorch runs it, and onnxscript is not installed.
    """
    if isinstance(encoder, AlignedEncoder):
        source = encoder_graph(encoder.source(), prefix=prefix)
        linear = encoder.linear
        nodes = GraphNodes(f"{prefix}map/")
        turned = nodes.add("MatMul", source.vectors, nodes.constant(linear.weights))
        moved = nodes.add("Add", turned, nodes.constant(linear.offset))
        return source.followed_by(nodes, nodes.unit_rows(moved, encoder.dim), encoder.dim)
    if isinstance(encoder, Concepts):
        settings = _bundled_settings(encoder.preprocessing, "logits")
        model = onnx.load_from_string(encoder.classifier.graph)
        logits, nodes = _network(model, settings, encoder, prefix), GraphNodes(f"{prefix}map/")
        roots = nodes.add("Sqrt", nodes.add("Softmax", logits.vectors, axis=1))
        return logits.followed_by(nodes, nodes.unit_rows(roots, encoder.dim), encoder.dim)
    found = _network(*_model(encoder), encoder, prefix)
    nodes = GraphNodes(f"{prefix}unit/")
    return found.followed_by(nodes, nodes.unit_rows(found.vectors, found.dim), found.dim)


def _model(encoder: Encoder) -> tuple[ModelProto, GraphSettings]:
    if isinstance(encoder, EfficientNetLite):
        settings = _bundled_settings(encoder.preprocessing, "embedding")
        return onnx.load_from_string(encoder.graph), settings
    spec = parse_spec(encoder.spec)
    if isinstance(encoder, GraphEncoder) and spec.kind in ("onnx", "tuned", "pack"):
        path = encoder.file or find_graph_file(spec, ())
        try:
            if spec.kind != "pack":
                return onnx.load(path), encoder.settings
            with zipfile.ZipFile(path) as archive:
                return onnx.load_from_string(archive.read("pictures.onnx")), encoder.settings
        except (OSError, DecodeError, KeyError, zipfile.BadZipFile) as error:
            raise EncoderError(f"{path} cannot be read as a graph any more: {error}") from error
    if getattr(encoder, "model", None) is not None:
        return _from_torch(encoder)
    raise UsageError(
        f"{encoder.spec} cannot be written as an ONNX graph; embed with a bundled encoder, an "
        "ONNX file or one that PyTorch runs, and train the probe on those vectors"
    )


def _from_torch(encoder: Any) -> tuple[ModelProto, GraphSettings]:
    if find_spec("onnxscript") is None:
        raise MissingExtraError(f"{encoder.spec} as an ONNX graph", "export")
    from tamis.encoders.export_graph import OUTPUT, export_graph

    with tempfile.TemporaryDirectory(prefix="tamis-graph-") as place:
        path = Path(place) / "pictures.onnx"
        export_graph(encoder.model, encoder.preprocessing, {}, path)
        return onnx.load(path), _bundled_settings(encoder.preprocessing, OUTPUT)


def _bundled_settings(preprocessing: Preprocessing, output: str) -> GraphSettings:
    """Settings of the graphs that tamis writes: they normalize pixels themselves."""
    return GraphSettings(preprocessing, "nhwc", "uint8", None, output)


def _network(
    model: ModelProto, settings: GraphSettings, encoder: Encoder, prefix: str
) -> EncoderGraph:
    """Return the nodes up to the pooled features, which are not unit vectors yet."""
    if model.ByteSize() > _LARGEST_FILE:
        raise EncoderError(f"weights of {encoder.spec} exceed 1.9 GB, which one file cannot hold")
    shape = _output_shape(model, settings, encoder.spec)
    model = _at_opset(model, encoder.spec)
    model = compose.add_prefix(model, f"{prefix}net/", inplace=True)
    output = f"{prefix}net/{settings.output}"
    before, after = GraphNodes(f"{prefix}in/"), GraphNodes(f"{prefix}out/")
    weights = {one.name for one in model.graph.initializer}
    entry = next(one.name for one in model.graph.input if one.name not in weights)
    _feed(before, settings, f"{prefix}pixels", entry)
    pooled = _pooled(after, settings, output, shape, encoder.spec)
    kept = _needed(model.graph.node, output)
    used = {name for node in kept for name in _inputs(node)}
    return EncoderGraph(
        pixels=f"{prefix}pixels",
        vectors=pooled,
        dim=shape[1] if len(shape) == _PLACES and settings.layout == "nchw" else shape[-1],
        batch=settings.batch,
        preprocessing=settings.preprocessing,
        nodes=[*before.nodes, *kept, *after.nodes],
        constants=[
            *before.constants,
            *(one for one in model.graph.initializer if one.name in used),
            *after.constants,
        ],
        functions=list(model.functions),
        domains={one.domain: one.version for one in model.opset_import if one.domain},
        ir_version=model.ir_version,
    )


def _feed(nodes: GraphNodes, settings: GraphSettings, pixels: str, entry: str) -> None:
    """Normalize pixels, and order their axes, as the network takes them."""
    value = pixels
    if settings.layout == "nchw":
        value = nodes.add("Transpose", value, perm=[0, 3, 1, 2])
    if settings.dtype == "uint8":
        nodes.add("Identity", value, output=entry)
        return
    axes = _IMAGE if settings.layout == "nchw" else (3,)
    mean, std = (
        np.array(each, np.float32).reshape(axes)
        for each in (settings.preprocessing.mean, settings.preprocessing.std)
    )
    value = nodes.add("Mul", nodes.as_float32(value), nodes.constant(1 / (255 * std)))
    value = nodes.add("Add", value, nodes.constant(-mean / std))
    kind = TensorProto.FLOAT16 if settings.dtype == "float16" else TensorProto.FLOAT
    nodes.add("Cast", value, output=entry, to=kind)


def _pooled(
    nodes: GraphNodes, settings: GraphSettings, output: str, shape: tuple[int, ...], spec: str
) -> str:
    """Pool an output as `GraphEncoder` does."""
    value = nodes.as_float32(output)
    if settings.pooling == "cls":
        return nodes.add("Gather", value, nodes.constant(np.array(0, np.int64)), axis=1)
    if settings.pooling == "mean" and len(shape) == _TOKENS:
        prefix = token_grid(shape[1], settings, spec)[2]
        places = nodes.constant(np.arange(prefix, shape[1], dtype=np.int64))
        value = nodes.add("Gather", value, places, axis=1)
        value = nodes.add("GlobalAveragePool", nodes.add("Transpose", value, perm=[0, 2, 1]))
    elif settings.pooling == "mean":
        if settings.layout == "nhwc":
            value = nodes.add("Transpose", value, perm=[0, 3, 1, 2])
        value = nodes.add("GlobalAveragePool", value)
    return nodes.add("Flatten", value, axis=1)


def _output_shape(model: ModelProto, settings: GraphSettings, spec: str) -> tuple[int, ...]:
    """Run one black picture to learn the shape of the output."""
    size = (settings.preprocessing.height, settings.preprocessing.width)
    axes = (3, *size) if settings.layout == "nchw" else (*size, 3)
    black = np.zeros((settings.batch or 1, *axes), settings.dtype)
    (found,) = OnnxSession(model.SerializeToString(), spec=spec).run(black, [settings.output])
    shape = tuple(map(int, found.shape))
    return shape if settings.pooling else (shape[0], int(np.prod(shape[1:])))


def _at_opset(model: ModelProto, spec: str) -> ModelProto:
    versions = [one.version for one in model.opset_import if not one.domain]
    if versions == [OPSET]:
        return model
    if versions and versions[0] > OPSET:
        raise EncoderError(
            f"{spec} uses version {versions[0]} of ONNX's operators; write it anew with {OPSET}"
        )
    try:
        return version_converter.convert_version(model, OPSET)
    except RuntimeError as error:  # the converter's own errors are of no narrower kind
        raise EncoderError(
            f"{spec} cannot be brought to version {OPSET} of ONNX's operators ({error}); write "
            "its file anew with that version"
        ) from error


def _needed(nodes: Sequence[NodeProto], output: str) -> list[NodeProto]:
    """Return the nodes that a value depends on, in their order."""
    wanted, kept = {output}, []
    for node in reversed(nodes):
        if wanted.intersection(node.output):
            kept.append(node)
            wanted.update(_inputs(node))
    return kept[::-1]


def _inputs(node: NodeProto) -> set[str]:
    """Return the values that a node reads, also from within its subgraphs."""
    names = set(node.input)
    for attribute in node.attribute:
        for inner in (attribute.g, *attribute.graphs):
            names.update(*map(_inputs, inner.node))
    return names
