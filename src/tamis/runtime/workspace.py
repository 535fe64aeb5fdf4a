"""What every verb works on: a dataset, and the encoders that are loaded for it."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, TypeVar

from tamis.encoders.registry import SHORT_NAMES
from tamis.errors import UsageError
from tamis.runtime.encoder_pool import EncoderPool
from tamis.verbs.feedback import SILENT

if TYPE_CHECKING:
    from pathlib import Path

    from tamis.dataset.schema import VectorColumn
    from tamis.dataset.store import Store
    from tamis.verbs.feedback import Feedback
    from tamis.verbs.request import Request

__all__ = ["Workspace", "execute"]

R = TypeVar("R")


class Workspace:
    """A dataset with a pool of its encoders; each is loaded once.

    Args:
        store: the dataset.
    """

    def __init__(self, store: Store) -> None:
        self.store = store
        self.encoders = EncoderPool(store)

    @property
    def path(self) -> Path:
        """Where the dataset lies."""
        return self.store.path

    def vector_column(
        self, encoder: str | None = None, *, reads_text: bool = False
    ) -> VectorColumn:
        """Return the vector column that `encoder` (spec, short name, column or None) means.

        Raises:
            UsageError: no such vectors, or several and `encoder` does not say which.
        """
        del reads_text
        columns = self.store.vector_columns()
        if encoder is not None:
            meant = {encoder, SHORT_NAMES.get(encoder, encoder)}
            columns = [c for c in columns if meant & {c.name, c.spec, c.fingerprint}]
        if len(columns) == 1:
            return columns[0]
        have = ", ".join(f"{c.spec} ({c.name})" for c in self.store.vector_columns())
        if not have:
            raise UsageError("the dataset has no vectors yet; run  tamis embed  first")
        if columns:
            raise UsageError(f"several vector columns fit; name one of them: {have}")
        raise UsageError(f"no vectors of {encoder!r}; the dataset has: {have}")


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
    result: R = run(workspace, request, feedback)
    return result
