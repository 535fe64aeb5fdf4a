"""Reading a dataset as one snapshot has it: counts, columns, vectors, annotations, failures."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tamis.dataset.annotation_columns import ANNOTATIONS
from tamis.dataset.conditions import checked_condition
from tamis.dataset.sample_keys import id_array
from tamis.dataset.schema import VectorColumn, vector_column_named, vector_columns_of
from tamis.dataset.storage_errors import filtering, storage_guard
from tamis.dataset.vector_index import index_cover
from tamis.errors import UsageError
from tamis.wording import meant

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from tamis.dataset.sample_keys import SampleIds
    from tamis.dataset.state import State
    from tamis.dataset.vector_index import IndexCover
    from tamis.types import Vectors

__all__ = ["DEFAULT_ENCODER_SETTING", "Reader"]

DEFAULT_ENCODER_SETTING: Final = "default_vectors"
"""Among a snapshot's settings, the vector column that is meant where none is named."""


class Reader:
    """What can be read of a dataset at one snapshot.

    Attributes:
        path: the dataset's folder.
    """

    def __init__(self, path: Path, state: State) -> None:
        self.path = path
        self._state = state

    @property
    def snapshot(self) -> int:
        """The number of the snapshot that reading sees."""
        return self._state.snapshot.snapshot

    def count(self, where: str | None = None) -> int:
        """Number of samples, or of those that meet an SQL condition.

        Raises:
            UsageError: `where` is no condition over the columns.
        """
        with self._filtering(where):
            return self._state.samples.count(self._checked(where))

    def columns(self) -> list[str]:
        """The names of all columns."""
        return list(self._state.samples.schema.names)

    def data_files(self) -> dict[str, tuple[tuple[int, str | None], ...]]:
        """Which files hold each column, by fragment; None where a column is all null.

        Files are never written again: of two snapshots with the same samples, a column that has
        the same files has the same values.
        """
        with storage_guard(self.path, "read"):
            fragments = self._state.samples.fragments()
        return {
            name: tuple((one.number, one.files.get(name)) for one in fragments)
            for name in self.columns()
        }

    def fragment_ids(self, number: int) -> list[str]:
        """The samples of one of the pieces that `data_files` names."""
        with storage_guard(self.path, "read"):
            rows = self._state.samples.read_fragment(number, ["sample_id"])
        return list(rows.column("sample_id").to_pylist())

    def read(
        self,
        columns: Sequence[str],
        where: str | None = None,
        ids: SampleIds | None = None,
    ) -> pa.Table:
        """Some columns of the samples; only these columns are read from disk.

        Args:
            columns: their names.
            where: an SQL condition that samples have to meet.
            ids: the samples wanted; the result has their order, else that of the dataset.

        Raises:
            UsageError: a column or sample is unknown, or `where` is no condition.
        """
        self._require_columns(columns)
        condition = self._checked(where)
        with self._filtering(where):
            if ids is None:
                return self._state.samples.read(columns, condition)
            row_ids = self._state.keys.row_ids(id_array(ids))
            if condition is not None:
                met = self._state.samples.read([], condition, row_ids=True).column("_rowid")
                row_ids = row_ids.filter(pc.is_in(row_ids, value_set=met.combine_chunks()))
            return self._state.samples.rows(columns, row_ids)

    def batches(
        self, columns: Sequence[str], where: str | None = None, batch_size: int = 4096
    ) -> Iterator[pa.RecordBatch]:
        """Like `read`, piece by piece in dataset order, each of at most `batch_size` rows.

        What is seen is the snapshot at the time of the call, also if the store moves on.
        """
        self._require_columns(columns)
        return self._batches(self._state, columns, where, batch_size)

    def _batches(
        self, state: State, columns: Sequence[str], where: str | None, batch_size: int
    ) -> Iterator[pa.RecordBatch]:
        condition = checked_condition(where, state.samples.schema.names, state.annotated)
        with self._filtering(where):
            yield from state.samples.batches(columns, condition, batch_size=batch_size)

    def vectors(self, column: str, where: str | None = None) -> tuple[list[str], Vectors]:
        """The samples that have a vector, and their vectors, in dataset order.

        Args:
            column: a vector column.
            where: an SQL condition that samples have to meet.

        Returns:
            Sample ids and vectors, `[N, D]` float32; takes 4 N D bytes and little more.

        Raises:
            UsageError: no such vector column, or `where` is no condition.
        """
        found = vector_column_named(self._state.samples.schema, column)
        vectors = np.empty((self.count(where), found.dim), np.float32)
        ids: list[str] = []
        for batch in self.batches(["sample_id", column], where):
            filled = batch.filter(batch.column(column).is_valid())
            rows = filled.column(column).flatten().to_numpy().reshape(-1, found.dim)
            vectors[len(ids) : len(ids) + len(rows)] = rows
            ids.extend(filled.column("sample_id").to_pylist())
        return ids, vectors[: len(ids)]

    def vector_columns(self) -> list[VectorColumn]:
        """The vector columns, oldest first."""
        return vector_columns_of(self._state.samples.schema)

    @property
    def default_encoder(self) -> str | None:
        """The vector column that is meant where none is named; None if none was set."""
        return self._state.snapshot.settings.get(DEFAULT_ENCODER_SETTING)

    def index_cover(self, column: str) -> IndexCover | None:
        """How many rows the index of a vector column covers; None where it has none."""
        with storage_guard(self.path, "read"):
            return index_cover(self._state.samples, column)

    def nearest(
        self,
        column: str,
        query: NDArray[np.float32],
        count: int,
        where: str | None = None,
        *,
        probes: int | None = None,
    ) -> pa.Table:
        """Samples near a query, best first: their ids, vectors and row ids.

        See `tamis.dataset.vector_search.nearest`, which decides when that is safe.

        Args:
            column: a vector column.
            query: `[D]` float32.
            count: how many.
            where: an SQL condition that samples have to meet.
            probes: how many of the index's partitions to look into; None compares all.

        Raises:
            UsageError: `where` is no condition.
        """
        condition = self._checked(where)
        with self._filtering(where):
            return self._state.samples.nearest(column, query, count, condition, probes=probes)

    def failures(self) -> pa.Table:
        """The pictures that could not be read: path, reason, source, time."""
        with storage_guard(self.path, "read"):
            return self._state.failed.read(self._state.failed.schema.names)

    def annotations(
        self, columns: Sequence[str] | None = None, where: str | None = None
    ) -> pa.Table:
        """The annotations, in the order in which they came, those that are only labels first.

        A picture's `label` is among its classes in the layer `truth`, whether a row says so or not
        (`tamis.dataset.labels_as_annotations`).

        Args:
            columns: of `tamis.dataset.annotation_columns.ANNOTATIONS`; all if None.
            where: an SQL condition on these columns.

        Raises:
            UsageError: a column is unknown, or `where` is no condition.
        """
        names = ANNOTATIONS.names if columns is None else list(columns)
        if unknown := [name for name in names if name not in ANNOTATIONS.names]:
            raise UsageError(
                f"annotations have no column {unknown[0]!r}; {meant(unknown[0], ANNOTATIONS.names)}"
            )
        condition = checked_condition(where, ANNOTATIONS.names)
        with filtering(self.path, where, ANNOTATIONS.names):
            return self._state.read_annotations(names, condition)

    def _require_columns(self, columns: Sequence[str]) -> None:
        names = self._state.samples.schema.names
        if unknown := [name for name in columns if name not in names]:
            raise UsageError(f"there is no column {unknown[0]!r}; {meant(unknown[0], names)}")

    def _checked(self, where: str | None) -> str | None:
        state = self._state
        return checked_condition(where, state.samples.schema.names, state.annotated)

    def _filtering(self, where: str | None) -> Any:
        return filtering(self.path, where, self._state.samples.schema.names)
