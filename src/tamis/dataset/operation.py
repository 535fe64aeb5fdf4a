"""One verb's changes to a dataset, committed checkpoint by checkpoint."""

from __future__ import annotations

import json
from contextlib import nullcontext
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal, Self

import pyarrow as pa

from tamis.dataset.lock import Presence
from tamis.dataset.sample_keys import SampleKeys, id_array
from tamis.dataset.schema import (
    check_mark_name,
    conform_rows,
    error_field,
    mark_values,
    vector_column_named,
    vector_field,
    vector_values,
)
from tamis.dataset.staged import Edit, Staged, write_failures, write_samples
from tamis.dataset.staged_annotations import StagedAnnotations, write_annotations
from tamis.dataset.storage_errors import storage_guard
from tamis.errors import UsageError
from tamis.outside_text import storable
from tamis.types import Failure

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from types import TracebackType

    from tamis.dataset.layout import Layout
    from tamis.dataset.sample_keys import SampleIds
    from tamis.dataset.schema import VectorColumn
    from tamis.dataset.staged_annotations import Batches
    from tamis.dataset.state import State
    from tamis.dataset.writer import About, Writer
    from tamis.types import Vectors

__all__ = ["Inserted", "Operation"]

_PLACES = ("path", "uri", "source", "video")


@dataclass(frozen=True)
class Inserted:
    """What became of inserted rows: how many were added, and how many were known already."""

    added: int
    known: int


class Operation:
    """A verb at work on a dataset; made by `Store.operation`, used in a `with` block.

    Changes are staged in memory and written at the next checkpoint, all of them as one snapshot
    or none. Leaving the block makes the last checkpoint; an exception discards what was staged
    since the last one, and what earlier checkpoints wrote stands.

    Attributes:
        counts: what the verb did, for the log. `added` and `known` are kept by `insert`, and
            `annotations`, `annotations_known` and `annotations_removed` by checkpoints.
    """

    def __init__(
        self,
        about: About,
        layout: Layout,
        writer: Writer,
        base: State,
        on_commit: Callable[[State], None],
    ) -> None:
        try:
            json.dumps(about.params)
        except TypeError as error:
            raise UsageError(
                f"params of {about.verb!r} cannot be kept in the log: {error}"
            ) from error
        self.counts: dict[str, Any] = {}
        self._about = about
        self._writer = writer
        self._layout = layout
        self._root = layout.root
        self._presence = Presence(layout.running)
        self._number: int | None = None
        self._state = base
        self._on_commit = on_commit
        self._staged = Staged()
        self._annotations = StagedAnnotations()
        self._staged_ids: set[str] = set()
        self._offered = 0
        self._added = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            if kind is None:
                self._commit("done")
        finally:
            self._presence.leave()

    @property
    def number(self) -> int | None:
        """Its number in the log; None before the first checkpoint."""
        return self._number

    # Rows

    def insert(self, rows: pa.Table) -> Inserted:
        """Stage new samples; those whose `sample_id` exists or repeats are known and left out.

        Whether another writer added the same sample meanwhile shows at the checkpoint, which
        corrects `counts["added"]` and `counts["known"]`.

        Args:
            rows: some columns of the schema, `sample_id` among them.

        Returns:
            How many rows are new, as far as this operation sees.

        Raises:
            UsageError: a column is unknown, has another type, or `sample_id` is null somewhere.
        """
        rows = conform_rows(rows, self._state.samples.schema)
        ids = rows.column("sample_id").combine_chunks()
        with storage_guard(self._root, "read"):
            absent = self._state.keys.missing(ids).to_pylist()
        fresh = []
        for sample_id, new in zip(ids.to_pylist(), absent, strict=True):
            fresh.append(new and sample_id not in self._staged_ids)
            self._staged_ids.add(sample_id)
        self._staged.rows.append(rows.filter(pa.array(fresh, pa.bool_())))
        self._offered += rows.num_rows
        added = sum(fresh)
        self._count_rows(sum(staged.num_rows for staged in self._staged.rows))
        return Inserted(added, rows.num_rows - added)

    def count_known(self, samples: int) -> None:
        """Count samples that the caller found to be known and does not offer to `insert`."""
        self._offered += samples
        self._count_rows(sum(staged.num_rows for staged in self._staged.rows))

    def _count_rows(self, pending: int) -> None:
        added = self._added + pending
        self.counts |= {"added": added, "known": self._offered - added}

    def remove_samples(self, ids: SampleIds) -> None:
        """Stage the removal of samples; it comes before what is added.

        Meant for parts of pictures whose object is gone: what is said of a removed sample
        elsewhere, such as its annotations, is the caller's to remove.

        Raises:
            UsageError: ids are null or no strings.
        """
        self._staged.removed += id_array(ids).to_pylist()

    def require_columns(self, columns: pa.Schema) -> None:
        """Add columns of rows that the dataset lacks, null in every row, at once.

        Unlike a mark's they are written with new rows only.
        """
        absent = [column for column in columns if self._field(column.name) is None]
        if absent:
            self._staged.columns |= {column.name: column for column in absent}
            self.checkpoint()

    def record_failures(self, failures: Iterable[Failure]) -> None:
        """Stage pictures that could not be read; a path and reason known already is left out.

        What is not UTF-8 in a path is spelt out, for no table can hold it.
        """
        self._staged.failures.extend(
            Failure(*map(storable, (f.path, f.reason, f.source))) for f in failures
        )

    # Vectors

    def add_vector_column(
        self, spec: str, fingerprint: str, dim: int, dtype: str = "float32"
    ) -> str:
        """Stage a vector column and its error column, null in every row.

        Args:
            spec: the encoder, as the user named it.
            fingerprint: hash of all that changes a vector.
            dim: length of each vector.
            dtype: "float32" or "float16".

        Returns:
            The column's name. A column that exists already is left as it is.

        Raises:
            UsageError: it exists with another dimension or type, or these cannot be.
        """
        column = vector_field(spec, fingerprint, dim, dtype)
        existing = self._field(column.name)
        if existing is None:
            self._staged.columns[column.name] = column
            error = error_field(column.name)
            self._staged.columns[error.name] = error
        elif existing.type != column.type:
            raise UsageError(
                f"the column {column.name} exists with {existing.type}, not {column.type}"
            )
        return str(column.name)

    def set_vectors(self, column: str, ids: SampleIds, vectors: Vectors) -> None:
        """Stage vectors, `[N, D]`, for samples that exist or are staged.

        Raises:
            UsageError: the column is no vector column, the shape is wrong, or a number is not
                finite in the column's type.
        """
        known = self._vector_column(column)
        self._edit(column, ids, vector_values(known, len(ids), vectors))

    def clear_vectors(self, column: str, ids: SampleIds) -> None:
        """Stage that samples have no vector in `column`, so that it is computed anew.

        Raises:
            UsageError: the column is no vector column.
        """
        known = self._vector_column(column)
        field = self._field(known.name)
        assert field is not None
        self._edit(column, ids, pa.nulls(len(ids), field.type))

    def set_errors(self, column: str, ids: SampleIds, reasons: Sequence[str | None]) -> None:
        """Stage why samples have no vector in `column`; None clears.

        Raises:
            UsageError: the column is no vector column, or there are more ids than reasons.
        """
        known = self._vector_column(column)
        self._edit(known.error_column, ids, pa.array(reasons, pa.string()))

    def index_vectors(self, column: str) -> None:
        """Stage an index of a vector column, for search in large datasets.

        An index that covers most rows takes in the others; else it is built anew, about a minute a
        million rows, while other writers wait.

        Raises:
            UsageError: the column is no vector column.
        """
        self._staged.indexes.add(self._vector_column(column).name)

    # Marks

    def set_marks(self, ids: SampleIds, marks: Mapping[str, Any]) -> None:
        """Stage values of marks for samples that exist or are staged; null clears.

        Args:
            ids: the samples, distinct.
            marks: for each mark one value a sample, as an Arrow array or what makes one. A mark
                that is new becomes a column of the array's type.

        Raises:
            UsageError: a name is no mark, lengths differ, or values do not fit the mark's type.
        """
        for name, values in marks.items():
            check_mark_name(name)
            field = self._field(name)
            array = mark_values(name, values, None if field is None else field.type)
            if field is None:
                self._staged.columns[name] = pa.field(name, array.type)
            self._edit(name, ids, array)

    # Annotations

    def add_annotations(self, rows: pa.Table | Batches) -> None:
        """Stage annotations of samples that exist or are staged.

        One whose `annotation_id` the dataset has, or that comes twice, is known and left out.

        Args:
            rows: columns of `tamis.dataset.annotation_columns.ANNOTATIONS`, as a table, or as
                batches that are read more than once.

        Raises:
            UsageError: a column is unknown, has another type, or a required one is missing.
        """
        self._annotations.add(rows)

    def remove_annotations(
        self, layer: str, ids: SampleIds | None = None, kind: str | None = None
    ) -> None:
        """Stage the removal of a layer's annotations; it comes before what is added.

        Args:
            layer: the layer; no other is touched.
            ids: the samples; all if None.
            kind: only annotations of this kind.
        """
        self._annotations.remove(layer, None if ids is None else id_array(ids), kind)

    def remove_annotations_meeting(self, condition: str) -> None:
        """Stage the removal of all annotations that meet a condition; it comes first.

        Raises:
            UsageError: it is no condition on the columns of annotations.
        """
        self._annotations.remove_meeting(condition)

    # Places

    def relocate(self, ids: SampleIds, places: Mapping[str, Sequence[str | None]]) -> None:
        """Stage other places for samples that exist: their files were moved, not changed.

        Args:
            ids: the samples, distinct.
            places: for `path`, `uri`, `source` and, of frames, `video` one value a sample.

        Raises:
            UsageError: a column is no place, or lengths differ.
        """
        for name, values in places.items():
            if name not in _PLACES or self._field(name) is None:
                raise UsageError(f"{name!r} says no place; there are: {', '.join(_PLACES)}")
            self._edit(name, ids, pa.array(values, pa.string()))

    # Checkpoints

    def checkpoint(self) -> None:
        """Write all that is staged as one snapshot.

        Raises:
            UsageError: an edit names a sample that is not in the dataset.
            ConflictError: another writer is busy or took back what this one builds on.
            StorageError: the disk refuses; nothing was changed.
        """
        self._commit("running")

    def _commit(self, state: Literal["running", "done"]) -> None:
        with self._writer.locked(self._about.verb, self._state) as head:
            samples, added = write_samples(head.samples, head.keys, self._staged)
            failed = write_failures(head.failed, self._staged.failures)
            tables = {"samples": samples, "failed": failed}
            written = write_annotations(
                self._layout,
                head.annotations,
                SampleKeys(samples, head.keys.by_file),
                self._annotations,
            )
            if written.table is not None:
                tables["annotations"] = written.table
            written.count(self.counts)
            if self._offered:
                self._count_rows(added)
            about = replace(
                self._about, counts=dict(self.counts), state=state, operation=self._number
            )
            first = state == "running" and self._number is None
            with self._presence.shown(head.snapshot.snapshot + 1) if first else nullcontext():
                self._state = self._writer.name(head, tables, about)
        self._number = self._state.snapshot.operation
        self._added += added
        self._staged = Staged()
        self._annotations = StagedAnnotations()
        self._staged_ids = set()
        self._on_commit(self._state)

    # What is there

    def _field(self, name: str) -> pa.Field | None:
        if name in self._staged.columns:
            return self._staged.columns[name]
        schema = self._state.samples.schema
        return schema.field(name) if name in schema.names else None

    def _vector_column(self, name: str) -> VectorColumn:
        staged = self._staged.columns.values()
        schema = pa.schema([*self._state.samples.schema, *staged])
        return vector_column_named(schema, name)

    def _edit(self, column: str, ids: SampleIds, values: pa.Array) -> None:
        keys = id_array(ids)
        if len(keys) != len(values):
            raise UsageError(f"{len(keys)} sample ids but {len(values)} values for {column}")
        self._staged.edits.setdefault(column, []).append(Edit(keys, values))
