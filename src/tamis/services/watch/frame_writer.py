"""Kept frames into the dataset, a batch every few seconds, while decisions go on."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final, Self

from tamis.dataset.durability import replace_file
from tamis.runtime.row_sink import Rows, RowSink

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import TracebackType

    from tamis.dataset.operation import Operation
    from tamis.dataset.store import Store
    from tamis.runtime.frame_rows import FrameRow
    from tamis.services.watch.checkpoint import Progress, WatchCheckpoint
    from tamis.types import Failure, Vectors

__all__ = ["FrameWriter"]

_ROWS: Final = 64
_SECONDS: Final = 3.0
_PAUSE_FOR_WORK: Final = 10.0  # writing may take this part of the time between batches
_FAILURES_NOTED: Final = 1000
_TRIES: Final = 3


class FrameWriter:
    """Writes kept frames: first their copies, then their rows with vectors as one checkpoint.

    A thread of its own writes; the next batch waits until the one before is written.

    Args:
        store: the dataset.
        operation: of the watch; only this object touches it while open.
        column: the vector column.
        checkpoint: where is kept how far the watch has come.
    """

    def __init__(
        self, store: Store, operation: Operation, column: str, checkpoint: WatchCheckpoint
    ) -> None:
        self._operation = operation
        self._checkpoint = checkpoint
        # Another writer that is busy for long does not end the watch.
        self._sink = RowSink(store, operation, column=column, tries=_TRIES)
        self._copied: list[FrameRow] = []
        self._noted = 0
        self._last = time.monotonic()
        self._pause = _SECONDS

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._sink.__exit__(kind, error, trace)

    def keep(self, row: FrameRow, vector: Vectors) -> None:
        """Take a frame that is new."""
        self._sink.take(Rows([row.values], ids=[row.sample_id], vectors=vector[None]))
        if row.file is not None:
            self._copied.append(row)

    def fail(self, failure: Failure) -> None:
        """Take a frame that could not be used; the dataset lists a thousand of a run."""
        if self._noted < _FAILURES_NOTED:
            self._noted += 1
            self._sink.take(Rows(failures=[failure]))

    @property
    def is_due(self) -> bool:
        """Whether a batch should be written now."""
        if self._sink.is_writing:
            return False
        return len(self._sink) >= _ROWS or time.monotonic() - self._last >= self._pause

    def write(self, progress: Progress, counts: Mapping[str, int]) -> None:
        """Begin to write what was taken, and how far the watch has come with it.

        Args:
            progress: for the checkpoint.
            counts: for the log.

        Raises:
            TamisError: writing the batch before failed.
        """
        self._sink.wait()
        copied, self._copied = self._copied, []
        self._last = time.monotonic()

        def before() -> None:
            if copied:
                self._checkpoint.announce([(row.sample_id, row.file) for row in copied if row.file])
                for row in copied:
                    if row.file is not None:
                        replace_file(row.file, row.data)
            self._operation.counts.update(counts)

        def after() -> None:
            if copied:
                self._checkpoint.announce(())
            self._checkpoint.save(self._operation.number, progress)
            self._pause = max(_SECONDS, _PAUSE_FOR_WORK * (time.monotonic() - begin))

        begin = self._last
        self._sink.checkpoint(before=before, after=after)

    def finish(self, progress: Progress, counts: Mapping[str, int]) -> None:
        """Write all that is left and wait until it is written.

        Raises:
            TamisError: it could not be written.
        """
        self.write(progress, counts)
        self._sink.wait()
