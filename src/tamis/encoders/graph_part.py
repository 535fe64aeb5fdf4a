"""The part of an ONNX graph that some of its outputs need."""

from __future__ import annotations

from typing import TYPE_CHECKING

import onnx

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["graph_part", "needed_values"]


def graph_part(content: bytes, outputs: Sequence[str], *, any_size: bool) -> bytes:
    """Return a graph that computes some outputs of another, and nothing else.

    The same graph and outputs give the same bytes. O(size of the graph).

    Args:
        content: a serialized graph with the input `pixels`, `[B, H, W, 3]`.
        outputs: which are kept.
        any_size: leave H and W open, for outputs whose nodes take pictures of any size.
    """
    model = onnx.load_from_string(content)
    graph = model.graph
    needed = needed_values(model, outputs)
    for entries, kept in (
        (graph.node, [node for node in graph.node if needed.intersection(node.output)]),
        (graph.initializer, [one for one in graph.initializer if one.name in needed]),
        (graph.output, [one for one in graph.output if one.name in outputs]),
    ):
        del entries[:]
        entries.extend(kept)
    if any_size:
        sides = graph.input[0].type.tensor_type.shape.dim[1:3]
        for side, name in zip(sides, ("height", "width"), strict=True):
            side.dim_param = name
    return bytes(model.SerializeToString(deterministic=True))


def needed_values(model: onnx.ModelProto, outputs: Sequence[str]) -> set[str]:
    """Return the names of all values that some outputs of a graph are computed from."""
    makers = {output: node for node in model.graph.node for output in node.output}
    needed: set[str] = set()
    waiting = list(outputs)
    while waiting:
        name = waiting.pop()
        if name not in needed:
            needed.add(name)
            waiting.extend(makers[name].input if name in makers else ())
    return needed
