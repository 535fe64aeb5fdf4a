"""Pictures, and frames of videos, from where they lie into the dataset's rows."""

from __future__ import annotations

from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tamis.errors import PictureError
from tamis.images.picture_record import content_hash, examine, sample_id
from tamis.machine import usable_processors
from tamis.runtime.known_pictures import KnownPictures
from tamis.runtime.sample_rows import KnownSample, NewSample, Outcome, SampleWriter
from tamis.runtime.sources_to_add import SourcesToAdd
from tamis.runtime.video_frames import VideoFrame, frame_sample, frames_of_video
from tamis.sources.archives import close_archives
from tamis.sources.locations import Location, require_source
from tamis.sources.reading import read_bytes
from tamis.sources.video.places import FRAME_COLUMNS
from tamis.types import Failure, Progress, no_progress

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tamis.dataset.operation import Operation
    from tamis.dataset.store import Store
    from tamis.sources.video.frames import Frame
    from tamis.sources.video.sampling import Sampling

__all__ = ["IngestReport", "ingest", "report_of"]

_CHECKPOINT_ROWS = 2000
_WINDOW_PER_THREAD = 8
_FRAMES_PER_THREAD = 2  # a decoded frame takes many times a file's bytes
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
        unlabelled: pictures seen here that got nothing from the table; None without a table.
        label_level: which folders gave labels, as in `FolderLabels`; None where none did.
        frames: of the new samples, those that are frames of videos.
        videos: videos that frames were taken of.
        videos_passed_over: videos in folders, of which frames are taken only if asked for.
        notes: sentences on what the user should know, such as rows that found no picture.
    """

    added: int
    known: int
    failed: list[Failure] = field(default_factory=list)
    labelled: int | None = None
    label_rows: int | None = None
    unlabelled: int | None = None
    label_level: int | None = None
    frames: int = 0
    videos: int = 0
    videos_passed_over: int = 0
    notes: list[str] = field(default_factory=list)


def ingest(
    store: Store,
    sources: Sequence[str],
    *,
    labels: str = "none",
    label_level: int | None = None,
    exclude: Sequence[str] = (),
    sampling: Sampling | None = None,
    progress: Progress = no_progress,
    threads: int | None = None,
    checkpoint_rows: int = _CHECKPOINT_ROWS,
) -> IngestReport:
    """Add the pictures of folders, patterns, archives, videos and single files to a dataset.

    Each picture is read, hashed, decoded and measured in threads; rows are inserted in the order
    of the sources, whatever the number of threads, and committed every `checkpoint_rows`. A
    picture that the dataset holds already (the same bytes at the same place, however the place is
    spelt) is only read and
    hashed, so that an interrupted run goes on where it stopped, and adding again adds nothing.
    A bad file is recorded with its reason and costs nothing else. Memory is bounded: a few
    pictures a thread, one checkpoint's rows, and 32 bytes a sample of the dataset.

    A frame of a video is a sample whose row points into the video; nothing is written beside it.
    A video whose frames are all known is not decoded again.

    A picture that is known already takes over a label or split only where it has none, so that
    nothing a person has set is overwritten.

    Args:
        store: the dataset.
        sources: folders (searched at any depth), patterns, archives, files.
        labels: "none", "folder" (the name of a folder that the picture lies in) or a CSV or
            Parquet file with the columns path, label and split.
        label_level: which folder is the label: 1 the first below the source, 0 the source itself,
            -1 the one that holds the picture, -2 the one above. If None, the nearest to the
            pictures that tells them apart; see `tamis.sources.folder_labels`.
        exclude: patterns of files and folders that are left out; see `Exclusion`.
        sampling: which frames of videos are taken. If None, one a second of videos that are named
            or matched by a pattern, and none of those in folders, which are counted.
        progress: told after each picture.
        threads: for decoding; as many as there are processors if not given.
        checkpoint_rows: how much is at most lost when the run is killed.

    Raises:
        InputError: a source is missing, empty or vanishes; the label table cannot be used or
            speaks of none of the pictures, or none lies at the label level. Nothing that was not
            committed before is kept.
        MissingExtraError: there are videos to take frames of and PyAV is not installed.
        ConflictError: another writer was in the way.
        StorageError: the disk refuses.
    """
    wanted = SourcesToAdd(sources, labels, sampling, label_level=label_level, exclude=exclude)
    known = KnownPictures(store)
    try:
        with store.operation("add", params=wanted.params) as operation:
            if wanted.videos:
                operation.require_columns(FRAME_COLUMNS)
            writer = SampleWriter(store, operation, wanted, checkpoint_rows)
            threads = threads or min(usable_processors(), _MAX_THREADS)
            outcomes = _examined(_with_frames(wanted, known), known, threads)
            for done, outcome in enumerate(outcomes, start=1):
                writer.take(outcome)
                progress(done, wanted.total)
            writer.stage()
    finally:
        close_archives()
    return report_of(wanted, writer, operation)


def report_of(wanted: SourcesToAdd, writer: SampleWriter, operation: Operation) -> IngestReport:
    """Return what became of the sources once all was written."""
    return IngestReport(
        added=operation.counts["added"],
        known=operation.counts["known"],
        failed=writer.failed,
        labelled=wanted.labelled,
        label_rows=wanted.label_rows,
        unlabelled=wanted.unlabelled,
        label_level=wanted.label_level,
        frames=writer.frames,
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


def _examined(items: Iterator[_Item], known: KnownPictures, threads: int) -> Iterator[Outcome]:
    """Examine pictures in threads, a bounded number ahead, and yield them in their order."""
    waiting: deque[Future[Outcome] | KnownSample | Failure] = deque()
    frames = deque[Future[Outcome]]()
    pool = ThreadPoolExecutor(threads, thread_name_prefix="tamis-ingest")
    try:
        for item in items:
            if isinstance(item, Failure):
                require_source(item.source)
                waiting.append(item)
            elif isinstance(item, Location):
                waiting.append(pool.submit(_examine, item, known))
            elif item.frame is None:
                waiting.append(KnownSample(item.location, item.sample_id))
            else:
                frames.append(pool.submit(_examine_frame, item, item.frame))
                waiting.append(frames[-1])
            if len(frames) >= threads * _FRAMES_PER_THREAD:
                frames.popleft().exception()  # waits; what went wrong is raised in its turn
            if len(waiting) >= threads * _WINDOW_PER_THREAD:
                yield _finished(waiting.popleft())
        while waiting:
            yield _finished(waiting.popleft())
    finally:
        pool.shutdown(cancel_futures=True)


def _finished(outcome: Future[Outcome] | KnownSample | Failure) -> Outcome:
    return outcome.result() if isinstance(outcome, Future) else outcome


def _examine(location: Location, known: KnownPictures) -> Outcome:
    try:
        data = read_bytes(location.uri, location.path)
        content = content_hash(data)
        place = known.places.of(location.uri)
        found = known.find(content, place)
        if found is not None:
            return KnownSample(location, found)
        name = sample_id(content, place)
        return NewSample(location, name, content, len(data), examine(data, location.path))
    except PictureError as error:
        require_source(location.source)
        return Failure(location.path, error.reason, location.source)


def _examine_frame(item: VideoFrame, frame: Frame) -> Outcome:
    try:
        return frame_sample(item, frame)
    except PictureError as error:
        return Failure(item.location.path, error.reason, item.location.source)
