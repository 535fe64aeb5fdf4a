"""Which of new annotations a table lacks, told by numbers of their ids."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pyarrow as pa
    from numpy.typing import NDArray

__all__ = ["fresh_rows"]

_DIGITS: Final = 32
_NO_DIGIT: Final = 255
_VALUES: Final = np.full(256, _NO_DIGIT, np.uint8)
for _number, _digit in enumerate(b"0123456789abcdef"):
    _VALUES[_digit] = _number


def fresh_rows(new: Iterable[pa.Array], stored: Iterable[pa.Array]) -> NDArray[np.bool_]:
    """Tell which of new ids are not stored, each counted once.

    Sixteen bytes an id are kept, and some more while they are sorted. O(N log N).

    Args:
        new: ids, some at a time.
        stored: ids, likewise.

    Returns:
        `[N]` whether each is fresh.
    """
    first, second = _numbers(new)
    fresh = np.zeros(len(first), bool)
    if not len(first):
        return fresh
    order = np.lexsort((np.arange(len(first)), second, first))
    high, low = first[order], second[order]
    begins = np.ones(len(order), bool)
    begins[1:] = (high[1:] != high[:-1]) | (low[1:] != low[:-1])
    fresh[order[begins]] = True
    high, low, rows = high[begins], low[begins], order[begins]
    for ids in stored:
        there, rest = _numbers([ids])
        at = np.minimum(np.searchsorted(high, there), len(high) - 1)
        met = (high[at] == there) & (low[at] == rest)
        fresh[rows[at[met]]] = False
    return fresh


def _numbers(some: Iterable[pa.Array]) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
    """Return two numbers an id: what 32 hexadecimal digits say, else the halves of a hash."""
    parts = [_of(ids) for ids in some if len(ids)]
    both = np.concatenate(parts) if parts else np.empty((0, 2), np.uint64)
    return np.ascontiguousarray(both[:, 0]), np.ascontiguousarray(both[:, 1])


def _of(ids: pa.Array) -> NDArray[np.uint64]:
    offsets = np.frombuffer(ids.buffers()[1], np.int32)[ids.offset : ids.offset + len(ids) + 1]
    start, end = int(offsets[0]), int(offsets[-1])
    if end - start == _DIGITS * len(ids) and (np.diff(offsets) == _DIGITS).all():
        text = np.frombuffer(ids.buffers()[2], np.uint8)[start:end].reshape(-1, _DIGITS)
        digits = _VALUES[text]
        if digits.max() < _NO_DIGIT:
            return (digits[:, ::2] << 4 | digits[:, 1::2]).view(np.uint64)
    return np.array([_one(name) for name in ids.to_pylist()], np.uint64)


def _one(name: str) -> NDArray[np.uint64]:
    try:
        number = bytes.fromhex(name) if name.lower() == name and " " not in name else b""
    except ValueError:
        number = b""
    if len(number) != _DIGITS // 2:
        number = hashlib.blake2b(name.encode(), digest_size=_DIGITS // 2).digest()
    return np.frombuffer(number, np.uint64)
