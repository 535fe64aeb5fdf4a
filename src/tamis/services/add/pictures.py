"""Add pictures and video frames: read, hash, decode, measure, and write rows."""

from __future__ import annotations

from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from tamis.dataset.embedded import column_of_encoder
from tamis.encoders.preprocess import decode_side, prepare
from tamis.errors import PictureError
from tamis.images.picture_record import content_hash, examine, examine_and_decode, sample_id
from tamis.machine import usable_processors
from tamis.runtime.batch_size import BatchSize, find_batch_size
from tamis.runtime.indexing import is_index_worthwhile
from tamis.runtime.ordered_map import ordered_map
from tamis.runtime.ray_workers import workers_of
from tamis.runtime.row_sink import RowSink
from tamis.runtime.stage import Stage
from tamis.runtime.worker_choice import in_processes
from tamis.services.add.contract import AddReport
from tamis.services.add.embedding import with_vectors
from tamis.services.add.known_pictures import KnownPictures
from tamis.services.add.sample_rows import KnownSample, NewSample, Outcome, SampleRows
from tamis.services.add.sources_to_add import SourcesToAdd
from tamis.services.add.video_frames import VideoFrame, frame_sample, frames_of_video
from tamis.sources.archives import close_archives
from tamis.sources.locations import require_source
from tamis.sources.reading import read_bytes
from tamis.sources.spread import Location
from tamis.sources.video.frames import Scaled
from tamis.sources.video.places import FRAME_COLUMNS
from tamis.types import Failure
from tamis.verbs.feedback import SILENT

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator

    import numpy as np
    from numpy.typing import NDArray

    from tamis.dataset.operation import Operation
    from tamis.encoders.base import Encoder
    from tamis.images.picture_record import PictureRecord
    from tamis.runtime.workspace import Workspace
    from tamis.services.add.contract import Add
    from tamis.types import Preprocessing
    from tamis.verbs.feedback import Feedback

__all__ = ["Examine", "add_pictures", "report_of", "threads_for"]

CHECKPOINT_ROWS = 2000
"""Rows for one commit; twice as many are lost at most when the run is killed."""

_WINDOW_PER_THREAD = 8
_FRAME_WEIGHT = 4  # a decoded frame takes many times a file's bytes
MAX_THREADS = 64
_OBJECTS_AT_ONCE = 16


def add_pictures(workspace: Workspace, request: Add, feedback: Feedback = SILENT) -> AddReport:
    """Add the pictures of folders, patterns, archives, videos, stores and single files.

    Each picture is read, hashed, decoded and measured in threads, or in processes where they pay
    (`tamis.runtime.worker_choice`); rows are inserted in the order of the sources, the same
    whatever works on them, and committed every 2,000. Frames of videos stay in threads. A
    picture that the dataset holds already (the same bytes at the same place, however the place is
    spelt) is only read and hashed, so that an interrupted run goes on where it stopped, and adding
    again adds nothing. A bad file is recorded with its reason and costs nothing else. Memory is
    bounded: a few pictures a thread, two checkpoints' rows, and 32 bytes a sample of the dataset.

    An object at a store whose state is known, by its address and entity tag, is not even read.

    A frame of a video is a sample whose row points into the video; nothing is written beside it.
    A video whose frames are all known is not decoded again.

    With `embed`, what is new gets its vector from the decoding that measures it: decoders work
    picture by picture, and threads beside them embed batches, whose composition does not depend on
    the number of workers. What is known already gets none, and parts get none: `embed` does that.

    A picture that is known already takes over a label or split only where it has none, so that
    nothing a person has set is overwritten.

    Raises:
        InputError: a source is missing, empty or vanishes; the label table cannot be used or
            speaks of none of the pictures, or none lies at the label level. Nothing that was not
            committed before is kept.
        MissingExtraError: there are videos to take frames of and PyAV is not installed.
        EncoderError: the encoder cannot be loaded.
        ConflictError: another writer was in the way.
        StorageError: the disk refuses.
    """
    store, progress = workspace.store, feedback.stage("add")
    # threads share the cores, one inference thread each
    encoder = workspace.encoders.load(request.encoder, threads=1) if request.embed else None
    wanted = SourcesToAdd(request, store)
    known = KnownPictures(store)
    workers, pool = workers_of(
        request.runner,
        request.address,
        request.threads,
        here=threads_for(wanted),
    )
    rows = SampleRows(wanted)
    params = {**wanted.params, **_encoder_facts(encoder)}
    with store.operation("add", params, request=request) as operation:
        operation.count_known(0)
        operation.counts["failed"] = 0
        if wanted.videos:
            operation.require_columns(FRAME_COLUMNS)
        column = None
        if encoder is not None:
            identity = (encoder.spec, encoder.fingerprint, encoder.dim)
            column = operation.add_vector_column(*identity, column_of_encoder(store, *identity)[1])
            operation.counts["embedded"] = 0
        outcomes = ordered_map(
            Examine(known, None if encoder is None else encoder.preprocessing),
            _with_frames(wanted, known),
            workers=workers,
            ahead=_WINDOW_PER_THREAD,
            weight=_weight,
            pool=pool,
            # the frames of videos are decoded here, and would have to be sent
            processes=pool is None
            and not wanted.videos
            and not (wanted.has_objects and request.processes is None)  # they are waited for
            and in_processes(request.processes, workers=workers, items=wanted.total),
        )
        with (
            RowSink(store, operation, column=column, checkpoint_rows=CHECKPOINT_ROWS) as sink,
            closing(outcomes),
            closing(_embedded(outcomes, encoder, workers)) as embedded,
        ):
            for done, outcome in enumerate(embedded, start=1):
                sink.take(rows.of(outcome))
                progress(done, wanted.total)
        new = operation.counts.get("embedded", 0)
        if column is not None and is_index_worthwhile(store, column, new=new):
            operation.index_vectors(column)
    report = report_of(wanted, rows, operation)
    return report if encoder is None else replace(report, embedded=new, encoder=encoder.spec)


def _encoder_facts(encoder: Encoder | None) -> dict[str, str]:
    if encoder is None:
        return {}
    return {"encoder": encoder.spec, "fingerprint": encoder.fingerprint}


def _embedded(
    outcomes: Generator[Outcome], encoder: Encoder | None, workers: int
) -> Generator[Outcome]:
    if encoder is None:
        return outcomes
    return with_vectors(outcomes, encoder, BatchSize(find_batch_size(encoder)), workers=workers)


def threads_for(wanted: SourcesToAdd) -> int:
    """Return how many threads read pictures: a store is waited for, a processor is used."""
    return max(min(usable_processors(), MAX_THREADS), _OBJECTS_AT_ONCE if wanted.has_objects else 1)


def report_of(wanted: SourcesToAdd, rows: SampleRows, operation: Operation) -> AddReport:
    """Return what became of the sources once all was written."""
    return AddReport(
        added=operation.counts["added"],
        known=operation.counts["known"],
        failed=rows.failed,
        labeled=wanted.labeled,
        label_rows=wanted.label_rows,
        unlabeled=wanted.unlabeled,
        label_level=wanted.label_level,
        frames=rows.frames,
        videos=wanted.videos,
        videos_passed_over=wanted.videos_passed_over,
        notes=wanted.notes(),
    )


_Item = Location | VideoFrame | Failure


def _with_frames(wanted: SourcesToAdd, known: KnownPictures) -> Iterator[_Item]:
    """Put the frames of each video in its place."""
    for location in wanted.locations():
        if isinstance(location, Location) and location.is_video:
            yield from frames_of_video(location, wanted.sampling, known, wanted.expect_frames)
        else:
            yield location


def _weight(item: _Item) -> int:
    return _FRAME_WEIGHT if isinstance(item, VideoFrame) and item.frame is not None else 1


@dataclass(frozen=True)
class Examine(Stage[_Item, Outcome]):
    """Reads, hashes, decodes and measures a picture, unless the dataset holds it.

    Attributes:
        known: what the dataset holds.
        preprocessing: of the encoder that the picture is prepared for as well; None for none.
    """

    known: KnownPictures
    preprocessing: Preprocessing | None = None

    @contextmanager
    def open(self) -> Iterator[Callable[[_Item], Outcome]]:
        """See `Stage`."""
        try:
            yield self._examine
        finally:
            close_archives()

    def failed(self, item: _Item, reason: str) -> Outcome:
        """See `Stage`."""
        location = item.location if isinstance(item, VideoFrame) else item
        if isinstance(item, Location):
            require_source(item.source)
        return Failure(location.path, reason, location.source)

    def _examine(self, item: _Item) -> Outcome:
        if isinstance(item, Failure):
            require_source(item.source)
            return item
        if isinstance(item, VideoFrame):
            return self._frame(item)
        same = None if item.state is None else self.known.objects.find(item.uri, item.state)
        if same is not None:
            return KnownSample(item, same)
        data = read_bytes(item.uri, item.path)
        content = content_hash(data)
        place = self.known.places.of(item.uri)
        found = self.known.find(content, place)
        if found is not None:
            return KnownSample(item, found)
        name = sample_id(content, place)
        record, pixels = self._measure(data, item.path)
        return NewSample(item, name, content, len(data), record, pixels=pixels)

    def _frame(self, item: VideoFrame) -> Outcome:
        if item.frame is None:
            return KnownSample(item.location, item.sample_id)
        sample = frame_sample(item, item.frame)
        if self.preprocessing is None:
            return sample
        return replace(
            sample,
            pixels=_prepared(
                item.frame.pixels.scaled(decode_side(self.preprocessing)), self.preprocessing
            ),
        )

    def _measure(self, data: bytes, path: str) -> tuple[PictureRecord, NDArray[np.uint8] | None]:
        if self.preprocessing is not None:
            with suppress(PictureError):  # figures may need less of a picture than the encoder
                side = decode_side(self.preprocessing)
                record, whole = examine_and_decode(data, path, side)
                scaled = Scaled(whole.image, (whole.width, whole.height), whole.extent)
                return record, _prepared(scaled, self.preprocessing)
        return examine(data, path), None


def _prepared(picture: Scaled, preprocessing: Preprocessing) -> NDArray[np.uint8]:
    return prepare(picture.image, preprocessing, size=picture.size, extent=picture.extent)
