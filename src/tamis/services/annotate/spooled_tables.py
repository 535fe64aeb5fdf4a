"""Rows that wait for their commit, on disk if they are many."""

from __future__ import annotations

import tempfile
import weakref
from typing import TYPE_CHECKING

import pyarrow as pa

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import IO

__all__ = ["SpooledTables"]

_HELD = 32 << 20
"""Bytes that are held in memory."""


class SpooledTables:
    """Tables of one schema, kept in the order in which they come.

    What goes beyond 32 MiB is written to a file without a name in the system's folder for temporary
    files, and read from there batch by batch.
    """

    def __init__(self) -> None:
        self.num_rows = 0
        self._held: list[pa.Table] = []
        self._bytes = 0
        self._file: IO[bytes] | None = None
        self._writer: pa.ipc.RecordBatchStreamWriter | None = None

    def add(self, table: pa.Table) -> None:
        """Take a table; none can be added after the first reading."""
        self.num_rows += table.num_rows
        self._held.append(table)
        self._bytes += table.nbytes
        if self._writer is None and self._bytes > _HELD:
            self._file = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the last reference
            weakref.finalize(self, self._file.close)
            self._writer = pa.ipc.new_stream(self._file, table.schema)
        if self._writer is not None:
            for one in self._held:
                self._writer.write_table(one)
            self._held = []

    def batches(self) -> Iterator[pa.RecordBatch]:
        """Yield all rows, as often as asked, one reader at a time."""
        if self._writer is None or self._file is None:
            for table in self._held:
                yield from table.to_batches()
            return
        self._writer.close()
        self._file.seek(0)
        yield from pa.ipc.open_stream(self._file)
