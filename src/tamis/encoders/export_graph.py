"""Export a PyTorch network as an ONNX graph that takes uint8 pixels."""

from __future__ import annotations

import hashlib
import logging
import warnings
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import onnx_ir
import torch
from onnx_ir.passes import common as passes

from tamis.errors import EncoderError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from tamis.encoders.torch_encoder import TorchModel
    from tamis.types import Preprocessing

__all__ = ["INPUT", "OUTPUT", "cleaned", "export_graph", "quietly", "reason_of"]

INPUT: Final = "pixels"
OUTPUT: Final = "embedding"

_OPSET: Final = 18
_LARGEST_FILE: Final = 1_900_000_000
"""A protocol buffers file is limited to 2 GiB; larger weights go into a second file."""


def export_graph(
    model: TorchModel,
    preprocessing: Preprocessing,
    metadata: Mapping[str, str],
    path: Path,
) -> None:
    """Write a network as an ONNX file, with weights of over 1.9 GB in `NAME.onnx.data` beside it.

    The graph takes `pixels`, `[B, H, W, 3]` uint8 for any B, and normalizes them itself. Its
    outputs are `embedding`, the pooled features `[B, D]`, not normalized, and each feature map
    `[B, h, w, C]` under the name of its level. The same network gives the same bytes. The text
    tower is not exported.

    Args:
        model: the network; it is not modified.
        preprocessing: the preprocessing that it expects.
        metadata: metadata to store in the file.
        path: the file to write; its folder must exist.

    Raises:
        EncoderError: the network does something that a graph cannot express.
    """
    device = next(iter(model.module.parameters())).device
    graph = _Graph(model, preprocessing, device).eval()
    # A batch of 1 would be traced as a constant dimension.
    pixels = torch.zeros(
        (2, preprocessing.height, preprocessing.width, 3), dtype=torch.uint8, device=device
    )
    try:
        with quietly(), torch.no_grad():
            program = torch.onnx.export(
                graph,
                (pixels,),
                dynamo=True,
                verbose=False,
                opset_version=_OPSET,
                input_names=[INPUT],
                output_names=[OUTPUT, *model.maps],
                dynamic_shapes={INPUT: {0: "batch"}},
            )
            ready = cleaned(program.model)
    except Exception as error:  # tracing a network can raise anything
        raise EncoderError(
            f"the network cannot be written as an ONNX graph: {reason_of(error)}"
        ) from error
    ready.metadata_props.update(metadata)
    ready.producer_name, ready.producer_version = "tamis", None
    weights = sum(
        value.const_value.nbytes
        for value in ready.graph.initializers.values()
        if value.const_value is not None
    )
    onnx_ir.save(
        ready, path, external_data=f"{path.name}.data" if weights > _LARGEST_FILE else None
    )


class _Graph(torch.nn.Module):  # type: ignore[misc]  # mypy does not look into torch
    """Computes all outputs from pixels."""

    def __init__(
        self, model: TorchModel, preprocessing: Preprocessing, device: torch.device
    ) -> None:
        super().__init__()
        self.network = model.module
        self._functions = (model.pooled, *model.maps.values())
        mean, std = (
            torch.tensor(values, device=device).view(1, 3, 1, 1)
            for values in (preprocessing.mean, preprocessing.std)
        )
        self.register_buffer("scale", 1 / (255 * std))
        self.register_buffer("shift", -mean / std)

    def forward(self, pixels: torch.Tensor) -> tuple[torch.Tensor, ...]:
        values: Any = pixels.permute(0, 3, 1, 2).float() * self.scale + self.shift
        return tuple(function(values) for function in self._functions)


def cleaned(model: Any) -> Any:
    """Merge the outputs into one run of the network, and drop the exporter's metadata.

    Each output was traced separately. Equal weights of the traces are merged, then equal nodes.
    """
    _rename_namesakes(model.graph)
    _share_weights(model.graph)
    for step in (
        passes.CommonSubexpressionEliminationPass(),
        passes.RemoveUnusedNodesPass(),
        # the stack traces contain paths of the exporting machine
        passes.ClearMetadataAndDocStringPass(),
    ):
        step(model)
    return model


def _rename_namesakes(graph: Any) -> None:
    """Rename inner values that happen to have the name of an output."""
    outputs = {value.name: value for value in graph.outputs}
    made = [value for node in graph for value in node.outputs]
    for value in (*made, *list(graph.initializers.values())):
        if outputs.get(value.name, value) is not value:
            # a weight must also be renamed in the graph's list of initializers
            value.name = f"inner/{value.name}"


def _share_weights(graph: Any) -> None:
    first: dict[tuple[object, ...], Any] = {}
    for value in list(graph.initializers.values()):
        tensor = value.const_value
        if tensor is None or value.is_graph_output():
            continue
        content = hashlib.blake2b(np.ascontiguousarray(tensor.numpy()).data).digest()
        kept = first.setdefault((tensor.dtype, tuple(tensor.shape), content), value)
        if kept is not value:
            value.replace_all_uses_with(kept)
            del graph.initializers[value.name]


@contextmanager
def quietly() -> Iterator[None]:
    """Keep the exporter's messages off the terminal."""
    loggers = [logging.getLogger(name) for name in ("onnxscript", "onnx_ir", "torch.onnx")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.CRITICAL)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)


def reason_of(error: BaseException) -> str:
    """Return what an exporter's exception says of its cause."""
    # the exporter wraps the cause in a page of advice on how to report it
    cause = error
    while cause.__cause__ is not None:
        cause = cause.__cause__
    lines = [line.strip() for line in str(cause).splitlines() if line.strip()]
    return f"{type(cause).__name__}: {lines[0] if lines else 'no reason is given'}"
