"""Which objects of stores a dataset holds, in which state, and up to which key."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import numpy as np

from tamis.dataset.columns import Column
from tamis.dataset.samples import Kind, Samples
from tamis.sources.objects.address import ObjectAddress

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from tamis.dataset.store import Store

__all__ = ["KnownObjects", "last_key"]


class KnownObjects:
    """The objects of a dataset by address and state; 32 bytes each, asked in O(log N).

    So that adding a place again asks for its list, and reads what is new alone.

    Args:
        store: the dataset.
    """

    def __init__(self, store: Store) -> None:
        rows = list(_told(store))
        digests = _halves([digest for digest, _ in rows])
        order = np.argsort(digests[:, 0], kind="stable")
        self._digests = digests[order]
        self._ids = _halves([bytes.fromhex(name) for _, name in rows])[order]

    def find(self, uri: str, state: str) -> str | None:
        """Return the sample id of an object in a state; None if the dataset lacks it."""
        high, low = _halves([_digest(uri, state)])[0]
        first = int(np.searchsorted(self._digests[:, 0], high, side="left"))
        last = int(np.searchsorted(self._digests[:, 0], high, side="right"))
        for row in range(first, last):
            if self._digests[row, 1] == low:
                return str(self._ids[row].astype(">u8").tobytes().hex())
        return None


def _told(store: Store) -> Iterator[tuple[bytes, str]]:
    samples = Samples(store)
    if not samples.has(Column.OBJECT_STATE):
        return
    names = (Column.SAMPLE_ID, Column.URI, Column.OBJECT_STATE)
    there = samples.of(kind=Kind.WHOLE).having(Column.OBJECT_STATE)
    for batch in store.batches(names, there.condition):
        for name, uri, state in zip(*(column.to_pylist() for column in batch), strict=True):
            yield _digest(uri, state), name


def last_key(store: Store, folder: ObjectAddress) -> str | None:
    """Return the key that sorts last, as stores sort, of those that a dataset has below a folder.

    Args:
        store: the dataset.
        folder: its key ends with `/` or is empty.

    Returns:
        None where it has none. Reads the addresses of all samples at stores.
    """
    samples = Samples(store)
    if not samples.has(Column.OBJECT_STATE):
        return None
    there = samples.of(kind=Kind.WHOLE).having(Column.OBJECT_STATE)
    keys = (
        told.key
        for batch in store.batches([Column.URI], there.condition)
        for told in map(ObjectAddress.parse, batch.column(0).to_pylist())
        if told.root == folder.root and told.key.startswith(folder.key)
    )
    return max(keys, default=None)


def _digest(uri: str, state: str) -> bytes:
    return hashlib.blake2b(f"{state}\n{uri}".encode(), digest_size=16).digest()


def _halves(sixteens: list[bytes]) -> NDArray[np.uint64]:
    """Turn texts of 16 bytes into `[N, 2]` uint64."""
    return np.frombuffer(b"".join(sixteens), dtype=">u8").astype(np.uint64).reshape(-1, 2)
