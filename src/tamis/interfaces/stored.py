"""What every part of the Python face rests on: the store, and which vectors are meant."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tamis.errors import UsageError
from tamis.runtime.workspace import Workspace

if TYPE_CHECKING:
    from tamis.dataset.store import Store
    from tamis.runtime.encoder_pool import EncoderPool

__all__ = ["Stored"]


class Stored:
    """A dataset on disk, without verbs; the parts of `tamis.Dataset` build on it.

    Args:
        store: the dataset.
    """

    def __init__(self, store: Store) -> None:
        self.store = store
        self.workspace = Workspace(store)

    @property
    def encoders(self) -> EncoderPool:
        """The encoders that this dataset was asked with so far, each loaded once."""
        return self.workspace.encoders

    def vector_column(self, encoder: str | None = None) -> str:
        """Return the vector column that `encoder` (spec, short name, column or None) means.

        Raises:
            UsageError: no such vectors, or several and `encoder` does not say which.
        """
        from tamis.encoders.registry import SHORT_NAMES

        columns = self.store.vector_columns()
        if encoder is not None:
            meant = {encoder, SHORT_NAMES.get(encoder, encoder)}
            columns = [c for c in columns if meant & {c.name, c.spec, c.fingerprint}]
        if len(columns) == 1:
            return columns[0].name
        have = ", ".join(f"{c.spec} ({c.name})" for c in self.store.vector_columns())
        if not have:
            raise UsageError("the dataset has no vectors yet; run  tamis embed  first")
        if columns:
            raise UsageError(f"several vector columns fit; name one of them: {have}")
        raise UsageError(f"no vectors of {encoder!r}; the dataset has: {have}")
