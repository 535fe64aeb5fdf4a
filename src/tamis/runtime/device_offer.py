"""Whether a device can compute graphs of neighbors; what they take is loaded only where one can."""

from __future__ import annotations

from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Final

__all__ = ["offer_device"]

_DRIVER: Final = Path("/dev/nvidiactl")


@cache
def offer_device() -> bool:
    """Offer the first CUDA device for graphs of neighbors, if there is one and PyTorch is here.

    PyTorch is loaded only once a graph is large enough.
    """
    if not _DRIVER.exists() or find_spec("torch") is None:
        return False
    from tamis.algo.neighbors.device_kernel import offer_kernel
    from tamis.runtime.device_neighbors import TorchKernel

    offer_kernel(TorchKernel("cuda"))
    return True
