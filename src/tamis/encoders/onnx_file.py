"""Encoders from an ONNX file, run by ONNX Runtime."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from tamis.encoders.base import fingerprint_of, preprocessing_facts
from tamis.encoders.graph_encoder import as_graph_encoder
from tamis.encoders.graph_settings import GRAPH_OPTIONS, GraphSettings, read_settings
from tamis.encoders.onnx_content import find_graph_file, read_onnx_content
from tamis.encoders.onnx_session import OnnxSession
from tamis.encoders.spec import EncoderSpec, convert_options

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tamis.encoders.base import Encoder

__all__ = ["graph_fingerprint", "load_onnx_file"]

_OPTIONS: Final[Mapping[str, Any]] = {**GRAPH_OPTIONS, "threads": int, "device": str}


def load_onnx_file(spec: EncoderSpec, **options: Any) -> Encoder:
    """Load an ONNX file, with weights inside or beside it.

    A file that `tamis encoders export` wrote needs no options. For any other, whatever its shapes
    do not show must be given. Pictures are RGB and resized as in the defaults of `Preprocessing`
    unless `mode`, `crop_fraction` and `interpolation` say otherwise.

    Args:
        spec: `onnx:FILE`. Options: `layout` (`nchw`, `nhwc`), `size` (`N` or `HEIGHT,WIDTH`),
            `mean`, `std` (of pixels in [0, 1]), `mode`, `crop_fraction`, `interpolation`,
            `crop_rounding`; `output` (name), `pooling` (`cls` or `mean`, of tokens or maps),
            `prefix` (number of tokens before the patch tokens), `maps` (names of outputs, fine to
            coarse), `batch` (fixed batch size); `threads`, `device` (`cpu`, `cuda`).
        options: the same options as keyword arguments.

    Raises:
        EncoderError: the file is missing, is damaged or does not take pictures, or the runtime
            lacks one of its operators.
        UsageError: an option is unknown, invalid, or required and missing.
    """
    chosen = convert_options(spec, _OPTIONS, options)
    threads, device = chosen.pop("threads", None), chosen.pop("device", "cpu")
    path = find_graph_file(spec, ())
    content = read_onnx_content(path)
    session = OnnxSession(path, threads=threads, device=device, spec=str(spec))
    settings = read_settings(spec, session.facts, chosen)
    fingerprint = graph_fingerprint(content.digest, settings, "onnxruntime", "as in the file")
    return as_graph_encoder(str(spec), fingerprint, settings, session)


def graph_fingerprint(digest: str, settings: GraphSettings, runtime: str, precision: str) -> str:
    """Return the fingerprint of an encoder from a graph in a file.

    Args:
        digest: hash of the file and its weights.
        settings: how it is fed and read; maps and batch do not affect vectors and are omitted.
        runtime: name of the runtime; versions differ only by rounding and are omitted.
        precision: precision of the computation.
    """
    return fingerprint_of(
        {
            "weights": digest,
            "preprocessing": preprocessing_facts(settings.preprocessing),
            "resampling": "pillow",
            "layout": settings.layout,
            "output": settings.output,
            "pooling": settings.pooling,
            "prefix": settings.prefix,
            "runtime": runtime,
            "precision": precision,
        }
    )
