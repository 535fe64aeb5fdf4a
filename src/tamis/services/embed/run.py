"""Vectors for the pictures that lack them."""

from __future__ import annotations

import time
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from tamis.dataset.columns import Column
from tamis.dataset.parts import BOX_COLUMNS
from tamis.dataset.samples import Kind
from tamis.dataset.schema import error_column_of, vector_field
from tamis.encoders.registry import is_loadable, load_encoder
from tamis.errors import EncoderError, UsageError
from tamis.machine import usable_processors
from tamis.runtime.batch_size import BatchSize, find_batch_size
from tamis.runtime.decoded_rows import by_picture
from tamis.runtime.indexing import is_index_worthwhile
from tamis.runtime.ordered_map import ordered_map
from tamis.runtime.ray_workers import workers_of
from tamis.runtime.row_sink import RowSink
from tamis.runtime.stage import Stage
from tamis.runtime.worker_choice import in_processes
from tamis.services.embed.contract import EmbedReport
from tamis.services.embed.embedded_batch import EmbeddedBatch, EmbedRow, prepared
from tamis.services.embed.on_device import embedded_on_device
from tamis.services.embed.precision import choose_precision, with_precision
from tamis.sources.archives import close_archives
from tamis.sources.locations import require_source
from tamis.sources.video.frame_reader import close_videos
from tamis.types import Failure
from tamis.verbs.feedback import SILENT

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator, Mapping, Sequence

    from tamis.dataset.samples import Samples, SampleSet
    from tamis.encoders.base import Encoder
    from tamis.runtime.workspace import Workspace
    from tamis.services.embed.contract import Embed
    from tamis.verbs.feedback import Feedback

__all__ = ["EmbedBatch", "EmbeddedBatch", "embed"]

CHECKPOINT_ROWS = 4096
"""Rows for one commit."""

_WAITING_PER_WORKER = 2
_COLUMNS = ["sample_id", "path", "uri", "source", "content_hash"]


def embed(workspace: Workspace, request: Embed, feedback: Feedback = SILENT) -> EmbedReport:
    """Compute a vector for each picture that has none of the encoder.

    On a processor each of several workers reads, decodes and embeds a batch at a time, so that
    decoding and inference share the cores without waiting for each other. For another device the
    workers decode picture by picture, however large its batches are, and two threads keep it busy.
    A thread of its own writes, and commits every 4,096 rows, while the workers go on. Batches are
    composed alike whatever the number of workers. Memory is bounded: the batches in flight and two
    checkpoints' vectors. A run that is killed loses at most two checkpoints and
    goes on where it was. A bad picture costs only itself: its reason is kept beside its vector.
    A batch halves, for the rest of the run, whenever the device runs out of memory.

    A file that has changed since it was added is not embedded: its row describes other pixels.

    Raises:
        UsageError: the column exists with another dtype.
        EncoderError: the encoder cannot be loaded.
        InputError: a whole source vanished, such as a disk that was unplugged.
        ConflictError: another writer was in the way.
        StorageError: the disk refuses.
    """
    store, progress = workspace.store, feedback.stage("embed")
    dtype, retry = request.dtype, request.retry
    encoders, note = _encoders(workspace, request)
    encoder = encoders[0]
    begin = time.monotonic()
    store.refresh()
    column = str(vector_field(encoder.spec, encoder.fingerprint, encoder.dim, dtype).name)
    samples = workspace.samples
    todo = _todo(samples, column, retry=retry)
    total = todo.count()
    skipped = samples.of(kind=Kind.ALL).count() - total
    progress(0, total)
    embedded, failed = 0, list[Failure]()
    batch = BatchSize(1)
    if total or not samples.has(column):
        batch = BatchSize(request.batch_size or (find_batch_size(encoder) if total else 1))
        params = {
            "encoder": encoder.spec,
            "fingerprint": encoder.fingerprint,
            "dtype": dtype,
            "batch_size": batch.size,
        }
        with store.operation("embed", params, request=request) as operation:
            operation.counts |= {"embedded": 0, "failed": 0}
            operation.add_vector_column(encoder.spec, encoder.fingerprint, encoder.dim, dtype)
            vectors = _embedded(todo, encoders, batch, request, total)
            with (
                RowSink(store, operation, column=column, checkpoint_rows=CHECKPOINT_ROWS) as sink,
                closing(vectors),
            ):
                for made in vectors:
                    sink.take(made.rows(retry=retry))
                    embedded += len(made.ids)
                    failed += [Failure(r.path, reason, r.source) for r, reason in made.failed]
                    progress(embedded + len(failed), total)
            if is_index_worthwhile(store, column, new=embedded + len(failed)):
                operation.index_vectors(column)
    return EmbedReport(
        encoder=encoder.spec,
        column=column,
        dim=encoder.dim,
        embedded=embedded,
        skipped=skipped,
        failed=failed,
        batch_size=batch.size,
        seconds=time.monotonic() - begin,
        notes=[note] if note else [],
    )


def _encoders(workspace: Workspace, request: Embed) -> tuple[list[Encoder], str]:
    """Return the encoder, on each device that was named, and why it has its precision.

    Raises:
        UsageError: several devices were named for an encoder that runs on the processor.
        EncoderError: it cannot be loaded.
    """
    pool, spec, note = workspace.encoders, request.encoder, ""
    # a cluster may have a device that this machine lacks
    devices = [{"device": name} for name in request.devices if request.runner != "ray"] or [{}]

    def load(spec: str, device: Mapping[str, str] = devices[0]) -> Encoder:
        # the workers share the cores, one inference thread each
        return pool.load(spec, threads=1, **device)

    if request.precision == "auto":
        workspace.store.refresh()
        rows = (row for part in _pending(workspace.samples.of(kind=Kind.WHOLE), 1) for row in part)
        names = [column.name for column in workspace.samples.vector_columns]
        chosen, note = choose_precision(spec, load, rows, names)
        spec = chosen.spec
    elif request.precision is not None:
        spec = with_precision(spec, request.precision)
    encoders = [load(spec, device) for device in devices]
    if len(encoders) > 1 and any(str(getattr(one, "device", "cpu")) == "cpu" for one in encoders):
        raise UsageError(
            f"{request.device} names several devices, which is for GPUs; on a processor say how "
            "many  --threads"
        )
    return encoders, note


def _embedded(
    todo: SampleSet, encoders: Sequence[Encoder], batch: BatchSize, request: Embed, total: int
) -> Generator[EmbeddedBatch]:
    """Return what comes of the rows that are left to do, batch by batch, in their order."""
    encoder = encoders[0]
    workers, pool = workers_of(
        request.runner,
        request.address,
        request.threads,
        here=usable_processors(),
        gpus=float((request.device or "").startswith("cuda")),
    )
    if pool is not None:
        device = {} if request.device is None else {"device": request.device}
        return ordered_map(
            EmbedBatch(encoder, batch, {"threads": 1, **device}),
            _pending(todo, batch.size),
            workers=workers,
            ahead=_WAITING_PER_WORKER,
            pool=pool,
        )
    if str(getattr(encoder, "device", "cpu")) == "cpu":
        return ordered_map(
            EmbedBatch(encoder, batch),
            _pending(todo, batch.size),
            workers=workers,
            ahead=_WAITING_PER_WORKER,
            # inference holds no lock, and each process would need the model
            processes=bool(request.processes),
        )
    return embedded_on_device(
        encoders,
        batch,
        _pending(todo, 1),
        workers=workers,
        processes=in_processes(request.processes, workers=workers, items=total),
    )


def _todo(samples: Samples, column: str, *, retry: bool) -> SampleSet:
    """Return the rows that are left to do, parts of pictures among them."""
    everything = samples.of(kind=Kind.ALL)
    if not samples.has(column):
        return everything
    missing = everything.lacking(column)
    return missing if retry else missing.lacking(error_column_of(column))


def _pending(todo: SampleSet, size: int) -> Iterator[list[EmbedRow]]:
    samples, store = todo.samples, todo.samples.store
    columns = [*_COLUMNS, *(BOX_COLUMNS if samples.has(Column.KIND) else ())]
    rows = (
        EmbedRow(*values)
        for batch in store.batches(columns, todo.condition)
        for values in zip(*(batch.column(name).to_pylist() for name in columns), strict=True)
    )
    return by_picture(rows, size)


@dataclass(frozen=True)
class EmbedBatch(Stage["list[EmbedRow]", EmbeddedBatch]):
    """Reads, decodes and embeds a batch of rows.

    Attributes:
        encoder: makes the vectors. Another process loads it by its spec; one whose kind tamis does
            not know is pickled.
        batch_size: pictures for one call of it.
        options: for loading it in another process.
    """

    encoder: Encoder
    batch_size: BatchSize
    options: Mapping[str, Any] = field(default_factory=lambda: {"threads": 1})

    def __reduce__(self) -> tuple[Callable[..., EmbedBatch], tuple[Any, ...]]:
        if not is_loadable(self.encoder.spec):
            return EmbedBatch, (self.encoder, self.batch_size, self.options)
        identity = (self.encoder.spec, self.encoder.fingerprint)
        return _with_encoder_of, (*identity, self.batch_size, dict(self.options))

    @contextmanager
    def open(self) -> Iterator[Callable[[list[EmbedRow]], EmbeddedBatch]]:
        """See `Stage`."""
        try:
            yield self._embed
        finally:
            close_archives()
            close_videos()

    def failed(self, item: list[EmbedRow], reason: str) -> EmbeddedBatch:
        """See `Stage`."""
        for row in item:
            require_source(row.source)
        none = np.empty((0, self.encoder.dim), np.float32)
        return EmbeddedBatch([], none, [(row, reason) for row in item])

    def parts(self, item: list[EmbedRow]) -> Sequence[list[EmbedRow]]:
        """See `Stage`."""
        return [[row] for row in item]

    def joined(self, outcomes: Sequence[EmbeddedBatch]) -> EmbeddedBatch:
        """See `Stage`."""
        return EmbeddedBatch(
            [name for made in outcomes for name in made.ids],
            np.concatenate([made.vectors for made in outcomes]),
            [pair for made in outcomes for pair in made.failed],
        )

    def _embed(self, rows: list[EmbedRow]) -> EmbeddedBatch:
        ready = list(prepared(rows, self.encoder.preprocessing))
        return EmbeddedBatch.of(self.encoder, self.batch_size, ready)


def _with_encoder_of(
    spec: str, fingerprint: str, batch_size: BatchSize, options: Mapping[str, Any]
) -> EmbedBatch:
    encoder = load_encoder(spec, **options)
    if encoder.fingerprint != fingerprint:
        raise EncoderError(f"{spec} is another encoder in a worker process; run it in threads")
    return EmbedBatch(encoder, batch_size, options)
