"""Vectors for the pictures that lack them."""

from __future__ import annotations

import time
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple, Self

import numpy as np

from tamis.dataset.parts import BOX_COLUMNS, Box
from tamis.dataset.schema import error_column_of, vector_field
from tamis.encoders.preprocess import decode_side, prepare
from tamis.errors import PictureError, UsageError
from tamis.machine import usable_processors
from tamis.runtime.batch_size import BatchSize, find_batch_size
from tamis.runtime.decoded_rows import by_picture, decoded_rows
from tamis.runtime.indexing import is_index_worthwhile
from tamis.sources.archives import close_archives
from tamis.sources.locations import require_source
from tamis.sources.video.frame_reader import close_videos
from tamis.types import Failure, no_progress

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tamis.dataset.operation import Operation
    from tamis.dataset.store import Store
    from tamis.encoders.base import Encoder
    from tamis.types import Progress, Vectors

__all__ = ["EmbedReport", "embed"]

_WAITING_PER_WORKER = 2
_LENGTH_TOLERANCE = 1e-3
_COLUMNS = ["sample_id", "path", "uri", "source", "content_hash"]


@dataclass(frozen=True)
class EmbedReport:
    """What embedding did.

    Attributes:
        encoder: spec of the encoder.
        column: the vector column.
        dim: length of a vector.
        embedded: pictures that got a vector.
        skipped: pictures that were not tried: they have a vector, or failed before.
        failed: pictures that could not be embedded now, with their reasons.
        batch_size: pictures for one call of the encoder, as it was at the end.
        seconds: how long it took.
    """

    encoder: str
    column: str
    dim: int
    embedded: int
    skipped: int
    failed: list[Failure] = field(default_factory=list)
    batch_size: int = 1
    seconds: float = 0.0


def embed(
    store: Store,
    encoder: Encoder,
    *,
    batch_size: int | None = None,
    threads: int | None = None,
    checkpoint_rows: int = 4096,
    dtype: str = "float32",
    retry: bool = False,
    progress: Progress = no_progress,
) -> EmbedReport:
    """Compute a vector for each picture that has none of this encoder.

    Each of `threads` workers reads, decodes and embeds a batch at a time, so that decoding and
    inference share the cores without waiting for each other; a thread of its own writes, and
    commits every `checkpoint_rows`, while the workers go on. Memory is bounded: the batches in
    flight and two checkpoints' vectors. A run that is killed loses at most two checkpoints and
    goes on where it was. A bad picture costs only itself: its reason is kept beside its vector.

    A file that has changed since it was added is not embedded: its row describes other pixels.

    Args:
        store: the dataset.
        encoder: must allow calls from several threads; load it with `threads=1` so that the
            workers do not compete.
        batch_size: pictures for one call of the encoder; found for the device when None. It
            halves, for the rest of the run, whenever the device runs out of memory.
        threads: workers; as many as there are processors when None.
        checkpoint_rows: rows for one commit.
        dtype: how vectors are stored, `float32` or `float16`.
        retry: try again the pictures that failed before.
        progress: told after each batch.

    Raises:
        UsageError: an option is out of range, or the column exists with another dtype.
        InputError: a whole source vanished, such as a disk that was unplugged.
        ConflictError: another writer was in the way.
        StorageError: the disk refuses.
    """
    for name, value in (
        ("batch_size", batch_size),
        ("threads", threads),
        ("checkpoint_rows", checkpoint_rows),
    ):
        if value is not None and value < 1:
            raise UsageError(f"{name} is {value}; it must be at least 1")
    begin = time.monotonic()
    store.refresh()
    column = str(vector_field(encoder.spec, encoder.fingerprint, encoder.dim, dtype).name)
    todo = _condition(store, column, retry=retry)
    total = store.count(todo)
    skipped = store.count() - total
    progress(0, total)
    embedded, failed = 0, []
    batch = BatchSize(1)
    if total or column not in store.columns():
        batch = BatchSize(batch_size or (find_batch_size(encoder) if total else 1))
        params = {
            "encoder": encoder.spec,
            "fingerprint": encoder.fingerprint,
            "dtype": dtype,
            "batch_size": batch.size,
        }
        with store.operation("embed", params=params) as operation:
            operation.add_vector_column(encoder.spec, encoder.fingerprint, encoder.dim, dtype)
            with _Writer(operation, column, checkpoint_rows, retry=retry) as writer:
                pending = _pending(store, todo, batch.size)
                for part in _embedded(pending, encoder, batch, threads or usable_processors()):
                    writer.take(part)
                    progress(writer.taken, total)
                if is_index_worthwhile(store, column, new=writer.taken):
                    operation.index_vectors(column)
        embedded, failed = writer.embedded, writer.failed
    return EmbedReport(
        encoder=encoder.spec,
        column=column,
        dim=encoder.dim,
        embedded=embedded,
        skipped=skipped,
        failed=failed,
        batch_size=batch.size,
        seconds=time.monotonic() - begin,
    )


def _condition(store: Store, column: str, *, retry: bool) -> str | None:
    """Say which rows are left to do, in SQL; None is all."""
    if column not in store.columns():
        return None
    missing = f"{column} IS NULL"
    return missing if retry else f"{missing} AND {error_column_of(column)} IS NULL"


class _Row(NamedTuple):
    sample_id: str
    path: str
    uri: str
    source: str
    content_hash: str
    x: int | None = None
    y: int | None = None
    width: int | None = None
    height: int | None = None

    @property
    def box(self) -> Box | None:
        """The part of the picture; None if it is all of it."""
        if self.x is None or self.y is None or self.width is None or self.height is None:
            return None
        return Box(self.x, self.y, self.width, self.height)


def _pending(store: Store, where: str | None, size: int) -> Iterator[list[_Row]]:
    columns = [*_COLUMNS, *(BOX_COLUMNS if "kind" in store.columns() else ())]
    rows = (
        _Row(*values)
        for batch in store.batches(columns, where)
        for values in zip(*(batch.column(name).to_pylist() for name in columns), strict=True)
    )
    return by_picture(rows, size)


class _Batch(NamedTuple):
    ids: list[str]
    vectors: Vectors
    failed: list[tuple[_Row, str]]


def _embedded(
    batches: Iterator[list[_Row]], encoder: Encoder, batch_size: BatchSize, threads: int
) -> Iterator[_Batch]:
    """Embed batches in workers, a bounded number ahead, and yield them in their order."""
    waiting: deque[Future[_Batch]] = deque()
    pool = ThreadPoolExecutor(threads, thread_name_prefix="tamis-embed")
    try:
        for rows in batches:
            waiting.append(pool.submit(_embed_batch, rows, encoder, batch_size))
            if len(waiting) > threads * _WAITING_PER_WORKER:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)
        close_archives()
        close_videos()


def _embed_batch(rows: list[_Row], encoder: Encoder, batch_size: BatchSize) -> _Batch:
    good: list[_Row] = []
    pixels = []
    failed: list[tuple[_Row, str]] = []
    side = decode_side(encoder.preprocessing)
    for row, found in decoded_rows(rows, side):
        if isinstance(found, PictureError):
            require_source(row.source)
            failed.append((row, found.reason))
            continue
        pixels.append(
            prepare(found.image, encoder.preprocessing, size=found.size, extent=found.extent)
        )
        good.append(row)
    if not good:
        return _Batch([], np.empty((0, encoder.dim), np.float32), failed)
    vectors = batch_size.embed(encoder, np.stack(pixels))
    # asked this way round, a length that is not a number is not usable either
    usable = np.abs(np.linalg.norm(vectors, axis=1) - 1) <= _LENGTH_TOLERANCE
    reason = "the encoder gave no finite vector of length 1"
    failed += [(row, reason) for row, fits in zip(good, usable, strict=True) if not fits]
    ids = [row.sample_id for row, fits in zip(good, usable, strict=True) if fits]
    return _Batch(ids, vectors[usable], failed)


class _Writer:
    """Collects batches and commits them, a checkpoint at a time, from a thread of its own.

    While it is open, that thread alone touches the operation; the next checkpoint waits until
    the one before is written. On leaving, what is left is staged for the operation's own end.
    """

    def __init__(
        self, operation: Operation, column: str, checkpoint_rows: int, *, retry: bool
    ) -> None:
        self.taken = 0
        self.embedded = 0
        self.failed: list[Failure] = []
        self._operation = operation
        self._column = column
        self._checkpoint_rows = checkpoint_rows
        self._retry = retry
        self._batches: list[_Batch] = []
        self._rows = 0
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="tamis-write")
        self._writing: Future[None] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        try:
            if kind is None:
                self._finish_writing()
                self._stage(self._batches)
        finally:
            self._thread.shutdown()

    def take(self, batch: _Batch) -> None:
        """Keep one batch, and begin to commit when there is enough."""
        rows = len(batch.ids) + len(batch.failed)
        self._batches.append(batch)
        self._rows += rows
        self.taken += rows
        if self._rows >= self._checkpoint_rows:
            self._finish_writing()
            self._writing = self._thread.submit(self._commit, self._batches)
            self._batches, self._rows = [], 0

    def _finish_writing(self) -> None:
        if self._writing is not None:
            self._writing.result()

    def _commit(self, batches: list[_Batch]) -> None:
        self._stage(batches)
        self._operation.checkpoint()

    def _stage(self, batches: list[_Batch]) -> None:
        ids = [name for batch in batches for name in batch.ids]
        failed = [pair for batch in batches for pair in batch.failed]
        if ids:
            vectors = np.concatenate([batch.vectors for batch in batches])
            self._operation.set_vectors(self._column, ids, vectors)
        if failed or (self._retry and ids):
            self._operation.set_errors(
                self._column,
                [*ids, *(row.sample_id for row, _ in failed)],
                [*(None for _ in ids), *(reason for _, reason in failed)],
            )
        self.embedded += len(ids)
        self.failed += [Failure(row.path, reason, row.source) for row, reason in failed]
        self._operation.counts.update(embedded=self.embedded, failed=len(self.failed))
