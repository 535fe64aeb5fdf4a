"""Convert an ONNX graph to OpenVINO's format, in float32 or quantized to int8."""

from __future__ import annotations

import io
import logging
from contextlib import contextmanager, redirect_stdout
from typing import TYPE_CHECKING, Any, Final

from tamis.encoders.silent_openvino import openvino, without_telemetry
from tamis.errors import EncoderError, MissingExtraError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from tamis.types import PixelBatch

__all__ = ["write_openvino"]

_PREFIX: Final = "tamis."


def write_openvino(
    graph: Path,
    metadata: Mapping[str, str],
    path: Path,
    calibration: Iterable[PixelBatch] | None = None,
) -> None:
    """Write `path` (.xml) and its weights (.bin) beside it.

    Args:
        graph: an ONNX file.
        metadata: metadata to store in the file, by the names of ONNX metadata.
        path: the file to write; its folder must exist.
        calibration: batches `[B, H, W, 3]` uint8 of representative pictures; if given, the graph
            is quantized to int8 with ranges measured on them.

    Raises:
        EncoderError: OpenVINO cannot read the graph.
        MissingExtraError: int8 is requested and NNCF is not installed.
    """
    try:
        model = openvino.Core().read_model(graph)
    except RuntimeError as error:
        lines = str(error).strip().splitlines()
        raise EncoderError(f"OpenVINO cannot read the exported graph: {lines[-1]}") from error
    if calibration is not None:
        model = _quantised(model, list(calibration))
    for key, value in metadata.items():
        model.set_rt_info(value, [_PREFIX.rstrip("."), key.removeprefix(_PREFIX)])
    # the default would compress weights to float16
    openvino.save_model(model, path, compress_to_fp16=False)


def _quantised(model: Any, batches: list[PixelBatch]) -> Any:
    try:
        with without_telemetry(), _quietly():
            import nncf
    except ImportError as error:
        raise MissingExtraError("an export in int8", "openvino") from error
    with _quietly():
        return nncf.quantize(
            model,
            nncf.Dataset(batches),
            subset_size=len(batches),
            preset=nncf.QuantizationPreset.MIXED,
            model_type=nncf.ModelType.TRANSFORMER if _has_attention(model) else None,
            # CPUs without VNNI accumulate in 16 bits, which overflow unless weights leave one bit
            # free; a file must give the same vectors on all CPUs.
            advanced_parameters=nncf.AdvancedQuantizationParameters(
                overflow_fix=nncf.OverflowFix.ENABLE
            ),
        )


def _has_attention(model: Any) -> bool:
    return any(
        node.get_type_name() in ("Softmax", "SoftMax", "ScaledDotProductAttention")
        for node in model.get_ops()
    )


@contextmanager
def _quietly() -> Iterator[None]:
    """Keep logs and progress bars off the terminal, where they break ours."""
    disabled = logging.root.manager.disable
    logging.disable(logging.ERROR)
    try:
        with redirect_stdout(io.StringIO()):
            yield
    finally:
        logging.disable(disabled)
