"""Encoders from an ONNX or OpenVINO file, run by OpenVINO."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from tamis.encoders.graph_encoder import as_graph_encoder
from tamis.encoders.graph_settings import GRAPH_OPTIONS, read_settings
from tamis.encoders.onnx_content import find_graph_file, hash_files, read_onnx_content
from tamis.encoders.onnx_file import graph_fingerprint
from tamis.encoders.openvino_session import OpenVinoPrecision, OpenVinoSession
from tamis.encoders.spec import EncoderSpec, convert_options
from tamis.errors import EncoderError, UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from tamis.encoders.base import Encoder

__all__ = ["load_openvino_file"]

_OPTIONS: Final[Mapping[str, Any]] = {
    **GRAPH_OPTIONS,
    "threads": int,
    "device": str,
    "precision": OpenVinoPrecision,
}

_HEAD: Final = 4096


def load_openvino_file(spec: EncoderSpec, **options: Any) -> Encoder:
    """Load an ONNX file, or an .xml file with its .bin, to be run by OpenVINO on the CPU.

    Args:
        spec: `openvino:FILE`. Options: those of `onnx:` (`tamis.encoders.onnx_file`), and
            `precision`: `float32` or, if the CPU supports it, `bfloat16`. Quantization to int8 is
            a property of the file.
        options: the same options as keyword arguments.

    Raises:
        EncoderError: the file is missing, is damaged or does not take pictures, or OpenVINO lacks
            one of its operators.
        UsageError: an option is unknown, invalid, or required and missing.
    """
    chosen = convert_options(spec, _OPTIONS, options)
    threads, precision = chosen.pop("threads", None), chosen.pop("precision", "float32")
    if (device := chosen.pop("device", "cpu")) != "cpu":
        raise UsageError(f"openvino: runs on the processor, not on {device!r}; leave out device")
    path = find_graph_file(spec, (".onnx", ".xml"))
    digest, metadata = _content(path)
    session = OpenVinoSession(path, threads=threads, precision=precision, spec=str(spec))
    session.metadata.update(metadata)
    settings = read_settings(spec, session.facts, chosen)
    fingerprint = graph_fingerprint(digest, settings, "openvino", precision)
    return as_graph_encoder(str(spec), fingerprint, settings, session)


def _content(path: Path) -> tuple[str, Mapping[str, str]]:
    if path.suffix.lower() == ".onnx":
        content = read_onnx_content(path)
        return content.digest, content.metadata
    weights = path.with_suffix(".bin")
    if not weights.is_file():
        raise EncoderError(f"the weights of {path} must lie beside it, in {weights.name}")
    # for any other file, OpenVINO's other readers would print to the terminal
    text = path.read_bytes().strip()
    if b"<net" not in text[:_HEAD] or not text.endswith(b"</net>"):
        raise EncoderError(f"{path} is damaged or not of OpenVINO's format; get it again")
    return hash_files([path, weights]), {}
