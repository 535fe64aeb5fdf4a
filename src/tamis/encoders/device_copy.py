"""Copies of pictures to a device, made while the device computes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import torch

if TYPE_CHECKING:
    from tamis.types import PixelBatch

__all__ = ["DeviceCopy", "OnDevice"]


class OnDevice(NamedTuple):
    """Pictures `[B, H, W, 3]` uint8 on a device, there once `copied` has happened."""

    pixels: torch.Tensor
    copied: Any = None

    def ready(self) -> torch.Tensor:
        """Return the pictures; what is computed of them next waits for the copy."""
        if self.copied is not None:
            stream = torch.cuda.current_stream(self.pixels.device)
            stream.wait_event(self.copied)
            # or the memory could be given to the next copy while it is still read
            self.pixels.record_stream(stream)
        return self.pixels


class DeviceCopy:
    """Copies to one device; several threads may copy at once.

    To a CUDA device, copies are made from pinned memory on a stream of their own, so that they
    neither wait for what is being computed nor hold it up.

    Args:
        device: where to.
    """

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._stream: Any = torch.cuda.Stream(device) if device.type == "cuda" else None

    def __call__(self, pixels: PixelBatch) -> OnDevice:
        """Begin to copy, and return what will be there."""
        # PyTorch warns about read-only arrays, which Pillow returns
        host = torch.from_numpy(pixels if pixels.flags.writeable else pixels.copy())
        if self._stream is None:
            return OnDevice(host.to(self._device))
        with torch.cuda.stream(self._stream):
            there = host.pin_memory().to(self._device, non_blocking=True)
            return OnDevice(there, self._stream.record_event())
