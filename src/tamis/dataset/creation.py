"""A dataset that is created for a verb, and removed again if the verb fails at once."""

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
    """Open or create a dataset; one created here is removed after an error if it is still empty."""
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
