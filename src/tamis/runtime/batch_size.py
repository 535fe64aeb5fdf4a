"""How many pictures an encoder takes at a time."""

from __future__ import annotations

import time
from threading import Lock
from typing import TYPE_CHECKING, Final

import numpy as np

from tamis.errors import OutOfMemoryError, free_frames

if TYPE_CHECKING:
    from collections.abc import Callable

    from tamis.encoders.base import Encoder
    from tamis.types import PixelBatch, Vectors

__all__ = ["BatchSize", "find_batch_size"]

_PROCESSOR_BATCH: Final = 8
_PROCESSOR_PIXELS: Final = _PROCESSOR_BATCH * 384 * 384
_LARGEST_TRIAL: Final = 256
_WORTHWHILE_GAIN: Final = 1.05


def find_batch_size(encoder: Encoder, *, clock: Callable[[], float] = time.perf_counter) -> int:
    """Return the batch size for an encoder.

    On a processor, 8 or the encoder's `processor_batch`, less for inputs above 384 x 384 pixels:
    larger batches are no faster there (the products are large enough), and a size that is not timed
    repeats bit for bit. On another device it is found by trial: doubled as long as that brings 5 %
    more pictures a second and memory lasts.

    Args:
        encoder: what is to take the pictures.
        clock: returns seconds; trials are timed by it.
    """
    device = str(getattr(encoder, "device", "cpu"))
    pixels = encoder.preprocessing.height * encoder.preprocessing.width
    if device == "cpu":
        most = int(getattr(encoder, "processor_batch", _PROCESSOR_BATCH))
        return max(1, min(most, _PROCESSOR_PIXELS // pixels))
    return _by_trial(encoder, clock)


def _by_trial(encoder: Encoder, clock: Callable[[], float]) -> int:
    shape = (encoder.preprocessing.height, encoder.preprocessing.width, 3)
    best, best_speed = 1, 0.0
    size = 1
    while size <= _LARGEST_TRIAL:
        pixels = np.zeros((size, *shape), np.uint8)
        try:
            encoder.embed(pixels)  # a first call of a shape also compiles
            begin = clock()
            encoder.embed(pixels)
        except OutOfMemoryError as error:
            free_frames(error)
            break
        speed = size / (clock() - begin)
        if speed < _WORTHWHILE_GAIN * best_speed:
            break
        best, best_speed = size, speed
        size *= 2
    return best


class BatchSize:
    """The batch size of one run, which halves when memory does not last, and stays so.

    Several threads may use it at once.

    Args:
        size: pictures a call of the encoder, at most.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._change = Lock()

    def __reduce__(self) -> tuple[type[BatchSize], tuple[int]]:
        return BatchSize, (self._size,)

    @property
    def size(self) -> int:
        """Pictures a call, at most."""
        return self._size

    def embed(self, encoder: Encoder, pixels: PixelBatch) -> Vectors:
        """Return the vectors `[B, D]` of a batch, in as many parts as memory asks for.

        Raises:
            OutOfMemoryError: not even one picture fits.
        """
        parts: list[Vectors] = []
        start = 0
        while start < len(pixels):
            part = pixels[start : start + self._size]
            try:
                parts.append(encoder.embed(part))
            except OutOfMemoryError as error:
                if len(part) == 1:
                    raise
                free_frames(error)
                self._shrink(len(part))
                continue
            start += len(part)
        return parts[0] if len(parts) == 1 else np.concatenate(parts)

    def _shrink(self, failed: int) -> None:
        with self._change:
            self._size = min(self._size, failed // 2)
