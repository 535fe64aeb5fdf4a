"""The samples that have a vector, in an order that does not depend on how they came in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tamis.dataset.parts import whole_pictures
from tamis.dataset.schema import vector_field
from tamis.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from tamis.dataset.store import Store
    from tamis.types import Vectors

__all__ = ["EmbeddedSamples", "column_of_encoder", "iterate_embedded", "read_embedded"]


@dataclass(frozen=True)
class EmbeddedSamples:
    """Samples and their vectors, ordered by sample id.

    Attributes:
        column: the vector column.
        ids: `[N]` sample ids, ascending.
        vectors: `[N, D]` float32 unit vectors.
    """

    column: str
    ids: list[str]
    vectors: Vectors

    def taken(self, inside: NDArray[np.bool_]) -> EmbeddedSamples:
        """Return those that `inside` `[N]` says, in the same order."""
        ids = [name for name, there in zip(self.ids, inside.tolist(), strict=True) if there]
        return EmbeddedSamples(self.column, ids, self.vectors[inside])


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


def read_embedded(
    store: Store, column: str | None = None, where: str | None = None
) -> EmbeddedSamples:
    """Read the vectors of the samples that have one. O(ND) time, twice 4 N D bytes for a moment.

    Args:
        store: the dataset.
        column: a vector column; if None the one with the most vectors, the newest of equals.
        where: an SQL condition that samples have to meet; parts of pictures are left out unless
            it names `kind`.

    Raises:
        UsageError: there is no vector column, `column` is none, or `where` is no condition.
    """
    if column is None:
        known = [vectors.name for vectors in store.vector_columns()]
        if not known:
            raise UsageError("the pictures have no vectors yet: run  tamis embed  first")
        filled = [store.count(f"{name} IS NOT NULL") for name in known]
        column = max(zip(filled, range(len(known)), known, strict=True))[2]
    ids, vectors = store.vectors(column, whole_pictures(store.columns(), where))
    order = np.argsort(np.asarray(ids, dtype=np.str_), kind="stable")
    return EmbeddedSamples(column, [ids[i] for i in order], vectors[order])


def iterate_embedded(
    store: Store, column: str, where: str | None = None
) -> Iterator[tuple[list[str], Vectors]]:
    """Yield the samples that have a vector, and their vectors, piece by piece in dataset order.

    Memory for one piece only, of at most 4,096 samples: ids and `[B, D]` float32.

    Args:
        store: the dataset, whose snapshot at the time of the call is read to the end.
        column: a vector column.
        where: an SQL condition that samples have to meet; parts of pictures are left out unless
            it names `kind`.

    Raises:
        UsageError: there is no such column, or `where` is no condition.
    """
    condition = whole_pictures(store.columns(), where)
    for batch in store.batches(["sample_id", column], condition):
        filled = batch.filter(batch.column(column).is_valid())
        ids = filled.column("sample_id").to_pylist()
        if ids:
            flat = np.asarray(filled.column(column).flatten().to_numpy(), np.float32)
            yield ids, flat.reshape(len(ids), -1)
