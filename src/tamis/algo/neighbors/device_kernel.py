"""A kernel on another device that the graph of neighbors may be computed by."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from tamis.types import Indices, Vectors

__all__ = ["DeviceKernel", "kernel_for", "offer_kernel"]


class DeviceKernel(Protocol):
    """Finds exact neighbors on a device beside the processor."""

    def takes(self, rows: int, dimensions: int) -> bool:
        """Return whether so many vectors fit, and are enough to be faster there."""

    def graph(self, X: Vectors, k: int) -> tuple[Indices, Vectors]:
        """Return row numbers and cosines `[N, k]` of the nearest other rows, best first, exactly.

        Which of equally near rows are named may differ from the processor's kernel.
        """


_offered: list[DeviceKernel] = []


def offer_kernel(kernel: DeviceKernel | None) -> None:
    """Let the graphs of this process be computed by a kernel where it takes them; None by none."""
    _offered[:] = [] if kernel is None else [kernel]


def kernel_for(rows: int, dimensions: int) -> DeviceKernel | None:
    """Return the kernel that was offered if it takes so many vectors."""
    return next((kernel for kernel in _offered if kernel.takes(rows, dimensions)), None)
