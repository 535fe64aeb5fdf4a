"""Pictures, and frames of videos, from where they lie into the dataset's rows."""

from __future__ import annotations

from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tamis.images.picture_record import content_hash, examine, sample_id
from tamis.machine import usable_processors
from tamis.runtime.known_pictures import KnownPictures
from tamis.runtime.ordered_map import ordered_map
from tamis.runtime.row_sink import RowSink
from tamis.runtime.sample_rows import KnownSample, NewSample, Outcome, SampleRows
from tamis.runtime.sources_to_add import SourcesToAdd
from tamis.runtime.stage import Stage
from tamis.runtime.video_frames import VideoFrame, frame_sample, frames_of_video
from tamis.sources.archives import close_archives
from tamis.sources.locations import Location, require_source
from tamis.sources.reading import read_bytes
from tamis.sources.video.places import FRAME_COLUMNS
from tamis.types import Failure, Progress, no_progress

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from tamis.dataset.operation import Operation
    from tamis.dataset.store import Store
    from tamis.sources.video.sampling import Sampling

__all__ = ["MAX_THREADS", "Examine", "IngestReport", "ingest", "report_of"]

_CHECKPOINT_ROWS = 2000
_WINDOW_PER_THREAD = 8
_FRAME_WEIGHT = 4  # a decoded frame takes many times a file's bytes
MAX_THREADS = 32


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
    spelt) is only read and hashed, so that an interrupted run goes on where it stopped, and adding
    again adds nothing. A bad file is recorded with its reason and costs nothing else. Memory is
    bounded: a few pictures a thread, two checkpoints' rows, and 32 bytes a sample of the dataset.

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
        checkpoint_rows: rows for one commit; twice as many are lost at most when the run is killed.

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
    threads = threads or min(usable_processors(), MAX_THREADS)
    rows = SampleRows(wanted)
    with store.operation("add", params=wanted.params) as operation:
        operation.count_known(0)
        operation.counts["failed"] = 0
        if wanted.videos:
            operation.require_columns(FRAME_COLUMNS)
        outcomes = ordered_map(
            Examine(known),
            _with_frames(wanted, known),
            workers=threads,
            ahead=_WINDOW_PER_THREAD,
            weight=_weight,
        )
        with (
            RowSink(store, operation, checkpoint_rows=checkpoint_rows) as sink,
            closing(outcomes),
        ):
            for done, outcome in enumerate(outcomes, start=1):
                sink.take(rows.of(outcome))
                progress(done, wanted.total)
    return report_of(wanted, rows, operation)


def report_of(wanted: SourcesToAdd, rows: SampleRows, operation: Operation) -> IngestReport:
    """Return what became of the sources once all was written."""
    return IngestReport(
        added=operation.counts["added"],
        known=operation.counts["known"],
        failed=rows.failed,
        labelled=wanted.labelled,
        label_rows=wanted.label_rows,
        unlabelled=wanted.unlabelled,
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
    """

    known: KnownPictures

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
            if item.frame is None:
                return KnownSample(item.location, item.sample_id)
            return frame_sample(item, item.frame)
        data = read_bytes(item.uri, item.path)
        content = content_hash(data)
        place = self.known.places.of(item.uri)
        found = self.known.find(content, place)
        if found is not None:
            return KnownSample(item, found)
        name = sample_id(content, place)
        return NewSample(item, name, content, len(data), examine(data, item.path))
