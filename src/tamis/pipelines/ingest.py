"""Pictures, and frames of videos, from where they lie into the dataset's rows."""

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
    count_sources,
    iter_locations,
    require_source,
)
from tamis.data.sources.reading import read_bytes
from tamis.data.video.library import load_av
from tamis.data.video.places import FRAME_COLUMNS, split_frame_uri
from tamis.data.video.sampling import Sampling
from tamis.errors import PictureError
from tamis.machine import usable_processors
from tamis.pipelines.known_samples import KnownSamples
from tamis.pipelines.video_frames import (
    VideoFrame,
    examine_frame,
    frame_columns,
    frames_of_video,
)
from tamis.types import Failure, Progress, no_progress

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tamis.data.operation import Operation
    from tamis.data.sources.labels import PictureLabels
    from tamis.data.store import Store
    from tamis.data.video.frames import Frame

__all__ = ["ONE_A_SECOND", "IngestReport", "ingest"]

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
        frames: of the new samples, those that are frames of videos.
        videos: videos that frames were taken of.
        videos_passed_over: videos in folders, of which frames are taken only if asked for.
    """

    added: int
    known: int
    failed: list[Failure] = field(default_factory=list)
    labelled: int | None = None
    label_rows: int | None = None
    frames: int = 0
    videos: int = 0
    videos_passed_over: int = 0


ONE_A_SECOND = Sampling(every=1.0)
"""How often frames are taken of a video that is named, unless told."""


def ingest(
    store: Store,
    sources: Sequence[str],
    *,
    labels: str = "none",
    sampling: Sampling | None = None,
    progress: Progress = no_progress,
    threads: int | None = None,
    checkpoint_rows: int = _CHECKPOINT_ROWS,
) -> IngestReport:
    """Add the pictures of folders, patterns, archives, videos and single files to a dataset.

    Each picture is read, hashed, decoded and measured in threads; rows are inserted in the order
    of the sources, whatever the number of threads, and committed every `checkpoint_rows`. A
    picture that the dataset holds already (the same bytes at the same place) is only read and
    hashed, so that an interrupted run goes on where it stopped, and adding again adds nothing.
    A bad file is recorded with its reason and costs nothing else. Memory is bounded: a few
    pictures a thread, one checkpoint's rows, and 16 bytes a sample of the dataset.

    A frame of a video is a sample whose row points into the video; nothing is written beside it.
    A video whose frames are all known is not decoded again.

    A picture that is known already takes over a label or split only where it has none, so that
    nothing a person has set is overwritten.

    Args:
        store: the dataset.
        sources: folders (searched at any depth), patterns, archives, files.
        labels: "none", "folder" (the name of the folder that holds the picture; none directly in
            a source) or a CSV or Parquet file with the columns path, label and split.
        sampling: which frames of videos are taken. If None, one a second of videos that are named
            or matched by a pattern, and none of those in folders, which are counted.
        progress: told after each picture.
        threads: for decoding; as many as there are processors if not given.
        checkpoint_rows: how much is at most lost when the run is killed.

    Raises:
        InputError: a source is missing, empty or vanishes; the label table cannot be used or
            speaks of none of the pictures. Nothing that was not committed before is kept.
        MissingExtraError: there are videos to take frames of and PyAV is not installed.
        ConflictError: another writer was in the way.
        StorageError: the disk refuses.
    """
    marks = open_labels(labels)
    inside = sampling is not None
    there = count_sources(sources, videos_in_folders=inside)
    if there.first_video is not None and (inside or there.videos):
        load_av(f"reading the video {there.first_video}")
    if isinstance(marks, TableLabels):
        listed = iter_locations(sources, videos_in_folders=inside)
        marks.require_match(item for item in listed if isinstance(item, Location))
    store.refresh()
    known = KnownSamples(
        batch.column("sample_id").to_pylist() for batch in store.batches(["sample_id"])
    )
    params: dict[str, object] = {"sources": list(sources), "labels": labels}
    if sampling is not None:
        params["sampling"] = asdict(sampling)
    videos = there.videos + (there.videos_in_folders if inside else 0)
    total = _Total(there.pictures, videos)
    try:
        with store.operation("add", params=params) as operation:
            if videos:
                operation.require_columns(FRAME_COLUMNS)
            run = _Run(store, operation, marks, checkpoint_rows, with_frames=videos > 0)
            locations = iter_locations(sources, videos_in_folders=inside)
            items = _with_frames(locations, sampling or ONE_A_SECOND, known, total)
            threads = threads or min(usable_processors(), _MAX_THREADS)
            for done, outcome in enumerate(_examined(items, known, threads), start=1):
                run.take(outcome)
                progress(done, total.value)
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
        frames=run.frames,
        videos=videos,
        videos_passed_over=0 if inside else there.videos_in_folders,
    )


class _Total:
    """How many pictures and frames there are, known once every video was opened."""

    def __init__(self, pictures: int | None, videos: int) -> None:
        self._count = pictures
        self._unopened = videos

    @property
    def value(self) -> int | None:
        return None if self._unopened else self._count

    def expect(self, frames: int | None) -> None:
        self._unopened -= 1
        self._count = None if self._count is None or frames is None else self._count + frames


@dataclass(frozen=True)
class _New:
    location: Location
    sample_id: str
    content: str
    size: int | None
    record: PictureRecord
    columns: dict[str, object] = field(default_factory=dict)


@dataclass(frozen=True)
class _Known:
    location: Location
    sample_id: str


_Outcome = _New | _Known | Failure


_Item = Location | VideoFrame | Failure


def _with_frames(
    locations: Iterator[Location | Failure], sampling: Sampling, known: KnownSamples, total: _Total
) -> Iterator[_Item]:
    """Put the frames of each video in its place."""
    for location in locations:
        if isinstance(location, Location) and location.is_video:
            yield from frames_of_video(location, sampling, known, total.expect)
        else:
            yield location


def _examined(items: Iterator[_Item], known: KnownSamples, threads: int) -> Iterator[_Outcome]:
    """Examine pictures in threads, a bounded number ahead, and yield them in their order."""
    waiting: deque[Future[_Outcome] | _Known | Failure] = deque()
    frames = deque[Future[_Outcome]]()
    pool = ThreadPoolExecutor(threads, thread_name_prefix="tamis-ingest")
    try:
        for item in items:
            if isinstance(item, Failure):
                require_source(item.source)
                waiting.append(item)
            elif isinstance(item, Location):
                waiting.append(pool.submit(_examine, item, known))
            elif item.frame is None:
                waiting.append(_Known(item.location, item.sample_id))
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


def _finished(outcome: Future[_Outcome] | _Known | Failure) -> _Outcome:
    return outcome.result() if isinstance(outcome, Future) else outcome


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


def _examine_frame(item: VideoFrame, frame: Frame) -> _Outcome:
    location = item.location
    try:
        record = examine_frame(frame)
    except PictureError as error:
        return Failure(location.path, error.reason, location.source)
    video, _ = split_frame_uri(location.uri) or (location.uri, 0)
    columns = frame_columns(frame, video)
    return _New(location, item.sample_id, item.content, None, record, columns)


class _Run:
    """Collects outcomes and hands them to the operation in batches."""

    def __init__(
        self,
        store: Store,
        operation: Operation,
        labels: PictureLabels,
        checkpoint_rows: int,
        *,
        with_frames: bool,
    ) -> None:
        self.failed: list[Failure] = []
        self.frames = 0
        self._schema = pa.schema([*_ROWS, *(FRAME_COLUMNS if with_frames else ())])
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
            self.frames += bool(outcome.columns)
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
            self._operation.insert(pa.Table.from_pylist(self._new, schema=self._schema))
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
            **new.columns,
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
