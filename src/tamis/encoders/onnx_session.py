"""Run an ONNX graph on the CPU with a bounded number of threads."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import onnxruntime

from tamis.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from tamis.types import PixelBatch

__all__ = ["OnnxSession"]


class OnnxSession:
    """A loaded graph that takes pictures as `[B, H, W, 3]` uint8 and computes what is asked.

    Args:
        model: the serialised graph.
        threads: most threads one call may use; all cores when None.

    Raises:
        UsageError: `threads` is less than 1.
    """

    def __init__(self, model: bytes, *, threads: int | None = None) -> None:
        if threads is not None and threads < 1:
            raise UsageError(f"threads is {threads}, but inference needs at least 1")
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads or os.cpu_count() or 1
        options.inter_op_num_threads = 1
        # A spinning worker would take the core that decoding needs.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        self._session = onnxruntime.InferenceSession(
            model, options, providers=["CPUExecutionProvider"]
        )
        self._input = self._session.get_inputs()[0].name
        self._run_options = onnxruntime.RunOptions()
        self._run_options.only_execute_path_to_fetches = True

    def width(self, output: str) -> int:
        """Return the size of an output's last axis."""
        shapes = {value.name: value.shape for value in self._session.get_outputs()}
        return int(shapes[output][-1])

    def run(self, pixels: PixelBatch, outputs: Sequence[str]) -> list[NDArray[np.float32]]:
        """Return the named outputs for a batch; the rest of the graph is not computed."""
        results: list[Any] = self._session.run(
            list(outputs), {self._input: pixels}, self._run_options
        )
        return results
