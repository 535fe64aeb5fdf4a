"""Whether what a dataset holds agrees with itself: keys, vectors, annotations, index and log."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Final, Literal

import numpy as np

from tamis.dataset.storage_errors import storage_guard
from tamis.errors import TamisError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tamis.dataset.snapshots import Snapshot
    from tamis.dataset.store import Store

__all__ = ["Disagreement", "find_disagreements", "log_breaks"]

_TOLERANCE: Final = {"float32": 1e-3, "float16": 1e-2}
_NAMED: Final = 3


@dataclass(frozen=True)
class Disagreement:
    """Something in a dataset that contradicts the rest.

    Attributes:
        part: which part of the dataset, such as a column.
        reason: one sentence.
        kind: what is wrong: `vectors` (not finite, or not of length 1), `keys` (two rows of one
            sample), `annotations` (of samples that are not there, or twice) or `index` (it cannot
            be used).
        ids: samples that are meant, or the annotations.
    """

    part: str
    reason: str
    kind: Literal["vectors", "keys", "annotations", "index"]
    ids: tuple[str, ...] = ()


def find_disagreements(store: Store) -> list[Disagreement]:
    """Return what contradicts itself in the state that a store sees.

    Reads all vectors, a column at a time in pieces, and all keys. Memory: the ids, 150 bytes a row.

    Raises:
        StorageError: something cannot be read.
    """
    with storage_guard(store.path, "read"):
        keys = Counter(
            name
            for batch in store.batches(["sample_id"])
            for name in batch.column("sample_id").to_pylist()
        )
        found = [*_keys(keys), *_annotations(store, keys), *_indexes(store)]
        for column in store.vector_columns():
            found += _vectors(store, column.name, column.dim, _TOLERANCE[column.dtype])
    return found


def _keys(keys: Counter[str]) -> Iterator[Disagreement]:
    twice = sorted(name for name, count in keys.items() if count > 1)
    if twice:
        reason = f"{len(twice)} samples are there more than once, {_such_as(twice)}"
        yield Disagreement("samples", reason, "keys", tuple(twice))


def _vectors(store: Store, column: str, dim: int, tolerance: float) -> Iterator[Disagreement]:
    wrong: list[str] = []
    for batch in store.batches(["sample_id", column]):
        filled = batch.filter(batch.column(column).is_valid())
        values = filled.column(column).flatten().to_numpy(zero_copy_only=False)
        with np.errstate(over="ignore", invalid="ignore"):
            lengths = np.linalg.norm(values.astype(np.float64).reshape(-1, dim), axis=1)
        ids = filled.column("sample_id").to_pylist()
        wrong += [ids[row] for row in np.flatnonzero(~(np.abs(lengths - 1) <= tolerance))]
    if wrong:
        reason = f"{len(wrong)} vectors are not finite or not of length 1, {_such_as(wrong)}"
        yield Disagreement(column, reason, "vectors", tuple(wrong))


def _annotations(store: Store, keys: Counter[str]) -> Iterator[Disagreement]:
    rows = store.annotations(["annotation_id", "sample_id"])
    names = rows.column("annotation_id").to_pylist()
    lost = [
        name
        for name, sample in zip(names, rows.column("sample_id").to_pylist(), strict=True)
        if sample not in keys
    ]
    if lost:
        reason = f"{len(lost)} are of samples that are not there, {_such_as(lost)}"
        yield Disagreement("annotations", reason, "annotations", tuple(lost))
    twice = sorted(name for name, count in Counter(names).items() if count > 1)
    if twice:
        reason = f"{len(twice)} are there more than once, {_such_as(twice)}"
        yield Disagreement("annotations", reason, "annotations", tuple(twice))


def _indexes(store: Store) -> Iterator[Disagreement]:
    for column in store.vector_columns():
        try:
            cover = store.index_cover(column.name)
            if cover is not None:
                query = np.zeros(column.dim, np.float32)
                query[0] = 1
                store.nearest(column.name, query, 1, probes=1)
        except TamisError as error:
            yield Disagreement(column.name, f"its index cannot be used: {error}", "index")


def log_breaks(snapshots: Sequence[Snapshot]) -> Iterator[str]:
    """Say of each snapshot that does not follow from the one before why not."""
    for earlier, later in pairwise(snapshots):
        follows = later.snapshot == earlier.snapshot + 1
        if follows and dict(later.before) != dict(earlier.after):
            reason = (
                f"snapshot {later.snapshot} says that it follows {dict(later.before)}, but "
                f"snapshot {earlier.snapshot} left {dict(earlier.after)}"
            )
            yield reason
        falls = [name for name in earlier.after if later.after.get(name, 0) < earlier.after[name]]
        if falls:
            yield f"snapshot {later.snapshot} names an older version of {', '.join(falls)}"


def _such_as(names: list[str]) -> str:
    return f"such as {', '.join(names[:_NAMED])}"
