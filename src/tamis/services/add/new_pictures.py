"""Pictures from outside in a dataset of their own, for as long as they are looked at."""

from __future__ import annotations

import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from tamis.dataset.store import Store
from tamis.runtime.workspace import Workspace, execute

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tamis.runtime.encoder_pool import EncoderPool
    from tamis.services.add.contract import Add, AddReport
    from tamis.verbs.feedback import Feedback

__all__ = ["new_pictures"]


@contextmanager
def new_pictures(
    request: Add, encoders: EncoderPool, feedback: Feedback
) -> Iterator[tuple[Workspace, AddReport]]:
    """Add pictures to a dataset in a temporary folder, which goes when the context ends.

    So archives, videos and damaged files are treated as `add` treats them.

    Args:
        request: what to add.
        encoders: loads encoders there.
        feedback: told how far it has come.

    Raises:
        TamisError: as `add`.
    """
    with tempfile.TemporaryDirectory(prefix="tamis-") as folder:
        place = Workspace(Store.create(Path(folder) / "batch.tamis"))
        place.encoders = encoders
        yield place, execute(place, request, feedback)
