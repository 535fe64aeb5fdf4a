"""Pictures from where they lie into the dataset's rows."""

from __future__ import annotations

from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pyarrow as pa

from tamis.data.images.picture_record import PictureRecord, content_hash, examine, sample_id
from tamis.data.part_splits import inherited_splits
from tamis.data.schema import PICTURE_COLUMNS, SAMPLES
from tamis.data.sources.archives import close_archives
from tamis.data.sources.labels import Marks, TableLabels, open_labels
from tamis.data.sources.locations import (
    Location,
    count_pictures,
    iter_locations,
    require_source,
)
from tamis.data.sources.reading import read_bytes
from tamis.errors import PictureError
from tamis.machine import usable_processors
from tamis.pipelines.known_samples import KnownSamples
from tamis.types import Failure, Progress, no_progress

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tamis.data.operation import Operation
    from tamis.data.sources.labels import PictureLabels
    from tamis.data.store import Store

__all__ = ["IngestReport", "ingest"]

_CHECKPOINT_ROWS = 2000
_WINDOW_PER_THREAD = 8
_MAX_THREADS = 32


@dataclass(frozen=True)
class IngestReport:
    """What became of the sources.

    Attributes:
        added: new samples.
        known: pictures that the dataset held already.
        failed: pictures, archives or folders that could not be read, in the sources' order.
        labelled: rows of the label table that are of a picture seen here; None without a table.
        label_rows: rows of the label table; None without a table.
    """

    added: int
    known: int
    failed: list[Failure] = field(default_factory=list)
    labelled: int | None = None
    label_rows: int | None = None


def ingest(
    store: Store,
    sources: Sequence[str],
    *,
    labels: str = "none",
    progress: Progress = no_progress,
    threads: int | None = None,
    checkpoint_rows: int = _CHECKPOINT_ROWS,
) -> IngestReport:
    """Add the pictures of folders, patterns, archives and single files to a dataset.

    Each picture is read, hashed, decoded and measured in threads; rows are inserted in the order
    of the sources, whatever the number of threads, and committed every `checkpoint_rows`. A
    picture that the dataset holds already (the same bytes at the same place) is only read and
    hashed, so that an interrupted run goes on where it stopped, and adding again adds nothing.
    A bad file is recorded with its reason and costs nothing else. Memory is bounded: a few
    pictures a thread, one checkpoint's rows, and 16 bytes a sample of the dataset.

    A picture that is known already takes over a label or split only where it has none, so that
    nothing a person has set is overwritten.

    Args:
        store: the dataset.
        sources: folders (searched at any depth), patterns, archives, files.
        labels: "none", "folder" (the name of the folder that holds the picture; none directly in
            a source) or a CSV or Parquet file with the columns path, label and split.
        progress: told after each picture.
        threads: for decoding; as many as there are processors if not given.
        checkpoint_rows: how much is at most lost when the run is killed.

    Raises:
        InputError: a source is missing, empty or vanishes; the label table cannot be used or
            speaks of none of the pictures. Nothing that was not committed before is kept.
        ConflictError: another writer was in the way.
        StorageError: the disk refuses.
    """
    marks = open_labels(labels)
    total = count_pictures(sources)
    if isinstance(marks, TableLabels):
        listed = iter_locations(sources)
        marks.require_match(item for item in listed if isinstance(item, Location))
    store.refresh()
    known = KnownSamples(
        batch.column("sample_id").to_pylist() for batch in store.batches(["sample_id"])
    )
    params = {"sources": list(sources), "labels": labels}
    try:
        with store.operation("add", params=params) as operation:
            run = _Run(store, operation, marks, checkpoint_rows)
            examined = _examined(
                iter_locations(sources), known, threads or min(usable_processors(), _MAX_THREADS)
            )
            for done, outcome in enumerate(examined, start=1):
                run.take(outcome)
                progress(done, total)
            run.stage()
    finally:
        close_archives()
    counts = operation.counts
    table = marks if isinstance(marks, TableLabels) else None
    return IngestReport(
        added=counts["added"],
        known=counts["known"],
        failed=run.failed,
        labelled=None if table is None else table.matched,
        label_rows=None if table is None else table.rows,
    )


@dataclass(frozen=True)
class _New:
    location: Location
    sample_id: str
    content: str
    size: int
    record: PictureRecord


@dataclass(frozen=True)
class _Known:
    location: Location
    sample_id: str


_Outcome = _New | _Known | Failure


def _examined(
    items: Iterator[Location | Failure], known: KnownSamples, threads: int
) -> Iterator[_Outcome]:
    """Examine pictures in threads, a bounded number ahead, and yield them in their order."""
    waiting: deque[Future[_Outcome] | Failure] = deque()
    pool = ThreadPoolExecutor(threads, thread_name_prefix="tamis-ingest")
    try:
        for item in items:
            if isinstance(item, Failure):
                require_source(item.source)
                waiting.append(item)
            else:
                waiting.append(pool.submit(_examine, item, known))
            if len(waiting) >= threads * _WINDOW_PER_THREAD:
                yield _finished(waiting.popleft())
        while waiting:
            yield _finished(waiting.popleft())
    finally:
        pool.shutdown(cancel_futures=True)


def _finished(outcome: Future[_Outcome] | Failure) -> _Outcome:
    return outcome if isinstance(outcome, Failure) else outcome.result()


def _examine(location: Location, known: KnownSamples) -> _Outcome:
    try:
        data = read_bytes(location.uri, location.path)
        content = content_hash(data)
        name = sample_id(content, location.uri)
        if name in known:
            return _Known(location, name)
        return _New(location, name, content, len(data), examine(data, location.path))
    except PictureError as error:
        require_source(location.source)
        return Failure(location.path, error.reason, location.source)


class _Run:
    """Collects outcomes and hands them to the operation in batches."""

    def __init__(
        self, store: Store, operation: Operation, labels: PictureLabels, checkpoint_rows: int
    ) -> None:
        self.failed: list[Failure] = []
        self._store = store
        self._operation = operation
        self._labels = labels
        self._checkpoint_rows = checkpoint_rows
        self._added_at = datetime.now(UTC)
        self._new: list[dict[str, object]] = []
        self._known = 0
        self._known_marks: dict[str, Marks] = {}
        self._failures: list[Failure] = []

    def take(self, outcome: _Outcome) -> None:
        """Keep one outcome, and commit when there is enough."""
        if isinstance(outcome, _New):
            self._new.append(self._row(outcome))
        elif isinstance(outcome, _Known):
            self._known += 1
            marks = self._labels.of(outcome.location)
            if marks.label is not None or marks.split is not None:
                self._known_marks[outcome.sample_id] = marks
        else:
            self._failures.append(outcome)
        pending = len(self._new) + len(self._known_marks) + len(self._failures)
        if pending >= self._checkpoint_rows:
            self.stage()
            self._operation.checkpoint()

    def stage(self) -> None:
        """Hand over all that is kept."""
        self._operation.count_known(self._known)
        if self._new:
            self._operation.insert(pa.Table.from_pylist(self._new, schema=_ROWS))
        self._operation.record_failures(self._failures)
        self._fill_marks()
        self.failed.extend(self._failures)
        self._operation.counts["failed"] = len(self.failed)
        self._new, self._known, self._known_marks, self._failures = [], 0, {}, []

    def _row(self, new: _New) -> dict[str, object]:
        marks = self._labels.of(new.location)
        return {
            "sample_id": new.sample_id,
            "path": new.location.path,
            "uri": new.location.uri,
            "source": new.location.source,
            "bytes": new.size,
            "content_hash": new.content,
            "added_at": self._added_at,
            "label": marks.label,
            "split": marks.split,
            **asdict(new.record),
        }

    def _fill_marks(self) -> None:
        """Give known samples the marks that they lack."""
        if not self._known_marks:
            return
        ids = list(self._known_marks)
        stored = self._store.read(["label", "split"], ids=ids).to_pydict()
        for mark, present in stored.items():
            values = {
                name: value
                for name, old in zip(ids, present, strict=True)
                if old is None and (value := getattr(self._known_marks[name], mark)) is not None
            }
            if values:
                if mark == "split":
                    values |= inherited_splits(self._store, values)
                column = pa.array(list(values.values()), pa.string())
                self._operation.set_marks(list(values), {mark: column})


_ROWS = pa.schema([*PICTURE_COLUMNS, SAMPLES.field("label"), SAMPLES.field("split")])
