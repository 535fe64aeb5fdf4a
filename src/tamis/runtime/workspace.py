"""What every verb works on: a dataset, and the encoders that are loaded for it."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, TypeVar

from tamis.dataset.samples import Samples
from tamis.runtime.device_offer import offer_device
from tamis.runtime.encoder_pool import EncoderPool
from tamis.verbs.feedback import SILENT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tamis.dataset.schema import VectorColumn
    from tamis.dataset.store import Store
    from tamis.verbs.feedback import Feedback
    from tamis.verbs.request import Request

__all__ = ["Workspace", "execute"]

R = TypeVar("R")


class Workspace:
    """A dataset with a pool of its encoders; each is loaded once.

    Attributes:
        store: the dataset.
        samples: its columns, rows and vectors, as services ask for them.
        encoders: the pool.
    """

    def __init__(self, store: Store) -> None:
        self.store = store
        self.samples = Samples(store)
        self.encoders = EncoderPool(store)
        offer_device()

    @property
    def path(self) -> Path:
        """Where the dataset lies."""
        return self.store.path

    def vector_column(
        self, encoder: str | None = None, *, reads_text: bool = False
    ) -> VectorColumn:
        """Return the vectors that `encoder` means; see `tamis.dataset.samples.Samples`.

        Raises:
            UsageError: there are no such vectors.
        """
        return self.samples.vector_column(encoder, reads_text=reads_text)


def _named(request: Request[Any]) -> Iterator[str]:
    """Yield the texts of a request, of which some may name encoders."""
    for value in request.values().values():
        for text in value if isinstance(value, list) else [value]:
            if isinstance(text, str) and ":" in text:
                yield text


def execute(workspace: Workspace | None, request: Request[R], feedback: Feedback = SILENT) -> R:
    """Do what a request asks for, and return its result.

    Args:
        workspace: the dataset; None for verbs that need none.
        request: what is asked.
        feedback: told how far the work has come.

    Raises:
        TamisError: the request cannot be met.
    """
    module, _, name = request.where_to_run.partition(":")
    run: Any = getattr(import_module(module), name)
    before = None if workspace is None else workspace.store.snapshot
    if workspace is not None:
        for spec in _named(request):
            workspace.encoders.trust(spec)
    result: R = run(workspace, request, feedback)
    if workspace is not None and request.writes and workspace.store.snapshot == before:
        # so that an undo can say that it takes back something older
        workspace.store.note_unchanged(request.verb)
    return result
