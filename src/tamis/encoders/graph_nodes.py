"""Write ONNX nodes one after another, in operators that mean the same in every opset from 13."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from onnx import TensorProto, helper, numpy_helper

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from onnx import NodeProto

__all__ = ["GraphNodes"]

_TINY = np.float32(1e-30)


class GraphNodes:
    """Nodes and constants of a graph that is being written.

    Args:
        prefix: of the names of all values and constants.
    """

    def __init__(self, prefix: str) -> None:
        self._prefix = prefix
        self.nodes: list[NodeProto] = []
        self.constants: list[TensorProto] = []

    def constant(self, value: NDArray[Any] | np.floating[Any]) -> str:
        """Add a constant and return its name; floats become float32."""
        array = np.asarray(value, order="C")
        if np.issubdtype(array.dtype, np.floating):
            array = array.astype(np.float32)
        name = f"{self._prefix}constant{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(array, name))
        return name

    def add(self, operator: str, *inputs: str, output: str | None = None, **given: Any) -> str:
        """Add a node and return the name of its output.

        Args:
            operator: such as `MatMul`.
            inputs: names of values.
            output: name of the value; None for a new one.
            given: the operator's attributes.
        """
        name = output or f"{self._prefix}value{len(self.nodes)}"
        self.nodes.append(helper.make_node(operator, list(inputs), [name], name=name, **given))
        return name

    def largest(self, value: str, count: int) -> tuple[str, str]:
        """Return the largest entries of each row of `[B, S]` and their columns, falling."""
        k = self.constant(np.array([count], np.int64))
        names = [f"{self._prefix}value{len(self.nodes)}{part}" for part in ("", "columns")]
        self.nodes.append(helper.make_node("TopK", [value, k], names, name=names[0], axis=1))
        return names[0], names[1]

    def row_sums(self, value: str, width: int) -> str:
        """Return the sums `[B, 1]` of the rows of `[B, width]`."""
        return self.add("MatMul", value, self.constant(np.ones((width, 1), np.float32)))

    def unit_rows(self, value: str, width: int, output: str | None = None) -> str:
        """Divide the rows of `[B, width]` by their lengths; a row of zeros stays as it is."""
        total = self.row_sums(self.add("Mul", value, value), width)
        length = self.add("Max", self.add("Sqrt", total), self.constant(_TINY))
        return self.add("Div", value, length, output=output)

    def as_float32(self, value: str) -> str:
        """Convert a value of any type."""
        return self.add("Cast", value, to=TensorProto.FLOAT)
