"""Whether a dataset has a picture: the same content at the same place."""

from __future__ import annotations

import threading
from typing import Any

from tamis.dataset.columns import Column
from tamis.dataset.samples import Kind, Samples
from tamis.dataset.store import Store
from tamis.images.picture_record import sample_id
from tamis.services.add.known_objects import KnownObjects
from tamis.services.add.known_samples import KnownSamples
from tamis.sources.place import Places

__all__ = ["KnownPictures"]


class KnownPictures:
    """The pictures and frames of a dataset as it is now; 32 bytes a sample, thread-safe.

    A picture keeps its sample id when it is moved (`tamis relink`) or named by another spelling,
    so that the id alone does not tell: where the content is known, places are compared.

    Args:
        store: the dataset.

    Attributes:
        places: gives places their one spelling.
        objects: those that lie at stores.
    """

    def __init__(self, store: Store) -> None:
        store.refresh()
        self.places = Places()
        self._store: Store | None = store
        self._seen_at = (store.path, store.snapshot)
        self._ids = KnownSamples(
            batch.column("sample_id").to_pylist() for batch in store.batches(["sample_id"])
        )
        self._contents = KnownSamples(
            [content for content in batch.column("content_hash").to_pylist() if content]
            for batch in store.batches(["content_hash"])
        )
        self.objects = KnownObjects(store)
        self._moved: dict[str, str] | None = None
        self._lock = threading.Lock()

    def __getstate__(self) -> dict[str, Any]:
        """Return what another process needs; it opens the dataset only to look for moved ones."""
        state = self.__dict__ | {"_store": None}
        del state["_lock"]
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__ |= state
        self._lock = threading.Lock()

    def find(self, content: str, place: str) -> str | None:
        """Return the sample id of a content at a place; None if the dataset does not have it.

        Args:
            content: identifies what the picture shows, as `content_hash` in the dataset.
            place: from `places`.
        """
        name = sample_id(content, place)
        if name in self._ids:
            return name
        if content not in self._contents:
            return None
        with self._lock:
            if self._moved is None:
                self._moved = self._find_moved()
        return self._moved.get(name)

    def _find_moved(self) -> dict[str, str]:
        """Return the samples whose id is not that of their content and place, by what it would be.

        About 15 us a sample, spent only once a known content turns up at a place that is new.
        """
        moved: dict[str, str] = {}
        path, snapshot = self._seen_at
        store = self._store or Store.open(path, snapshot=snapshot)
        pictures = Samples(store).of(kind=Kind.WHOLE).having(Column.CONTENT_HASH)
        names = (Column.SAMPLE_ID, Column.CONTENT_HASH, Column.URI)
        for batch in store.batches(names, pictures.condition):
            for row in batch.to_pylist():
                if row["uri"] is not None:
                    name = sample_id(row["content_hash"], self.places.of(row["uri"]))
                    if name != row["sample_id"]:
                        moved[name] = row["sample_id"]
        return moved
