"""A dataset that is made for a verb that fills it, and goes again if the verb fails at once."""

from __future__ import annotations

import shutil
from contextlib import contextmanager
from typing import TYPE_CHECKING

from tamis.dataset.store import Store

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["dataset_to_fill"]


@contextmanager
def dataset_to_fill(path: Path) -> Iterator[Store]:
    """Open or create a dataset; after an error one that was created and never written to goes."""
    folders = [folder for folder in (path, *path.parents) if not folder.exists()]
    store = Store.open(path, create=True)
    try:
        yield store
    except BaseException:
        if path in folders and len(store.log()) == 1:
            shutil.rmtree(path)
            for folder in folders[1:]:
                folder.rmdir()
        raise
