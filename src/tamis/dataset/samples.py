"""The samples of a dataset as services read them: which rows, which columns, which vectors."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tamis.dataset.columns import MARK_TYPES, NOTHING, Column, equal, known, one_of, unknown
from tamis.dataset.conditions import all_of, any_of, columns_named
from tamis.dataset.embedded import EmbeddedSamples
from tamis.dataset.encoder_names import (
    default_vectors,
    vectors_named,
    vectors_that_read_texts,
)
from tamis.dataset.parts import PART_COLUMNS
from tamis.dataset.schema import PICTURE_COLUMNS
from tamis.errors import UsageError
from tamis.sources.objects.columns import OBJECT_COLUMNS
from tamis.sources.video.places import FRAME_COLUMNS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import date

    from tamis.dataset.sample_keys import SampleIds
    from tamis.dataset.schema import VectorColumn
    from tamis.dataset.store import Store
    from tamis.types import Vectors

__all__ = ["Kind", "SampleSet", "Samples", "names_parts"]

_TYPES = {
    **{
        Column(column.name): column.type
        for schema in (PICTURE_COLUMNS, PART_COLUMNS, FRAME_COLUMNS, OBJECT_COLUMNS)
        for column in schema
    },
    **MARK_TYPES,
}


class Kind(StrEnum):
    """Which rows count as samples: pictures, or parts of them, which are rows of their own."""

    WHOLE = "whole"
    CROPS = "crops"
    TILES = "tiles"
    PARTS = "parts"
    WHOLE_AND_TILES = "whole and tiles"
    ALL = "all"


_KINDS = {
    Kind.WHOLE: unknown(Column.KIND),
    Kind.CROPS: equal(Column.KIND, "crop"),
    Kind.TILES: equal(Column.KIND, "tile"),
    Kind.PARTS: known(Column.KIND),
    Kind.WHOLE_AND_TILES: any_of(unknown(Column.KIND), equal(Column.KIND, "tile")),
    Kind.ALL: None,
}


class Samples:
    """What a dataset holds, as its store sees it; what was looked up is kept until that changes.

    All that services ask of columns, conditions, counts and vectors goes through here, so that
    each rule stands once: parts of pictures are left out unless asked for (`of`), and one encoder
    is meant where none is named (`vector_column`).

    Args:
        store: the dataset, at a snapshot or at its head.

    Example:
        >>> import pyarrow as pa, tempfile
        >>> from pathlib import Path
        >>> from tamis.dataset.store import Store
        >>> folder = tempfile.TemporaryDirectory()
        >>> store = Store.create(Path(folder.name) / "birds.tamis")
        >>> with store.operation("add") as op:
        ...     op.insert(pa.table({"sample_id": ["b", "a"], "width": [640, 800]}))
        Inserted(added=2, known=0)
        >>> samples = Samples(store)
        >>> samples.of("width > 700").ids
        ['a']
        >>> samples.of().having(Column.DUPLICATE_OF).count()
        0
        >>> folder.cleanup()
    """

    def __init__(self, store: Store) -> None:
        self.store = store
        self._seen = _Seen.of(store)

    @property
    def _now(self) -> _Seen:
        if self._seen.snapshot != self.store.snapshot:
            self._seen = _Seen.of(self.store)
        return self._seen

    # Columns

    @property
    def columns(self) -> frozenset[str]:
        """The columns that there are."""
        return self._now.columns

    def has(self, column: str) -> bool:
        """Tell whether there is a column; those of `Column` may come with later verbs."""
        return column in self._now.columns

    def narrow_columns(self) -> list[str]:
        """Return the columns without thumbnails and vectors, in their order: what a table shows."""
        wide = {Column.THUMBNAIL, *(column.name for column in self.vector_columns)}
        return [name for name in self.store.columns() if name not in wide]

    # Vectors

    @property
    def vector_columns(self) -> tuple[VectorColumn, ...]:
        """The vector columns, oldest first."""
        return self._now.vector_columns

    def default_vector_column(self) -> VectorColumn | None:
        """Return the vectors that are meant where none are named; None if there are none.

        Those of the default encoder if one was set, else the newest of the encoder used first.
        """
        return default_vectors(self.vector_columns, self.store.default_encoder)

    def vector_column(
        self, encoder: str | None = None, *, reads_text: bool = False
    ) -> VectorColumn:
        """Return the vectors that an encoder's name means.

        Args:
            encoder: its spec or short name, the column, or the fingerprint or its first 8 digits or
                more. Of an encoder that has changed, so that several fit, the newest are meant, or
                those that were set as default. None means the default.
            reads_text: texts will be compared with the vectors; where no encoder is named, those
                of one that reads texts are meant: the default if it does, else the first that
                does, else, where no name tells, the default or the first that may.

        Raises:
            UsageError: there are no such vectors.
        """
        default = self.default_vector_column()
        if default is None:
            raise UsageError("the dataset has no vectors yet; run  tamis embed  first")
        if encoder is not None:
            return vectors_named(encoder, self.vector_columns, self.store.default_encoder)
        return vectors_that_read_texts(self.vector_columns, default) if reads_text else default

    def set_default_encoder(self, encoder: str) -> VectorColumn:
        """Let an encoder be the default, as one operation, which `undo` takes back.

        Args:
            encoder: as `vector_column` takes it; its vectors are in the dataset.

        Raises:
            UsageError: there are no such vectors, or the store was opened at a fixed snapshot.
        """
        column = self.vector_column(encoder)
        self.store.set_default_encoder(column.name)
        return column

    # Rows

    def of(self, where: str | None = None, *, kind: Kind | None = None) -> SampleSet:
        """Return the samples that meet a condition; nothing is read yet.

        Parts of pictures are no pictures: none is taken for a duplicate of its own picture or
        counted twice. So they are left out unless `where` names `kind` or `parent_id`, or `kind`
        asks for them.

        Args:
            where: an SQL condition, as users write it; None is met by all.
            kind: whole pictures or parts; None leaves parts out unless `where` speaks of them.

        Raises:
            UsageError: `where` is no condition.
        """
        return SampleSet(self, all_of(where, self._kind(kind or self.kind_of(where))))

    def kind_of(self, *conditions: str | None) -> Kind:
        """Return which rows a user's conditions mean: pictures, unless one speaks of parts.

        Raises:
            UsageError: one of them is no condition.
        """
        return Kind.ALL if any(map(names_parts, conditions)) else Kind.WHOLE

    def _kind(self, kind: Kind) -> str | None:
        if not self.has(Column.KIND):
            return NOTHING if kind in (Kind.CROPS, Kind.TILES, Kind.PARTS) else None
        return _KINDS[kind]

    def rows(self, columns: Sequence[str], ids: SampleIds) -> pa.Table:
        """Return columns of some samples, in their order; null where a verb has yet to make them.

        Raises:
            UsageError: a column or a sample is unknown.
        """
        present = [name for name in columns if self.has(name) or name not in _TYPES]
        return self.filled(self.store.read(present, ids=ids), columns)

    def count_of(self, condition: str | None) -> int:
        """Return how many rows meet a condition, parts included; counted once a snapshot."""
        seen = self._now
        if condition not in seen.counts:
            seen.counts[condition] = self.store.count(condition)
        return seen.counts[condition]

    def filled(self, rows: pa.Table, columns: Sequence[str]) -> pa.Table:
        """Return `columns` of a table; those that the dataset lacks are null."""
        lacking = {name for name in columns if name not in rows.column_names}
        for name in lacking:
            rows = rows.append_column(name, pa.nulls(rows.num_rows, _TYPES[Column(name)]))
        return rows.select(list(columns)) if lacking else rows


@dataclass(frozen=True)
class SampleSet:
    """The samples that meet a condition, in the order of their ids, whatever order they came in.

    Attributes:
        samples: what they are of.
        condition: the condition as SQL, parts of pictures decided; None is met by all.
    """

    samples: Samples
    condition: str | None

    # Conditions

    def where(self, condition: str | None) -> SampleSet:
        """Return those that meet another condition too.

        Raises:
            UsageError: it is no condition.
        """
        return SampleSet(self.samples, all_of(self.condition, condition))

    def having(self, column: str) -> SampleSet:
        """Return those with a value in a column; none where a verb has yet to make it."""
        return self.where(known(column) if self._has(column) else NOTHING)

    def lacking(self, column: str) -> SampleSet:
        """Return those without a value in a column; all where a verb has yet to make it."""
        return self.where(unknown(column) if self._has(column) else None)

    def equal(self, column: str, value: str | float | bool | date) -> SampleSet:
        """Return those with one value in a column; none where a verb has yet to make it."""
        return self.where(equal(column, value) if self._has(column) else NOTHING)

    def one_of(self, column: str, values: Iterable[str | float | bool | date]) -> SampleSet:
        """Return those with one of some values; none where a verb has yet to make the column."""
        return self.where(one_of(column, values) if self._has(column) else NOTHING)

    def _has(self, column: str) -> bool:
        # what is no column of ours is a mistake, which reading reports with the names there are
        return self.samples.has(column) or column not in _TYPES

    def either(self, other: SampleSet) -> SampleSet:
        """Return those in one of two sets."""
        return SampleSet(self.samples, any_of(self.condition, other.condition))

    # Reading

    def count(self) -> int:
        """Return how many there are; counted once a snapshot.

        Raises:
            UsageError: the condition names a column that there is not.
        """
        return self.samples.count_of(self.condition)

    @property
    def ids(self) -> list[str]:
        """Their sample ids, ascending.

        Raises:
            UsageError: the condition names a column that there is not.
        """
        found: list[str] = self.table(Column.SAMPLE_ID).column(0).to_pylist()
        return found

    def column(self, name: str) -> pa.ChunkedArray:
        """Return a column, in the order of `ids`; null where a verb has yet to make it.

        Raises:
            UsageError: there is no such column, or the condition names one that there is not.
        """
        return self.table(name).column(0)

    def table(self, *columns: str) -> pa.Table:
        """Return columns, in the order of `ids`; only they are read from disk, in one scan.

        Raises:
            UsageError: there is no such column, or the condition names one that there is not.
        """
        present = [name for name in columns if self._has(name)]
        wanted = list(dict.fromkeys([*present, Column.SAMPLE_ID]))
        rows = self.samples.store.read(wanted, self.condition)
        order = pc.sort_indices(rows, sort_keys=[(Column.SAMPLE_ID, "ascending")])
        return self.samples.filled(rows.take(order), columns)

    # Vectors

    def vectors(self, encoder: str | VectorColumn | None = None) -> EmbeddedSamples:
        """Return those that have a vector, with them. O(ND) time, twice 4 N D bytes for a moment.

        Args:
            encoder: which vectors, as `Samples.vector_column` takes it, or the column itself.

        Raises:
            UsageError: there are no such vectors, or the condition names a column that there is
                not.
        """
        column = self._vectors_meant(encoder)
        ids, vectors = self.samples.store.vectors(column.name, self.condition)
        order = np.argsort(np.asarray(ids, dtype=np.str_), kind="stable")
        return EmbeddedSamples(column.name, [ids[i] for i in order], vectors[order])

    def vector_batches(
        self, encoder: str | VectorColumn | None = None
    ) -> Iterator[tuple[list[str], Vectors]]:
        """Yield those that have a vector, with them, piece by piece in dataset order.

        Memory for one piece only, of at most 4,096 samples: ids and `[B, D]` float32. What is seen
        is the snapshot at the time of the call, read to the end.

        Raises:
            UsageError: there are no such vectors, or the condition names a column that there is
                not.
        """
        column = self._vectors_meant(encoder)
        batches = self.samples.store.batches([Column.SAMPLE_ID, column.name], self.condition)
        return _vectors_in(batches, column)

    def embedded(self, encoder: str | VectorColumn | None = None) -> int:
        """Return how many have a vector."""
        return self.having(self._vectors_meant(encoder).name).count()

    def _vectors_meant(self, encoder: str | VectorColumn | None) -> VectorColumn:
        if encoder is None or isinstance(encoder, str):
            return self.samples.vector_column(encoder)
        return encoder


def names_parts(where: str | None) -> bool:
    """Tell whether a condition decides by itself about parts of pictures.

    What it compares with does not count.

    Raises:
        UsageError: it is no condition.

    >>> names_parts("kind = 'tile'"), names_parts("label = 'kind'")
    (True, False)
    """
    return not columns_named(where).isdisjoint({Column.KIND, Column.PARENT_ID})


def _vectors_in(
    batches: Iterator[pa.RecordBatch], column: VectorColumn
) -> Iterator[tuple[list[str], Vectors]]:
    for batch in batches:
        filled = batch.filter(batch.column(column.name).is_valid())
        ids = filled.column(Column.SAMPLE_ID).to_pylist()
        if ids:
            flat = np.asarray(filled.column(column.name).flatten().to_numpy(), np.float32)
            yield ids, flat.reshape(len(ids), column.dim)


@dataclass
class _Seen:
    """What one snapshot holds; counts are added as they are asked for."""

    snapshot: int
    columns: frozenset[str]
    vector_columns: tuple[VectorColumn, ...]
    counts: dict[str | None, int] = field(default_factory=dict)

    @classmethod
    def of(cls, store: Store) -> _Seen:
        return cls(store.snapshot, frozenset(store.columns()), tuple(store.vector_columns()))
