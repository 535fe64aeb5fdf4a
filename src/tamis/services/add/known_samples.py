"""Which samples a dataset has, in little memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

__all__ = ["KnownSamples"]

_DIGITS = 16  # of hexadecimal in one of an id's two 64-bit halves


class KnownSamples:
    """The sample ids of a dataset; 16 bytes a sample, each asked in O(log N).

    Args:
        ids: 32 hexadecimal digits each, in pieces.

    >>> known = KnownSamples([["00" * 16, "ff" * 16]])
    >>> "ff" * 16 in known, "0f" * 16 in known
    (True, False)
    """

    def __init__(self, ids: Iterable[Sequence[str]]) -> None:
        pieces = [_halves(piece) for piece in ids]
        halves = np.concatenate(pieces) if pieces else np.empty((0, 2), np.uint64)
        halves = halves[np.argsort(halves[:, 0], kind="stable")]
        self._high = np.ascontiguousarray(halves[:, 0])
        self._low = np.ascontiguousarray(halves[:, 1])

    def __len__(self) -> int:
        return len(self._high)

    def __contains__(self, sample_id: str) -> bool:
        high, low = np.uint64(int(sample_id[:_DIGITS], 16)), int(sample_id[_DIGITS:], 16)
        first = np.searchsorted(self._high, high, side="left")
        last = np.searchsorted(self._high, high, side="right")
        return bool((self._low[first:last] == np.uint64(low)).any())


def _halves(ids: Sequence[str]) -> NDArray[np.uint64]:
    """Turn ids into `[N, 2]` uint64, in the machine's byte order."""
    big_endian = np.frombuffer(bytes.fromhex("".join(ids)), dtype=">u8")
    return big_endian.astype(np.uint64).reshape(-1, 2)
