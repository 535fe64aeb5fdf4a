"""One Lance table at one version: the only module that calls Lance.

Rows are reached by scanning or by their stable row id, never by position: Lance's positional
`take` and `sample` slow down a thousandfold once a row was ever deleted, so nothing here offers
them. Columns are edited by writing the edited columns of the touched fragments anew; the other
columns' files are kept as they are.

Nothing here is safe against a second writer: callers hold the dataset's writer lock.
"""

from __future__ import annotations

import os
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import lance
import pyarrow as pa

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray

__all__ = [
    "ROWS_PER_FRAGMENT",
    "Fragment",
    "TableVersion",
    "TrackedFile",
    "version_of_manifest",
]

ROWS_PER_FRAGMENT = 4096
"""Upper bound of a fragment's rows.

It bounds what an edit of one column rewrites. As it equals the rows that embedding commits at a
time, a vector column's file is written once rather than half-filled and then again.
"""

_STORAGE_VERSION = "2.2"
_ROW_ID = "_rowid"
_TAKE_AT_ONCE = 4096
_LARGEST = 2**64 - 1
_INVERTED_DIGITS = 20
# Five bits a dimension, and the exact distances of five times as many rows as asked for: measured
# to lose next to nothing, at a fifth of the vectors' own size.
_BITS = 5
_REFINE = 5


@dataclass(frozen=True)
class Fragment:
    """A run of rows that are stored together.

    Attributes:
        number: its id within the table version.
        rows: how many rows it was written with.
        files: the data file that serves each column; columns that are all null have none.
        removed: the file that says which rows are gone; None where all are there.
    """

    number: int
    rows: int
    files: Mapping[str, str]
    removed: str | None = None

    @property
    def samples(self) -> str:
        """What identifies its samples: one text stands for the same ones in the same order."""
        file = self.files["sample_id"]
        return file if self.removed is None else f"{file} without {self.removed}"


@dataclass(frozen=True)
class TrackedFile:
    """A file that one version of a table refers to; `kind` as Lance names it."""

    version: int
    path: str
    kind: str


class TableVersion:
    """A Lance table at one version, which never changes.

    Use `TableVersion.open` or `TableVersion.create`.
    """

    def __init__(self, path: Path, dataset: Any) -> None:
        self.path = path
        self._dataset = dataset
        self.version: int = dataset.version
        self.schema: pa.Schema = dataset.schema

    @classmethod
    def open(cls, path: Path, version: int) -> TableVersion:
        """Open the table in the folder `path` at a version that was committed."""
        return cls(path, lance.dataset(_address(path), version=version))

    @classmethod
    def create(cls, path: Path, schema: pa.Schema) -> TableVersion:
        """Make an empty table with stable row ids."""
        dataset = lance.write_dataset(
            schema.empty_table(),
            _address(path),
            mode="create",
            data_storage_version=_STORAGE_VERSION,
            enable_stable_row_ids=True,
        )
        return cls(path, dataset)

    @classmethod
    def in_memory(cls, rows: pa.Table) -> TableVersion:
        """Hold rows in memory, to be read by the same conditions as those of a table on disk."""
        return cls(Path("memory:"), lance.write_dataset(rows, "memory://"))

    # Reading

    def count(self, where: str | None = None) -> int:
        """Number of rows, or of those that meet an SQL condition."""
        return int(self._dataset.count_rows(where))

    def batches(
        self,
        columns: Sequence[str],
        where: str | None = None,
        *,
        batch_size: int = ROWS_PER_FRAGMENT,
        row_ids: bool = False,
    ) -> Iterator[pa.RecordBatch]:
        """Rows in table order; with `row_ids` a last column `_rowid`."""
        scanner = self._dataset.scanner(
            columns=list(columns),
            filter=where,
            batch_size=batch_size,
            with_row_id=row_ids,
            scan_in_order=True,
        )
        yield from scanner.to_batches()

    def read(
        self, columns: Sequence[str], where: str | None = None, *, row_ids: bool = False
    ) -> pa.Table:
        """All rows in table order, as one table."""
        return self._dataset.to_table(columns=list(columns), filter=where, with_row_id=row_ids)

    def rows(self, columns: Sequence[str], row_ids: pa.Array) -> pa.Table:
        """The rows of the given ids, in their order; every id has to exist."""
        parts = [
            self._dataset._take_rows(  # noqa: SLF001 - the one way by row id that keeps their order
                row_ids.slice(start, _TAKE_AT_ONCE), list(columns)
            )
            for start in range(0, len(row_ids), _TAKE_AT_ONCE)
        ]
        if not parts:
            return pa.schema([self.schema.field(name) for name in columns]).empty_table()
        return pa.concat_tables(parts)

    def fragments(self) -> list[Fragment]:
        """The fragments in table order."""
        columns = {
            number: field.name()
            for field in self._dataset.lance_schema.fields()
            for number in _ids(field)
        }
        fragments = []
        for fragment in self._dataset.get_fragments():
            files = {
                columns[number]: file.path
                for file in fragment.metadata.files
                for number in file.fields
                if number in columns
            }
            removed = fragment.deletion_file()
            fragments.append(Fragment(fragment.fragment_id, fragment.physical_rows, files, removed))
        return fragments

    def read_fragment(
        self, number: int, columns: Sequence[str], *, row_ids: bool = False
    ) -> pa.Table:
        """One fragment's rows in table order."""
        fragment = self._dataset.get_fragment(number)
        return fragment.to_table(columns=list(columns), with_row_id=row_ids)

    # Searching

    def indexed_rows(self, column: str) -> int | None:
        """How many rows the index of a vector column covers; None where it has none."""
        indexes = [i for i in self._dataset.describe_indices() if i.name == _index_name(column)]
        if not indexes:
            return None
        covered = {
            number for index in indexes for part in index.segments for number in part.fragment_ids
        }
        fragments = self._dataset.get_fragments()
        return sum(int(f.physical_rows) for f in fragments if f.fragment_id in covered)

    def nearest(
        self,
        column: str,
        query: NDArray[np.float32],
        count: int,
        where: str | None = None,
        *,
        probes: int | None = None,
    ) -> pa.Table:
        """Rows near a query, best first: `sample_id`, the vector, and `_rowid`.

        Rows that the index does not cover yet are compared one by one, so that none is missed for
        being new.

        Args:
            column: a vector column.
            query: `[D]`.
            count: how many.
            where: an SQL condition that rows have to meet, all of them considered.
            probes: how many of the index's partitions to look into; None compares all rows.
        """
        by_index = {"use_index": False} if probes is None else {"nprobes": probes}
        scanner = self._dataset.scanner(
            columns=["sample_id", column, "_distance"],
            nearest={
                "column": column,
                "q": query,
                "k": count,
                "metric": "cosine",
                "refine_factor": _REFINE,
                **by_index,
            },
            filter=where,
            prefilter=True,
            with_row_id=True,
        )
        return scanner.to_table().drop_columns("_distance")

    # Writing

    def append(
        self,
        rows: pa.Table | pa.RecordBatchReader,
        *,
        rows_per_fragment: int = ROWS_PER_FRAGMENT,
    ) -> TableVersion:
        """Add rows at the end; nullable columns that `rows` lacks are null and take no space."""
        dataset = lance.write_dataset(
            rows,
            self._dataset,
            mode="append",
            max_rows_per_file=rows_per_fragment,
            data_storage_version=_STORAGE_VERSION,
        )
        return TableVersion(self.path, dataset)

    def without(self, where: str) -> TableVersion:
        """Remove the rows that meet an SQL condition; no other row is written anew."""
        if not self.count(where):
            return self
        dataset = lance.dataset(_address(self.path), version=self.version)
        dataset.delete(where)
        return TableVersion(self.path, dataset)

    def add_null_columns(self, fields: Iterable[pa.Field]) -> TableVersion:
        """Add columns that are null in every row, without writing data."""
        dataset = lance.dataset(_address(self.path), version=self.version)
        dataset.add_columns(pa.schema(list(fields)))
        return TableVersion(self.path, dataset)

    def update_columns(self, edits: Mapping[int, pa.Table]) -> TableVersion:
        """Replace values in some columns, fragment by fragment.

        Args:
            edits: for each touched fragment a table of `_rowid` and the new values of the columns
                to edit. Rows that are absent keep their values.

        Returns:
            The new version. Only the edited columns of the touched fragments are written.
        """
        updated, modified, offsets = [], set(), {}
        for number, edit in edits.items():
            fragment = self._dataset.get_fragment(number)
            metadata, fields = fragment.update_columns(edit, left_on=_ROW_ID)
            updated.append(metadata)
            modified.update(fields)
            offsets[number] = _whole_fragment(fragment.physical_rows)
        operation = lance.LanceOperation.Update(
            updated_fragments=updated,
            fields_modified=sorted(modified),
            update_mode="rewrite_columns",
            updated_fragment_offsets=offsets,
        )
        dataset = lance.LanceDataset.commit(self._dataset, operation, read_version=self.version)
        return TableVersion(self.path, dataset)

    def index_vectors(self, column: str, partitions: int) -> TableVersion:
        """Build an index of a vector column, in the place of an older one."""
        dataset = lance.dataset(_address(self.path), version=self.version)
        dataset.create_index(
            column,
            "IVF_RQ",
            name=_index_name(column),
            metric="cosine",
            num_partitions=partitions,
            num_bits=_BITS,
            replace=True,
        )
        return TableVersion(self.path, dataset)

    def extend_index(self, column: str) -> TableVersion:
        """Take the rows that came after an index was built into it."""
        dataset = lance.dataset(_address(self.path), version=self.version)
        dataset.optimize.optimize_indices(index_names=[_index_name(column)])
        return TableVersion(self.path, dataset)

    def merged(self, keep: Sequence[int]) -> TableVersion:
        """Merge all fragments but those in `keep`; rows keep their ids, but move to the end."""
        dataset = lance.dataset(_address(self.path), version=self.version)
        dataset.optimize.compact_files(
            target_rows_per_fragment=ROWS_PER_FRAGMENT,
            excluded_fragment_ids=list(keep),
            data_storage_version=_STORAGE_VERSION,
        )
        return TableVersion(self.path, dataset)

    def restored(self, version: int) -> TableVersion:
        """A new version with the content of an older one, without writing data."""
        if version == self.version:
            return self
        dataset = lance.dataset(_address(self.path), version=version)
        dataset.restore()
        return TableVersion(self.path, dataset)

    # Files

    def latest(self) -> int:
        """The latest version that was committed, by whichever writer."""
        return int(self._dataset.latest_version)

    def manifests_after(self) -> list[Path]:
        """The manifests of later versions, by their names: a loss of power may have torn them."""
        found = ((file, version_of_manifest(file)) for file in (self.path / "_versions").iterdir())
        return sorted(f for f, version in found if version is not None and version > self.version)

    def tracked_files(self, first_version: int = 1) -> list[TrackedFile]:
        """The files that the versions from `first_version` on refer to, one entry a version."""
        table = self._dataset.tracked_files(min_version=first_version).read_all()
        columns = (table[name].to_pylist() for name in ("version", "path", "type"))
        return [TrackedFile(*entry) for entry in zip(*columns, strict=True)]


def version_of_manifest(manifest: Path) -> int | None:
    """Return the version that a manifest's name says; None of other files."""
    name = manifest.stem
    if manifest.suffix != ".manifest" or not name.isdecimal():
        return None
    # counted down from the largest number, so that the newest is listed first
    return _LARGEST - int(name) if len(name) == _INVERTED_DIGITS else int(name)


def _address(path: Path) -> str:
    """Return what Lance takes for a path: a relative one with a colon would be a web address."""
    return os.path.abspath(path) if ":" in str(path) else str(path)  # noqa: PTH100 - keeps links


def _index_name(column: str) -> str:
    return f"{column}_index"


def _ids(field: Any) -> Iterator[int]:
    """The ids that data files know a field by: its own and those of all that it nests."""
    yield field.id()
    for child in field.children():
        yield from _ids(child)


def _whole_fragment(rows: int) -> bytes:
    """All offsets of a fragment as a portable Roaring bitmap of one run.

    Lance keeps the version of each row's last edit in every later manifest, as runs. Exact
    offsets of scattered edits would let each manifest grow by tens of bytes a row; naming the
    whole fragment keeps a manifest's size to that of the fragments, and `delta` still misses
    nothing.
    """
    cookie_of_one_container_with_runs = 12347
    header = struct.pack("<IBHH", cookie_of_one_container_with_runs, 1, 0, rows - 1)
    return header + struct.pack("<HHH", 1, 0, rows - 1)
