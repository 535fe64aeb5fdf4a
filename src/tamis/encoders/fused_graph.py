"""One ONNX file from pixels to answers: encoders and the head that was fitted to their vectors."""

from __future__ import annotations

from functools import singledispatch
from typing import TYPE_CHECKING, Final, Literal

import numpy as np
from onnx import TensorProto, checker, helper

from tamis.algo.probe.heads import VOTE_TEMPERATURE, LinearHead, NeighborHead, NetworkHead
from tamis.encoders.encoder_graph import OPSET
from tamis.encoders.graph_nodes import GraphNodes
from tamis.errors import EncoderError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from tamis.algo.probe.heads import Head
    from tamis.encoders.encoder_graph import EncoderGraph

__all__ = ["Activation", "fuse"]

Activation = Literal["softmax", "sigmoid", "none"]

_LARGEST_FILE: Final = 1_900_000_000


def fuse(
    encoders: Sequence[EncoderGraph],
    head: Head,
    temperature: float | NDArray[np.float64],
    activation: Activation,
    metadata: Mapping[str, str],
) -> bytes:
    """Return a serialized ONNX model of encoders and a head.

    Its input is `pixels` `[B, H, W, 3]` uint8; of several encoders `pixels_0`, `pixels_1`, one
    each. Its outputs are `embedding` `[B, D]`, the unit vectors, and by activation: softmax gives
    `probabilities` `[B, K]` and `class` `[B]` int64; sigmoid gives `probabilities`; none gives
    `number` `[B, K]`. The same parts give the same bytes.

    Args:
        encoders: whose vectors the head was fitted to; several are joined as `join_vectors` does.
        head: gives logits.
        temperature: divides them; a number, or `[K]`.
        activation: makes answers of them.
        metadata: to be stored in the file.

    Raises:
        EncoderError: the parts do not fit into one file.
    """
    nodes = GraphNodes("head/")
    names = ["pixels"] if len(encoders) == 1 else [f"pixels_{n}" for n in range(len(encoders))]
    entries = GraphNodes("input/")
    for name, encoder in zip(names, encoders, strict=True):
        entries.add("Identity", name, output=encoder.pixels)
    dim = sum(encoder.dim for encoder in encoders)
    if len(encoders) == 1:
        nodes.add("Identity", encoders[0].vectors, output="embedding")
    else:
        joined = nodes.add("Concat", *(one.vectors for one in encoders), axis=1)
        share = nodes.constant(np.float32(1 / np.sqrt(len(encoders))))
        nodes.add("Mul", joined, share, output="embedding")
    logits, width = add_logits(head, nodes, "embedding", dim)
    scaled = nodes.add("Div", logits, nodes.constant(np.asarray(temperature)))
    outputs = [("embedding", TensorProto.FLOAT, [dim])]
    if activation == "softmax":
        nodes.add("Softmax", scaled, output="probabilities", axis=1)
        nodes.add("ArgMax", logits, output="class", axis=1, keepdims=0)
        outputs += [("probabilities", TensorProto.FLOAT, [width]), ("class", TensorProto.INT64, [])]
    elif activation == "sigmoid":
        nodes.add("Sigmoid", scaled, output="probabilities")
        outputs.append(("probabilities", TensorProto.FLOAT, [width]))
    else:
        nodes.add("Identity", scaled, output="number")
        outputs.append(("number", TensorProto.FLOAT, [width]))
    batch = next((one.batch for one in encoders if one.batch is not None), "batch")
    graph = helper.make_graph(
        [*entries.nodes, *(node for one in encoders for node in one.nodes), *nodes.nodes],
        "probe",
        [
            helper.make_tensor_value_info(
                name,
                TensorProto.UINT8,
                [batch, encoder.preprocessing.height, encoder.preprocessing.width, 3],
            )
            for name, encoder in zip(names, encoders, strict=True)
        ],
        [helper.make_tensor_value_info(name, kind, [batch, *of]) for name, kind, of in outputs],
        initializer=[*(each for one in encoders for each in one.constants), *nodes.constants],
    )
    domains = {name: version for one in encoders for name, version in one.domains.items()}
    model = helper.make_model(
        graph,
        functions=[function for one in encoders for function in one.functions],
        opset_imports=[
            helper.make_opsetid("", OPSET),
            *(helper.make_opsetid(*pair) for pair in sorted(domains.items())),
        ],
        producer_name="tamis",
    )
    model.ir_version = max(8, *(one.ir_version for one in encoders))
    helper.set_model_props(model, dict(sorted(metadata.items())))
    if model.ByteSize() > _LARGEST_FILE:
        raise EncoderError("encoder and probe exceed 1.9 GB together, which one file cannot hold")
    checker.check_model(model)
    return bytes(model.SerializeToString(deterministic=True))


@singledispatch
def add_logits(head: Head, nodes: GraphNodes, vectors: str, dim: int) -> tuple[str, int]:
    """Write a head's nodes; return the name of the logits and how many there are in a row."""
    raise TypeError(f"{type(head).__name__} has no graph ({nodes}, {vectors}, {dim})")


@add_logits.register
def _linear(head: LinearHead, nodes: GraphNodes, vectors: str, dim: int) -> tuple[str, int]:
    value = vectors
    if head.centre is not None:
        value = nodes.unit_rows(nodes.add("Sub", value, nodes.constant(head.centre)), dim)
    return _layer(nodes, value, head.weights, head.offset), len(head.weights)


@add_logits.register
def _network(head: NetworkHead, nodes: GraphNodes, vectors: str, dim: int) -> tuple[str, int]:  # noqa: ARG001 - others need it
    hidden = nodes.add("Relu", _layer(nodes, vectors, head.inner, head.bias))
    return _layer(nodes, hidden, head.outer, head.offset), len(head.outer)


@add_logits.register
def _neighbors(head: NeighborHead, nodes: GraphNodes, vectors: str, dim: int) -> tuple[str, int]:  # noqa: ARG001 - others need it
    k, width = min(head.k, len(head.rows)), head.votes.shape[1]
    cosines = nodes.add("MatMul", vectors, nodes.constant(head.rows.T))
    nearest, rows = nodes.largest(cosines, k)
    first = nodes.add("Gather", nearest, nodes.constant(np.array([0], np.int64)), axis=1)
    behind = nodes.add("Sub", nearest, first)
    weights = nodes.add("Exp", nodes.add("Div", behind, nodes.constant(np.array(VOTE_TEMPERATURE))))
    weights = nodes.add("Div", weights, nodes.row_sums(weights, k))
    weights = nodes.add("Reshape", weights, nodes.constant(np.array([-1, 1, k], np.int64)))
    votes = nodes.add("Gather", nodes.constant(head.votes), rows, axis=0)
    cast = nodes.add("Flatten", nodes.add("MatMul", weights, votes), axis=1)
    # one vote for each class alike, shared out, as in `vote_shares`
    more = nodes.add("Mul", cast, nodes.constant(np.array(float(k))))
    more = nodes.add("Add", more, nodes.constant(np.array(1 / width)))
    return nodes.add("Log", nodes.add("Div", more, nodes.constant(np.array(k + 1.0)))), width


def _layer(
    nodes: GraphNodes, value: str, weights: NDArray[np.float64], offset: NDArray[np.float64]
) -> str:
    product = nodes.add("MatMul", value, nodes.constant(weights.T))
    return nodes.add("Add", product, nodes.constant(offset))
