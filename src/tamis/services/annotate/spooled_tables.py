"""Rows that wait for their commit, on disk if they are many."""

from __future__ import annotations

import mmap
import tempfile
from typing import TYPE_CHECKING

import pyarrow as pa

if TYPE_CHECKING:
    from typing import IO

__all__ = ["SpooledTables"]

_HELD = 64 << 20
"""Bytes that are held in memory."""


class SpooledTables:
    """Tables of one schema, kept in the order in which they come.

    What goes beyond 64 MiB is written to a file without a name in the system's folder for temporary
    files, and mapped from there: the system can take that memory back at any time.
    """

    def __init__(self) -> None:
        self._held: list[pa.Table] = []
        self._bytes = 0
        self._file: IO[bytes] | None = None
        self._writer: pa.ipc.RecordBatchStreamWriter | None = None

    def add(self, table: pa.Table) -> None:
        """Take a table."""
        self._held.append(table)
        self._bytes += table.nbytes
        if self._writer is None and self._bytes > _HELD:
            self._file = tempfile.TemporaryFile()  # noqa: SIM115 - lives as long as the map of it
            self._writer = pa.ipc.new_stream(self._file, table.schema)
        if self._writer is not None:
            for one in self._held:
                self._writer.write_table(one)
            self._held = []

    def tables(self) -> list[pa.Table]:
        """Return all tables; none can be added after that."""
        if self._writer is None or self._file is None:
            return self._held
        self._writer.close()
        self._file.flush()
        mapped = mmap.mmap(self._file.fileno(), 0, prot=mmap.PROT_READ)
        self._file.close()
        return [pa.ipc.open_stream(pa.BufferReader(pa.py_buffer(mapped))).read_all()]
