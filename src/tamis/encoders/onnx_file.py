"""Encoders that are an ONNX file, run by ONNX Runtime."""

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

    One that `tamis encoders export` wrote says itself how pictures go in. Of any other, what its
    shape does not tell must be given; pictures are RGB, and resized as `Preprocessing` has it by
    custom unless `mode`, `crop_fraction` and `interpolation` say other.

    Args:
        spec: `onnx:FILE`. Options: `layout` (`nchw`, `nhwc`), `size` (`N` or `HEIGHT,WIDTH`),
            `mean`, `std` (of pixels in [0, 1]), `mode`, `crop_fraction`, `interpolation`,
            `crop_rounding`; `output` (name), `pooling` (`cls` or `mean`, of tokens or places),
            `prefix` (tokens before the places'), `maps` (names of outputs, fine to coarse),
            `batch` (pictures that the graph takes at a time); `threads`, `device` (`cpu`, `cuda`).
        options: the same.

    Raises:
        EncoderError: the file is missing, damaged, or takes no pictures, or the runtime lacks
            one of its operators.
        UsageError: an option is unknown, does not fit, or is needed and not given.
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
    """Return the fingerprint of an encoder that is a graph in a file.

    Args:
        digest: hash of the file and its weights.
        settings: how it is fed and read; maps and batch change no vector and are left out.
        runtime: what computes it; versions differ by rounding only and are left out.
        precision: what it is computed in.
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
