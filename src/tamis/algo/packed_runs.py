"""Run lengths of bytes packed into bits, as Label Studio's brush writes masks.

Source: the package `rle-pack` of thi.ng/umbrella (Schmidt), whose format this is: 32 bits for the
count of values, 5 for the size of one less 1, four times 4 for sizes of lengths less 1. Then, until
all values are there, a bit that tells a run from single values, two for which size of length, the
length less 1, and one value or as many values. A mask is four equal bytes a pixel, row by row.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tamis.algo.run_lengths import Mask

__all__ = ["pack_mask", "unpack_mask"]

_SIZES = (3, 4, 8, 16)
_CHANNELS = 4
_ON = 255


def pack_mask(mask: Mask) -> list[int]:
    """Return the bytes of a mask, `[H, W]` bool.

    >>> pack_mask(np.array([[False, True]]))
    [0, 0, 0, 8, 57, 27, 252, 96, 17, 255, 128]
    """
    flat = mask.ravel()
    bounds = np.flatnonzero(np.diff(flat, prepend=~flat[:1], append=~flat[-1:]))
    bits = [f"{flat.size * _CHANNELS:032b}", f"{7:05b}", *(f"{size - 1:04b}" for size in _SIZES)]
    for start, end in zip(bounds[:-1].tolist(), bounds[1:].tolist(), strict=True):
        value = f"{_ON if flat[start] else 0:08b}"
        left = (end - start) * _CHANNELS
        while left:
            length = min(left, 1 << _SIZES[-1])
            which = next(at for at, size in enumerate(_SIZES) if length <= 1 << size)
            bits.append(f"1{which:02b}{length - 1:0{_SIZES[which]}b}{value}")
            left -= length
    text = "".join(bits)
    size = -(-len(text) // 8)
    return list(int(text.ljust(size * 8, "0"), 2).to_bytes(size, "big"))


def unpack_mask(packed: Sequence[int], width: int, height: int) -> Mask:
    """Return the mask, `[H, W]` bool, of packed bytes; a pixel counts if its last byte is not 0.

    Raises:
        ValueError: they are no such bytes, or of a picture of another size.
    """
    bits = _Bits(packed)
    count = bits.take(32)
    if count != width * height * _CHANNELS:
        raise ValueError(f"its brush has {count} values, not 4 for each of {width} x {height}")
    word = bits.take(5) + 1
    sizes = [bits.take(4) + 1 for _ in range(4)]
    values = np.zeros(count, bool)
    at = 0
    while at < count:
        is_run = bits.take(1)
        end = at + 1 + bits.take(sizes[bits.take(2)])
        if end > count:
            raise ValueError("its brush runs beyond the picture")
        if is_run:
            values[at:end] = bits.take(word) > 0
        else:
            values[at:end] = [bits.take(word) > 0 for _ in range(end - at)]
        at = end
    return values[_CHANNELS - 1 :: _CHANNELS].reshape(height, width)


class _Bits:
    """Bits of bytes, from the highest of the first."""

    def __init__(self, packed: Sequence[int]) -> None:
        try:
            self._bytes = bytes(packed)
        except (TypeError, ValueError):
            raise ValueError("its brush is no list of bytes") from None
        self._at = 0

    def take(self, count: int) -> int:
        """Return the number that the next bits are."""
        first, self._at = self._at, self._at + count
        last = -(-self._at // 8)
        if last > len(self._bytes):
            raise ValueError("its brush breaks off")
        number = int.from_bytes(self._bytes[first // 8 : last], "big")
        return (number >> (last * 8 - self._at)) & ((1 << count) - 1)
