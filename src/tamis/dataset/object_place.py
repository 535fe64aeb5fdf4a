"""A place at an object store: small files by key, and which writes of them win."""

from __future__ import annotations

import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Final

from tamis.errors import StorageError
from tamis.sources.objects.client import (
    MissingObjectError,
    ObjectError,
    client_of,
    list_objects,
    object_errors,
    object_state,
    read_object,
)

if TYPE_CHECKING:
    from tamis.sources.objects.address import ObjectAddress

__all__ = ["ObjectPlace", "require_conditional_puts"]

_LARGEST: Final = 1 << 40
_AT_ONCE: Final = 4


class ObjectPlace:
    """Objects below one address, each written whole or not at all.

    Several processes and machines may use one place at once. Whatever the store refuses raises
    `tamis.sources.objects.client.ObjectError`.

    Args:
        address: of the place.
    """

    def __init__(self, address: ObjectAddress) -> None:
        self._address = address.at(f"{address.key.rstrip('/')}/".lstrip("/"))

    @property
    def place(self) -> str:
        """Where it is, to be shown."""
        return str(self._address)

    def within(self, folder: str) -> ObjectPlace:
        """Return the place below, whose keys are those that begin with the folder's name."""
        return ObjectPlace(self._at(folder))

    def read(self, key: str) -> bytes:
        """Return what a key holds.

        Raises:
            MissingObjectError: it holds nothing.
        """
        return read_object(self._at(key), _LARGEST)

    def exists(self, key: str) -> bool:
        """Tell whether a key holds something."""
        try:
            object_state(self._at(key))
        except MissingObjectError:
            return False
        return True

    def names(self, after: str | None = None) -> list[str]:
        """Return the keys right here or below, ascending, only those behind `after` if given."""
        start = None if after is None else self._at(after).key
        found = list_objects(self._address, after=start)
        return sorted(one.key.removeprefix(self._address.key) for one in found)

    def put(self, key: str, data: bytes) -> None:
        """Let a key hold `data`, whatever it held."""
        self._put(key, data, "overwrite")

    def put_if_absent(self, key: str, data: bytes) -> bool:
        """Let a key that holds nothing hold `data`; of several who try, one is told True.

        An answer that was lost is told from a refusal by what the key holds, so that data should
        hold something that only this writer writes.
        """
        try:
            self._put(key, data, "create")
        except ObjectError:
            try:
                return self.read(key) == data
            except MissingObjectError:
                pass
            raise
        return True

    def remove(self, key: str) -> None:
        """Let a key hold nothing."""
        client, obstore = self._client()
        with object_errors():
            obstore.delete(client, self._at(key).key)

    def _put(self, key: str, data: bytes, mode: str) -> None:
        client, obstore = self._client()
        with object_errors():
            # in one request: the parts of a larger one would have no condition
            obstore.put(client, self._at(key).key, data, mode=mode, use_multipart=False)

    def _client(self) -> tuple[Any, Any]:
        client = client_of(self._address.root)
        import obstore

        return client, obstore

    def _at(self, key: str) -> ObjectAddress:
        return self._address.at(f"{self._address.key}{key}")


def require_conditional_puts(place: ObjectPlace) -> None:
    """Make sure that of two writers of one key one is refused, which all else rests on.

    Writes a key of its own twice in a row and by four writers at once, and removes it.

    Raises:
        StorageError: both were told that they won, or what was there first was lost.
        ObjectError: the store refuses.
    """
    key = f"probe-{uuid.uuid4().hex}"
    try:
        _probe(place, key)
    finally:
        for part in (key, f"{key}-at-once"):
            place.remove(part)


def _probe(place: ObjectPlace, key: str) -> None:
    first = place.put_if_absent(key, b"first")
    second = place.put_if_absent(key, b"second")
    kept = place.read(key) == b"first"
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        writers = [f"writer {number}".encode() for number in range(_AT_ONCE)]
        told = list(pool.map(lambda data: place.put_if_absent(f"{key}-at-once", data), writers))
    winner = place.read(f"{key}-at-once")
    if (
        not first
        or second
        or not kept
        or [writers[n] for n in range(_AT_ONCE) if told[n]] != [winner]
    ):
        raise StorageError(
            f"{place.place} lets two writers of one key both win (it does not heed the condition "
            "If-None-Match), so that one would overwrite the other unseen; keep the dataset at "
            "another store, or at a newer version of this one"
        )
