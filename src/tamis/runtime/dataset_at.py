"""Opening a dataset where it lies: on a disk, or at an object store to be read."""

from __future__ import annotations

import hashlib
import os
import shutil
from typing import TYPE_CHECKING

from tamis.dataset.copies import Copy
from tamis.dataset.copying import pull_dataset
from tamis.dataset.layout import address_at_store
from tamis.dataset.store import Store
from tamis.encoders.cache import cache_folder
from tamis.errors import ConflictError
from tamis.sources.objects.address import ObjectAddress

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["open_dataset"]


def open_dataset(path: Path, *, create: bool = False, snapshot: int | str | None = None) -> Store:
    """Open a dataset on a disk, or read one that was pushed to an object store.

    Of the latter a copy is kept in the cache, which is brought up to what was pushed since: only
    what is new is fetched. It cannot be changed.

    Args:
        path: its folder, or its address as a path.
        create: make it first if nothing lies there; not at a store.
        snapshot: the state to see, by number or tag; None is the newest.

    Raises:
        DatasetMissingError: no dataset lies there.
        StorageError: the disk or the store refuses.
        MissingExtraError: it lies at a store and obstore is not installed.
    """
    address = address_at_store(path)
    if address is None:
        return Store.open(path, create=create, snapshot=snapshot)
    return Store.open(_fetched(address), snapshot=snapshot, copy_of=address)


def _fetched(address: str) -> Path:
    copy = Copy(ObjectAddress.parse(address))
    # servers of one's own may hold the same address
    place = f"{os.environ.get('AWS_ENDPOINT_URL', '')} {address.rstrip('/')}"
    here = cache_folder() / "datasets" / hashlib.sha256(place.encode()).hexdigest()[:24]
    try:
        pull_dataset(copy, here)
    except ConflictError:
        # another dataset was pushed there after this one had been removed
        shutil.rmtree(here)
        pull_dataset(copy, here)
    return here
