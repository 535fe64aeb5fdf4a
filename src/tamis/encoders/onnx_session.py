"""Run an ONNX graph with a bounded number of threads."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

import onnxruntime
from onnxruntime.capi import onnxruntime_pybind11_state as states

from tamis.encoders.graph_settings import GraphFacts, Port
from tamis.errors import EncoderError, OutOfMemoryError, UsageError
from tamis.machine import usable_processors

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

__all__ = ["OnnxSession"]

_NO_MEMORY: Final = (
    "failed to allocate memory",
    "bad allocation",
    "bad_alloc",
    "out of memory",
    "alloc_failed",
)
# The runtime's exceptions have no common base class but Exception.
_ERRORS: tuple[type[Exception], ...] = tuple(
    kind for kind in vars(states).values() if isinstance(kind, type) and issubclass(kind, Exception)
)
_RUN_ERRORS: tuple[type[Exception], ...] = (MemoryError, *_ERRORS)
_PREAMBLE: Final = re.compile(r"^\[ONNXRuntimeError\] : \d+ : \w+ : ")
_FATAL_ONLY: Final = 4


class OnnxSession:
    """A loaded graph that takes pictures and computes the requested outputs.

    Args:
        model: the serialized graph, or its file.
        threads: maximum number of threads per call; None for all processors.
        device: `cpu`, `cuda` or `cuda:1`.
        spec: the encoder's spec, for messages.

    Raises:
        UsageError: `threads` is less than 1, or the device is not available.
        EncoderError: the graph cannot be loaded.
    """

    def __init__(
        self,
        model: bytes | Path,
        *,
        threads: int | None = None,
        device: str = "cpu",
        spec: str = "the encoder",
    ) -> None:
        if threads is not None and threads < 1:
            raise UsageError(f"threads is {threads}, but inference needs at least 1")
        self.device = device
        self._spec = spec
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads or usable_processors()
        options.inter_op_num_threads = 1
        options.use_deterministic_compute = True
        # Errors are raised; logging them too would break our own output.
        options.log_severity_level = _FATAL_ONLY
        # Spinning workers would occupy the core that decoding needs.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        providers = _providers(device)
        try:
            self._session = onnxruntime.InferenceSession(
                model if isinstance(model, bytes) else str(model), options, providers=providers
            )
        except _ERRORS as error:
            raise EncoderError(
                f"ONNX Runtime {onnxruntime.__version__} cannot load {spec}: {_reason(error)}"
            ) from error
        # Without CUDA's libraries the runtime would silently fall back to the CPU.
        if device != "cpu" and self._session.get_providers()[0] == "CPUExecutionProvider":
            raise EncoderError(
                f"ONNX Runtime cannot use {device} here: its CUDA or cuDNN libraries do not load"
            )
        self._inputs = [value.name for value in self._session.get_inputs()]
        self._run_options = onnxruntime.RunOptions()
        self._run_options.only_execute_path_to_fetches = True
        self._run_options.log_severity_level = _FATAL_ONLY

    @property
    def facts(self) -> GraphFacts:
        """The graph's inputs, outputs and metadata."""
        return GraphFacts(
            inputs=tuple(map(_port, self._session.get_inputs())),
            outputs=tuple(map(_port, self._session.get_outputs())),
            metadata=dict(self._session.get_modelmeta().custom_metadata_map),
        )

    def width(self, output: str) -> int:
        """Return the size of an output's last axis."""
        shapes = {value.name: value.shape for value in self._session.get_outputs()}
        return int(shapes[output][-1])

    def run(self, pixels: NDArray[Any], outputs: Sequence[str]) -> list[NDArray[np.float32]]:
        """Compute only the named outputs for a batch.

        Raises:
            OutOfMemoryError: the batch is too large.
            EncoderError: the graph fails on it.
        """
        return self.run_all([pixels], outputs)

    def run_all(
        self, inputs: Sequence[NDArray[Any]], outputs: Sequence[str]
    ) -> list[NDArray[np.float32]]:
        """Compute only the named outputs of a graph with several inputs, given in their order.

        Raises:
            OutOfMemoryError: the batch is too large.
            EncoderError: the graph fails on it.
        """
        pixels = inputs[0]
        try:
            given = dict(zip(self._inputs, inputs, strict=True))
            results: list[Any] = self._session.run(list(outputs), given, self._run_options)
        except _RUN_ERRORS as error:
            if isinstance(error, MemoryError) or _is_out_of_memory(error):
                raise OutOfMemoryError(self._spec, self.device) from error
            raise EncoderError(
                f"{self._spec} fails on {pixels.dtype} of shape {list(pixels.shape)}: "
                f"{_reason(error)}. If its graph takes only so many pictures at a time, give "
                "batch=N"
            ) from error
        return results


def _providers(device: str) -> list[Any]:
    if device == "cpu":
        return ["CPUExecutionProvider"]
    kind, _, number = device.partition(":")
    offered = onnxruntime.get_available_providers()
    if kind != "cuda" or (number and not number.isdecimal()):
        raise UsageError(f"there is no device {device!r} for ONNX Runtime; say cpu or cuda")
    if "CUDAExecutionProvider" not in offered:
        raise UsageError(
            "this ONNX Runtime has no CUDA: run  pip install onnxruntime-gpu  in place of "
            "onnxruntime, or say device=cpu"
        )
    # TF32 would silently reduce float32 to 10 bits of mantissa.
    return [
        ("CUDAExecutionProvider", {"device_id": number or "0", "use_tf32": "0"}),
        "CPUExecutionProvider",
    ]


def _port(value: Any) -> Port:
    dtype = value.type.removeprefix("tensor(").removesuffix(")")
    dtype = {"float": "float32", "double": "float64"}.get(dtype, dtype)
    sizes = tuple(size if isinstance(size, int) and size > 0 else None for size in value.shape)
    return Port(value.name, sizes or None, dtype)


def _is_out_of_memory(error: Exception) -> bool:
    return any(words in str(error).lower() for words in _NO_MEMORY)


def _reason(error: Exception) -> str:
    return _PREAMBLE.sub("", " ".join(str(error).split()))
