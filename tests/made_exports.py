"""Encoders as files, without the comparison on pictures that the command makes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tamis.encoders.graph_settings import settings_metadata
from tamis.encoders.registry import load_encoder

if TYPE_CHECKING:
    from pathlib import Path


def write_export(spec: str, folder: Path, runtime: str = "onnx") -> str:
    """Write what PyTorch runs as a file of a runtime, and return the spec that loads it."""
    from tamis.encoders.export_graph import export_graph

    source = load_encoder(spec)
    metadata = settings_metadata(source.preprocessing, tuple(source.model.maps), {"source": spec})
    graph = folder / "exported.onnx"
    export_graph(source.model, source.preprocessing, metadata, graph)
    if runtime == "onnx":
        return f"onnx:{graph}"
    from tamis.encoders.openvino_export import write_openvino

    write_openvino(graph, metadata, graph.with_suffix(".xml"))
    return f"openvino:{graph.with_suffix('.xml')}"
