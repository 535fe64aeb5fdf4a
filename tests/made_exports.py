"""Encoders as files, without the comparison on pictures that the command makes."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING

import pytest

from tamis.encoders.graph_settings import settings_metadata
from tamis.encoders.registry import load_encoder

if TYPE_CHECKING:
    from pathlib import Path


def has_openvino() -> bool:
    """Tell whether OpenVINO is here without importing it, which by itself would report home."""
    return find_spec("openvino") is not None


def require_openvino() -> None:
    """Skip the test where OpenVINO or what makes 8 bits for it is absent."""
    if not has_openvino() or find_spec("nncf") is None:
        pytest.skip("needs tamis[openvino]")


def write_export(spec: str, folder: Path, runtime: str = "onnx") -> str:
    """Write what PyTorch runs as a file of a runtime, and return the spec that loads it.

    A graph that this wrote there for another runtime is used again.
    """
    from tamis.encoders.export_graph import export_graph

    source = load_encoder(spec)
    metadata = settings_metadata(source.preprocessing, tuple(source.model.maps), {"source": spec})
    graph = folder / "exported.onnx"
    if not graph.exists():
        export_graph(source.model, source.preprocessing, metadata, graph)
    if runtime == "onnx":
        return f"onnx:{graph}"
    from tamis.encoders.openvino_export import write_openvino

    write_openvino(graph, metadata, graph.with_suffix(".xml"))
    return f"openvino:{graph.with_suffix('.xml')}"
