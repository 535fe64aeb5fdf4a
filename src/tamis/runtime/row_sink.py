"""Writes the results of long work to the dataset: staged, and committed at checkpoints."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import chain
from typing import TYPE_CHECKING, Any, Final, Self

import numpy as np
import pyarrow as pa

from tamis.dataset.part_splits import inherited_splits
from tamis.dataset.parts import PART_COLUMNS
from tamis.dataset.schema import SAMPLES
from tamis.errors import ConflictError
from tamis.sources.objects.columns import OBJECT_COLUMNS
from tamis.sources.video.places import FRAME_COLUMNS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from tamis.dataset.operation import Operation
    from tamis.dataset.store import Store
    from tamis.types import Failure, Vectors

__all__ = ["RowSink", "Rows"]

_COLUMNS: Final = pa.schema([*SAMPLES, *FRAME_COLUMNS, *OBJECT_COLUMNS, *PART_COLUMNS])


@dataclass(frozen=True)
class Rows:
    """Changes that belong together: new samples, or new values of existing ones.

    Attributes:
        samples: new rows, each by column.
        ids: the samples that `vectors` are of.
        vectors: `[len(ids), D]` float32; None if there are none.
        errors: why samples have no vector, by sample id; None clears.
        marks: by sample id, the marks that a sample gets where it has none.
        failures: what could not be read.
        known: samples that were met and are in the dataset already.
        counts: what to add to the operation's counts in the log.
    """

    samples: Sequence[Mapping[str, Any]] = ()
    ids: Sequence[str] = ()
    vectors: Vectors | None = None
    errors: Mapping[str, str | None] = field(default_factory=dict)
    marks: Mapping[str, Mapping[str, str | None]] = field(default_factory=dict)
    failures: Sequence[Failure] = ()
    known: int = 0
    counts: Mapping[str, int] = field(default_factory=dict)

    def __len__(self) -> int:
        """Rows that are written."""
        touched = max(len(self.samples), len(self.ids))
        return touched + len(self.errors) + len(self.marks) + len(self.failures)


class RowSink:
    """Writes rows of one operation, a checkpoint at a time, from a thread of its own.

    While it is open, that thread alone touches the operation. A checkpoint is one snapshot, whole
    or not there; the next waits until the one before is written, so that two checkpoints' rows at
    most are in memory, or lost if the process is killed. What a killed run has committed stands,
    and the next finds it in the dataset. On leaving, what is left is staged for the operation's own
    end; on leaving by an error, it is dropped.

    Args:
        store: the dataset.
        operation: what writes.
        column: the vector column; None if rows come without vectors.
        checkpoint_rows: rows for one checkpoint; None if the caller says when.
        tries: how often a checkpoint is tried while another writer is in the way.
    """

    def __init__(
        self,
        store: Store,
        operation: Operation,
        *,
        column: str | None = None,
        checkpoint_rows: int | None = None,
        tries: int = 1,
    ) -> None:
        self._store = store
        self._operation = operation
        self._column = column
        self._checkpoint_rows = checkpoint_rows
        self._tries = tries
        self._taken: list[Rows] = []
        self._size = 0
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="tamis-write")
        self._writing: Future[None] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        try:
            if kind is None:
                self.wait()
                self._stage(self._taken)
        finally:
            self._thread.shutdown()

    def __len__(self) -> int:
        """Rows that were taken and that no checkpoint has begun to write."""
        return self._size

    @property
    def is_writing(self) -> bool:
        """Whether a checkpoint is being written."""
        return self._writing is not None and not self._writing.done()

    def take(self, rows: Rows) -> None:
        """Keep rows, and begin to write a checkpoint when there are enough.

        Raises:
            TamisError: the checkpoint before could not be written.
        """
        self._taken.append(rows)
        self._size += len(rows)
        if self._checkpoint_rows is not None and self._size >= self._checkpoint_rows:
            self.checkpoint()

    def checkpoint(
        self,
        *,
        before: Callable[[], None] = lambda: None,
        after: Callable[[], None] = lambda: None,
    ) -> None:
        """Begin to write what was taken, as one checkpoint.

        Args:
            before: called first, by the thread that writes.
            after: called once it is committed, by the same thread.

        Raises:
            TamisError: the checkpoint before could not be written.
        """
        self.wait()
        taken, self._taken, self._size = self._taken, [], 0
        self._writing = self._thread.submit(self._write, taken, before, after)

    def wait(self) -> None:
        """Wait until no checkpoint is being written.

        Raises:
            TamisError: it could not be written.
        """
        if self._writing is not None:
            writing, self._writing = self._writing, None
            writing.result()

    def _write(
        self, taken: Sequence[Rows], before: Callable[[], None], after: Callable[[], None]
    ) -> None:
        before()
        self._stage(taken)
        if any(map(len, taken)):
            self._commit()
        after()

    def _commit(self) -> None:
        for tries_left in reversed(range(self._tries)):
            try:
                self._operation.checkpoint()
            except ConflictError:
                if not tries_left:
                    raise
            else:
                return

    def _stage(self, taken: Sequence[Rows]) -> None:
        operation = self._operation
        if known := sum(rows.known for rows in taken):
            operation.count_known(known)
        samples = [sample for rows in taken for sample in rows.samples]
        if samples:
            names = set(chain.from_iterable(samples))
            for extra in (FRAME_COLUMNS, OBJECT_COLUMNS, PART_COLUMNS):
                if not names.isdisjoint(extra.names):
                    operation.require_columns(extra)
            columns = pa.schema([column for column in _COLUMNS if column.name in names])
            operation.insert(pa.Table.from_pylist(samples, schema=columns))
        vectors = [rows.vectors for rows in taken if rows.vectors is not None and len(rows.ids)]
        if self._column is not None and vectors:
            ids = [name for rows in taken if rows.vectors is not None for name in rows.ids]
            operation.set_vectors(self._column, ids, np.concatenate(vectors))
        errors = _merged(rows.errors for rows in taken)
        if self._column is not None and errors:
            operation.set_errors(self._column, list(errors), list(errors.values()))
        operation.record_failures(failure for rows in taken for failure in rows.failures)
        self._fill_marks(_merged(rows.marks for rows in taken))
        for rows in taken:
            for name, number in rows.counts.items():
                operation.counts[name] = operation.counts.get(name, 0) + number

    def _fill_marks(self, marks: Mapping[str, Mapping[str, str | None]]) -> None:
        """Give samples the marks that they lack."""
        if not marks:
            return
        ids = list(marks)
        names = sorted({name for values in marks.values() for name in values})
        stored = self._store.read(names, ids=ids).to_pydict()
        for mark, present in stored.items():
            values = {
                sample_id: value
                for sample_id, old in zip(ids, present, strict=True)
                if old is None and (value := marks[sample_id].get(mark)) is not None
            }
            if values:
                if mark == "split":
                    values |= inherited_splits(self._store, values)
                column = pa.array(list(values.values()), pa.string())
                self._operation.set_marks(list(values), {mark: column})


def _merged(parts: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    return dict(chain.from_iterable(part.items() for part in parts))
