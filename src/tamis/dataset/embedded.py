"""The samples that have a vector, in an order that does not depend on how they came in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tamis.dataset.schema import vector_field

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from tamis.dataset.store import Store
    from tamis.types import Indices, Vectors

__all__ = ["EmbeddedSamples", "column_of_encoder"]


@dataclass(frozen=True)
class EmbeddedSamples:
    """Samples and their vectors, ordered by sample id unless they were reordered.

    Attributes:
        column: the vector column.
        ids: `[N]` sample ids.
        vectors: `[N, D]` float32 unit vectors.
    """

    column: str
    ids: list[str]
    vectors: Vectors

    def taken(self, inside: NDArray[np.bool_]) -> EmbeddedSamples:
        """Return those that `inside` `[N]` says, in the same order."""
        ids = [name for name, there in zip(self.ids, inside.tolist(), strict=True) if there]
        return EmbeddedSamples(self.column, ids, self.vectors[inside])

    def ordered(self, order: Indices) -> EmbeddedSamples:
        """Return the same in another order: `[N]` places."""
        ids = [self.ids[at] for at in order.tolist()]
        return EmbeddedSamples(self.column, ids, self.vectors[order])


def column_of_encoder(store: Store, spec: str, fingerprint: str, dim: int) -> tuple[str, str]:
    """Return the vector column of an encoder and its type, float32 if there is none yet.

    Args:
        store: the dataset.
        spec: the encoder, as the user named it.
        fingerprint: hash of all that changes a vector.
        dim: length of each vector.
    """
    usual = "float32"
    name = str(vector_field(spec, fingerprint, dim, usual).name)
    dtypes = {column.name: column.dtype for column in store.vector_columns()}
    return name, dtypes.get(name, usual)
