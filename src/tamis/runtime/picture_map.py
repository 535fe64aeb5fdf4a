"""The map that a dataset keeps of its pictures, and where pictures that came later belong on it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from tamis.dataset.log_reading import told
from tamis.dataset.map_columns import map_columns
from tamis.dataset.operations import MapMade
from tamis.dataset.samples import Kind

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tamis.dataset.samples import Samples
    from tamis.dataset.schema import VectorColumn
    from tamis.types import Vectors

__all__ = ["REFERENCE", "evenly", "later_places", "map_of", "reference_of", "vectors_of"]

REFERENCE: Final = 20_000
"""Pictures of a map by which later ones are placed: as many as a page's server can hold."""


def map_of(samples: Samples, column: VectorColumn) -> MapMade | None:
    """Return what the log says of the map of some vectors; None without one.

    Raises:
        DatasetError: the log lacks what every version has written.
    """
    if not samples.has(map_columns(column)[0]):
        return None
    found = None
    for entry in samples.store.log():
        stands = entry.state == "done" and entry.snapshot <= samples.store.snapshot
        made = told(entry, MapMade) if stands else None
        if made is not None and made.column == column.name:
            found = made
    return found


def evenly(ids: Sequence[str], most: int) -> list[str]:
    """Return at most `most` ids at even steps; sample ids are hashes, so they are drawn fairly.

    >>> evenly(["a", "b", "c", "d"], 2)
    ['a', 'c']
    """
    step = max(len(ids) / most, 1.0)
    return [ids[int(at * step)] for at in range(min(len(ids), most))]


def vectors_of(samples: Samples, column: VectorColumn, ids: Sequence[str]) -> Vectors:
    """Return the vectors `[N, D]` of some samples, in their order; each has one."""
    rows = samples.rows([column.name], list(ids)).column(0).combine_chunks()
    flat = np.asarray(rows.flatten().to_numpy(zero_copy_only=False), np.float32)
    return flat.reshape(-1, column.dim)


def reference_of(samples: Samples, column: VectorColumn) -> tuple[Vectors, Vectors]:
    """Return vectors `[N, D]` and places `[N, 2]` of at most 20,000 pictures on the map."""
    across, up = map_columns(column)
    chosen = evenly(samples.of().having(across).having(column.name).ids, REFERENCE)
    rows = samples.rows([across, up], chosen)
    places = np.stack([np.asarray(rows.column(name), np.float32) for name in (across, up)], axis=1)
    return vectors_of(samples, column, chosen), places


def later_places(
    samples: Samples,
    column: VectorColumn,
    known: tuple[Vectors, Vectors] | None = None,
    *,
    seed: int = 0,
) -> Iterator[tuple[list[str], Vectors, Vectors]]:
    """Yield pictures and parts that have a vector and no place yet, piece by piece.

    Nothing is stored. The same dataset gives the same places, whoever asks.

    Args:
        samples: the dataset.
        column: the vectors.
        known: vectors and places to go by; if None those of `reference_of`.
        seed: trains the cells of very many known pictures.

    Yields:
        Sample ids, their vectors `[B, D]`, and where they belong `[B, 2]`.
    """
    everything = samples.of(kind=Kind.ALL).having(column.name)
    lacking = everything.lacking(map_columns(column)[0])
    count = lacking.count()
    if not count:
        return
    # neighbors take 40 MB of libraries, which a page needs only once pictures came later
    from tamis.algo.projection import Placement

    placement = Placement(
        *(known or reference_of(samples, column)),
        expected=count,
        rng=np.random.default_rng(seed),
    )
    for ids, vectors in lacking.vector_batches(column):
        yield ids, vectors, placement.of(vectors)
