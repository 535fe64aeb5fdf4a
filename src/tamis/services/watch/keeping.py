"""Kept frames into the dataset, a batch every few seconds, while decisions go on."""

from __future__ import annotations

import time
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Self

import numpy as np
import pyarrow as pa

from tamis.dataset.durability import replace_file
from tamis.dataset.schema import PICTURE_COLUMNS
from tamis.errors import ConflictError
from tamis.sources.video.places import FRAME_COLUMNS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tamis.dataset.operation import Operation
    from tamis.runtime.frame_rows import FrameRow
    from tamis.services.watch.memory import Progress, WatchMemory
    from tamis.types import Failure, Vectors

__all__ = ["Keeping"]

_ROWS: Final = 64
_SECONDS: Final = 3.0
_PAUSE_FOR_WORK: Final = 10.0  # writing may take this part of the time between batches
_FAILURES_NOTED: Final = 1000
_TRIES: Final = 3


@dataclass
class _Batch:
    rows: list[FrameRow] = field(default_factory=list)
    vectors: list[Vectors] = field(default_factory=list)
    failures: list[Failure] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.rows) + len(self.failures)


class Keeping:
    """Writes kept frames: first their copies, then their rows with vectors as one checkpoint.

    A thread of its own writes; the next batch waits until the one before is written. On leaving,
    what is left is written.

    Args:
        operation: of the watch; only this object touches it while open.
        column: the vector column.
        memory: where is kept how far the watch has come.
    """

    def __init__(self, operation: Operation, column: str, memory: WatchMemory) -> None:
        self._operation = operation
        self._column = column
        self._memory = memory
        self._batch = _Batch()
        self._noted = 0
        self._last = time.monotonic()
        self._pause = _SECONDS
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="tamis-write")
        self._writing: Future[None] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._thread.shutdown()

    def keep(self, row: FrameRow, vector: Vectors) -> None:
        """Take a frame that is new."""
        self._batch.rows.append(row)
        self._batch.vectors.append(vector)

    def fail(self, failure: Failure) -> None:
        """Take a frame that could not be used; the dataset lists a thousand of a run."""
        if self._noted < _FAILURES_NOTED:
            self._noted += 1
            self._batch.failures.append(failure)

    @property
    def is_due(self) -> bool:
        """Whether a batch should be written now."""
        if self._writing is not None and not self._writing.done():
            return False
        return len(self._batch) >= _ROWS or time.monotonic() - self._last >= self._pause

    def write(self, progress: Progress, counts: Mapping[str, int]) -> None:
        """Begin to write what was taken, and how far the watch has come with it.

        Args:
            progress: for the memory.
            counts: for the log.

        Raises:
            TamisError: writing the batch before failed.
        """
        self._finish_writing()
        batch, self._batch = self._batch, _Batch()
        self._last = time.monotonic()
        self._writing = self._thread.submit(self._write, batch, progress, counts)

    def finish(self, progress: Progress, counts: Mapping[str, int]) -> None:
        """Write all that is left and wait until it is written.

        Raises:
            TamisError: it could not be written.
        """
        self.write(progress, counts)
        self._finish_writing()

    def _finish_writing(self) -> None:
        if self._writing is not None:
            self._writing.result()
            self._writing = None

    def _write(self, batch: _Batch, progress: Progress, counts: Mapping[str, int]) -> None:
        begin = time.monotonic()
        copies = [(row.sample_id, row.file, row.data) for row in batch.rows if row.file is not None]
        if copies:
            self._memory.announce([(sample, file) for sample, file, _ in copies])
            for _, file, data in copies:
                replace_file(file, data)
        if batch.rows:
            schema = PICTURE_COLUMNS
            if any("video" in row.values for row in batch.rows):
                self._operation.require_columns(FRAME_COLUMNS)
                schema = pa.schema([*PICTURE_COLUMNS, *FRAME_COLUMNS])
            table = pa.Table.from_pylist([row.values for row in batch.rows], schema)
            self._operation.insert(table)
            ids = [row.sample_id for row in batch.rows]
            self._operation.set_vectors(self._column, ids, np.stack(batch.vectors))
        if batch.failures:
            self._operation.record_failures(batch.failures)
        self._operation.counts.update(counts)
        if len(batch):
            self._commit()
        if copies:
            self._memory.announce(())
        self._memory.save(self._operation.number, progress)
        self._pause = max(_SECONDS, _PAUSE_FOR_WORK * (time.monotonic() - begin))

    def _commit(self) -> None:
        """Commit what is staged; another writer that is busy for long does not end the watch."""
        for tries_left in reversed(range(_TRIES)):
            try:
                self._operation.checkpoint()
            except ConflictError:
                if not tries_left:
                    raise
            else:
                return
