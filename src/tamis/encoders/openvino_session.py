"""Run a graph with OpenVINO, with a given precision and a bounded number of threads."""

from __future__ import annotations

from functools import cache
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

import numpy as np

from tamis.encoders.graph_settings import GraphFacts, Port
from tamis.encoders.silent_openvino import openvino
from tamis.errors import EncoderError, OutOfMemoryError, UsageError
from tamis.machine import usable_processors

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

__all__ = ["OpenVinoPrecision", "OpenVinoSession", "model_metadata"]

OpenVinoPrecision: TypeAlias = Literal["float32", "bfloat16"]

_HINTS: Final = {"float32": "f32", "bfloat16": "bf16"}
_NO_MEMORY: Final = ("bad_alloc", "bad allocation", "out of memory", "cannot allocate memory")
_KEY: Final = "tamis"
_LONGEST_REASON: Final = 400


class OpenVinoSession:
    """A compiled graph that takes pictures and runs on the CPU.

    Args:
        path: an ONNX file, or the .xml file of OpenVINO's own format with its .bin beside it.
        threads: maximum number of threads per call; None for all processors.
        precision: precision of the computation. OpenVINO's default would be bfloat16 on CPUs that
            support it, and vectors would depend on the machine.
        spec: the encoder's spec, for messages.

    Raises:
        UsageError: `threads` is less than 1, or the CPU does not support the precision.
        EncoderError: the graph cannot be read or compiled.
    """

    device: Final = "cpu"

    def __init__(
        self,
        path: Path,
        *,
        threads: int | None = None,
        precision: OpenVinoPrecision = "float32",
        spec: str = "the encoder",
    ) -> None:
        if threads is not None and threads < 1:
            raise UsageError(f"threads is {threads}, but inference needs at least 1")
        self._spec = spec
        settings = _compile_settings(threads, precision)
        try:
            model = _core().read_model(path)
            self._compiled = _core().compile_model(model, "CPU", settings)
        except RuntimeError as error:
            raise EncoderError(
                f"OpenVINO {openvino.__version__.partition('-')[0]} cannot load {spec}: "
                f"{_reason(error)}"
            ) from error
        self.metadata = model_metadata(model)
        self._idle: SimpleQueue[Any] = SimpleQueue()

    @property
    def facts(self) -> GraphFacts:
        """The graph's inputs, outputs and metadata."""
        return GraphFacts(
            inputs=tuple(map(_port, self._compiled.inputs)),
            outputs=tuple(map(_port, self._compiled.outputs)),
            metadata=self.metadata,
        )

    def run(self, pixels: NDArray[Any], outputs: Sequence[str]) -> list[NDArray[np.float32]]:
        """Return the named outputs for a batch.

        Raises:
            OutOfMemoryError: the batch is too large.
            EncoderError: the graph fails on it.
        """
        try:
            request = self._idle.get_nowait()
        except Empty:
            request = self._compiled.create_infer_request()
        try:
            request.infer([pixels], share_inputs=True)
            # the next call overwrites the request's buffers
            results = [request.get_tensor(name).data.copy() for name in outputs]
        except (RuntimeError, MemoryError) as error:
            if isinstance(error, MemoryError) or any(
                words in str(error).lower() for words in _NO_MEMORY
            ):
                raise OutOfMemoryError(self._spec, self.device) from error
            raise EncoderError(
                f"{self._spec} fails on {pixels.dtype} of shape {list(pixels.shape)}: "
                f"{_reason(error)}. If its graph takes only so many pictures at a time, give "
                "batch=N"
            ) from error
        self._idle.put(request)
        return results


def model_metadata(model: Any) -> dict[str, str]:
    """Return the metadata of a file in OpenVINO's format, by the names of ONNX metadata."""
    if not model.has_rt_info([_KEY]):
        return {}
    said = model.get_rt_info([_KEY]).value
    return {f"{_KEY}.{name}": str(getattr(value, "value", value)) for name, value in said.items()}


@cache
def _core() -> Any:
    return openvino.Core()


def _compile_settings(threads: int | None, precision: OpenVinoPrecision) -> dict[str, Any]:
    if precision not in _HINTS:
        raise UsageError(f"precision is {precision!r}; it must be one of {', '.join(_HINTS)}")
    able = _core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")
    if precision == "bfloat16" and "BF16" not in able:
        raise UsageError(
            "this processor has no bfloat16 (OpenVINO finds "
            f"{', '.join(name for name in able if name != 'EXPORT_IMPORT')}); leave out precision"
        )
    processors = usable_processors()
    each = min(threads or processors, processors)
    # Concurrent calls run in parallel streams; with one stream they would wait for each other.
    streams = max(1, processors // each)
    return {
        "INFERENCE_PRECISION_HINT": _HINTS[precision],
        "EXECUTION_MODE_HINT": "ACCURACY" if precision == "float32" else "PERFORMANCE",
        "DYNAMIC_QUANTIZATION_GROUP_SIZE": 0,
        "NUM_STREAMS": streams,
        "INFERENCE_NUM_THREADS": each * streams,
        # With pinning, two processes would share one core while another idles.
        "ENABLE_CPU_PINNING": False,
    }


def _port(value: Any) -> Port:
    shape = value.partial_shape
    sizes = (
        tuple(None if size.is_dynamic else size.get_length() for size in shape)
        if shape.rank.is_static
        else None
    )
    dtype = np.dtype(value.element_type.to_dtype()).name
    return Port(value.any_name, sizes or None, dtype)


def _reason(error: BaseException) -> str:
    """Return a message without the locations in OpenVINO's source code."""
    lines = [line.strip() for line in str(error).splitlines()]
    said = [line for line in lines if line and not line.startswith(("Exception from", "Check '"))]
    return " ".join(said or lines)[:_LONGEST_REASON]
