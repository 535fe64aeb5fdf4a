"""What every part of the Python face rests on: the store, and which vectors are meant."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tamis.runtime.workspace import Workspace

if TYPE_CHECKING:
    from tamis.dataset.samples import Samples
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

    @property
    def samples(self) -> Samples:
        """The dataset's columns, rows and vectors, as services ask for them."""
        return self.workspace.samples

    def vector_column(self, encoder: str | None = None, *, reads_text: bool = False) -> str:
        """Return the vector column that `encoder` (spec, short name, column or None) means.

        See `tamis.dataset.samples.Samples.vector_column` for the one rule.

        Raises:
            UsageError: no such vectors.
        """
        return self.samples.vector_column(encoder, reads_text=reads_text).name
