"""Add only what is new: pictures and frames unlike everything in the dataset."""

from __future__ import annotations

from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, replace
from itertools import groupby
from typing import TYPE_CHECKING

from tamis.algo.sieve import Gate, Sieve
from tamis.dataset.embedded import column_of_encoder
from tamis.dataset.samples import Kind, Samples
from tamis.encoders.preprocess import decode_side
from tamis.errors import PictureError
from tamis.images.picture_record import content_hash, examine, sample_id
from tamis.runtime.novelty import NoveltyFilter
from tamis.runtime.ordered_map import ordered_map
from tamis.runtime.row_sink import Rows, RowSink
from tamis.runtime.stage import Stage
from tamis.services.add.known_pictures import KnownPictures
from tamis.services.add.pictures import report_of, threads_for
from tamis.services.add.sample_rows import KnownSample, NewSample, SampleRows
from tamis.services.add.sources_to_add import SourcesToAdd
from tamis.services.add.video_frames import VideoFrame, frame_sample, frames_of_video
from tamis.sources.archives import close_archives
from tamis.sources.locations import require_source
from tamis.sources.spread import Location
from tamis.sources.video.folder import FilePixels
from tamis.sources.video.frames import Frame
from tamis.sources.video.places import FRAME_COLUMNS
from tamis.types import Failure
from tamis.verbs.feedback import SILENT

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Iterator

    from tamis.dataset.store import Store
    from tamis.encoders.base import Encoder
    from tamis.runtime.novelty import Decision
    from tamis.runtime.workspace import Workspace
    from tamis.services.add.contract import Add, AddReport
    from tamis.services.add.sample_rows import Outcome
    from tamis.verbs.feedback import Feedback

__all__ = ["DEFAULT_THRESHOLD", "add_news"]

DEFAULT_THRESHOLD = 0.92
"""Cosine similarity from which on a picture counts as like one that is kept."""

CHECKPOINT_ROWS = 256
"""Rows for one commit; twice as many are lost at most when the run is killed."""

_AHEAD = 4


def add_news(workspace: Workspace, request: Add, feedback: Feedback = SILENT) -> AddReport:
    """Add pictures and frames that are less similar than the threshold to all that is kept.

    What the dataset holds with a vector of this encoder counts as kept; then each picture and
    frame is embedded in the sources' order and kept or not. Whatever is left out is at least
    as similar as the threshold to a sample of the dataset, and no two that are added are.
    Frames that cannot be new by their pixels are not embedded, so long as the gate is sure.
    Rows are added together with their vectors. Adding again adds nothing; what is known is not
    embedded again, what was left out is. A run that is killed keeps what it committed.

    Memory: the vectors of the dataset, 4 D bytes each, and one checkpoint's rows.

    Raises:
        EncoderError: the encoder fails as a whole.
        InputError, MissingExtraError, ConflictError, StorageError: as `add_pictures`.
    """
    store, progress = workspace.store, feedback.stage("add")
    threshold = DEFAULT_THRESHOLD if request.threshold is None else request.threshold
    # frames are decided on one after the other, so each call may use all processors
    encoder = workspace.encoders.load(request.encoder, threads=None)
    sieve = Sieve(threshold)
    identity = (encoder.spec, encoder.fingerprint, encoder.dim)
    name, dtype = column_of_encoder(store, *identity)
    wanted = SourcesToAdd(request, store)
    known = KnownPictures(store)
    unseen = _admit_dataset(store, name, sieve)
    params = {
        **wanted.params,
        "new_only": True,
        "threshold": threshold,
        "encoder": encoder.spec,
        "fingerprint": encoder.fingerprint,
    }
    rows = SampleRows(wanted)
    threads = request.threads or threads_for(wanted)
    try:
        with store.operation("add", params, request=request) as operation:
            operation.count_known(0)
            operation.counts["failed"] = 0
            if wanted.videos:
                operation.require_columns(FRAME_COLUMNS)
            column = operation.add_vector_column(*identity, dtype)
            with RowSink(store, operation, column=column, checkpoint_rows=CHECKPOINT_ROWS) as sink:
                run = _Run(
                    encoder,
                    sieve,
                    known,
                    lambda out: sink.take(rows.of(out)),
                    threads=threads,
                    processes=bool(request.processes),
                )
                with closing(run.decide(wanted)) as decisions:
                    for done, _ in enumerate(decisions, start=1):
                        progress(done, wanted.total)
                sink.take(Rows(known=run.met_again, counts={"covered": run.covered}))
    finally:
        close_archives()
    return replace(
        report_of(wanted, rows, operation),
        covered=run.covered,
        skipped=run.skipped,
        encoder=encoder.spec,
        threshold=threshold,
        unseen=unseen,
    )


def _admit_dataset(store: Store, column: str, sieve: Sieve) -> int:
    """Count what the dataset has vectors of as kept; return how many samples have none."""
    samples = Samples(store)
    whole = samples.of(kind=Kind.WHOLE)
    if not samples.has(column):
        return whole.count()
    ids, vectors = store.vectors(column, whole.condition)  # in the order that they came in
    if ids:
        sieve.admit(vectors, keys=ids)
    return whole.count() - len(ids)


def _same_gate(item: Location | Failure) -> str | None:
    """Tell videos apart; all else has no gate and goes together."""
    return item.uri if isinstance(item, Location) and item.is_video else None


class _Run:
    """Decides on what the sources hold, and hands over what is kept."""

    def __init__(
        self,
        encoder: Encoder,
        sieve: Sieve,
        known: KnownPictures,
        hand_over: Callable[[Outcome], None],
        *,
        threads: int,
        processes: bool,
    ) -> None:
        self.covered = 0
        self.skipped = 0
        self.met_again = 0
        self._encoder = encoder
        self._sieve = sieve
        self._known = known
        self._threads = threads
        self._processes = processes
        self._hand_over = hand_over
        self._waiting: dict[str, VideoFrame | _Picture] = {}

    def decide(self, wanted: SourcesToAdd) -> Generator[None]:
        """Decide on all pictures and frames in their order; yields after each."""
        for video, group in groupby(wanted.locations(), key=_same_gate):
            chosen = NoveltyFilter(
                self._encoder,
                self._sieve,
                gate=None if video is None else Gate(),
                key_of=lambda frame: self._waiting[str(frame.uri)].sample_id,
            )
            frames_of = self._pictures if video is None else self._video
            with closing(frames_of(group, wanted)) as frames:
                for decision in chosen.decide(frames):
                    self._settle(decision)
                    yield

    def _video(
        self, locations: Iterable[Location | Failure], wanted: SourcesToAdd
    ) -> Generator[Frame]:
        """Yield a video's frames to decide on; what is known or damaged is settled at once."""
        for location in locations:
            assert isinstance(location, Location)
            for item in frames_of_video(
                location, wanted.sampling, self._known, wanted.expect_frames
            ):
                if isinstance(item, Failure):
                    self._hand_over(item)
                elif self._is_unseen(item) and item.frame is not None:
                    self._waiting[item.location.uri] = item
                    yield item.frame

    def _pictures(
        self, locations: Iterable[Location | Failure], _wanted: SourcesToAdd
    ) -> Generator[Frame]:
        """Yield pictures to decide on; what is known or cannot be read is settled at once."""
        stage = ReadPicture(self._known, decode_side(self._encoder.preprocessing))
        read = ordered_map(
            stage,
            locations,
            workers=self._threads,
            ahead=_AHEAD,
            processes=self._processes,
        )
        with closing(read):
            for item in read:
                if isinstance(item, Failure):
                    self._hand_over(item)
                elif self._is_unseen(item):
                    self._waiting[item.location.uri] = item
                    yield item.frame

    def _is_unseen(self, item: VideoFrame | _Picture) -> bool:
        """Tell whether neither the dataset nor this run has it, which are counted as known."""
        if item.is_known:
            self._hand_over(KnownSample(item.location, item.sample_id))
            return False
        if self._sieve.keeps(item.sample_id) or item.location.uri in self._waiting:
            self.met_again += 1
            return False
        return True

    def _settle(self, decision: Decision) -> None:
        item = self._waiting.pop(str(decision.frame.uri))
        self.covered += decision.outcome in {"covered", "skipped"}
        self.skipped += decision.outcome == "skipped"
        if decision.outcome == "failed":
            self._fail(item.location, decision.reason)
        elif decision.outcome == "kept":
            try:
                self._hand_over(_sample(item, decision))
            except PictureError as error:
                self._fail(item.location, error.reason)

    def _fail(self, location: Location, reason: str) -> None:
        require_source(location.source)
        self._hand_over(Failure(location.path, reason, location.source))


@dataclass(frozen=True)
class _Picture:
    """A picture's file that was read."""

    location: Location
    sample_id: str
    content: str
    frame: Frame
    is_known: bool


@dataclass(frozen=True)
class ReadPicture(Stage["Location | Failure", "_Picture | Failure"]):
    """Reads a picture, and decodes it as far as an encoder needs unless the dataset holds it.

    Attributes:
        known: what the dataset holds.
        side: pixels that its shorter side must keep.
    """

    known: KnownPictures
    side: int

    @contextmanager
    def open(self) -> Iterator[Callable[[Location | Failure], _Picture | Failure]]:
        """See `Stage`."""
        yield self._read

    def failed(self, item: Location | Failure, reason: str) -> Failure:
        """See `Stage`."""
        require_source(item.source)
        return Failure(item.path, reason, item.source)

    def _read(self, item: Location | Failure) -> _Picture | Failure:
        if isinstance(item, Failure):
            require_source(item.source)
            return item
        pixels = FilePixels(item.uri, item.path)
        same = None if item.state is None else self.known.objects.find(item.uri, item.state)
        place = self.known.places.of(item.uri)
        content = "" if same is not None else content_hash(pixels.encoded())
        found = same or self.known.find(content, place)
        frame = Frame(
            path=item.path,
            uri=item.uri,
            source=item.source,
            number=0,
            seconds=0.0,
            captured_at=None,
            pixels=pixels,
        )
        if found is None:
            # What cannot be decoded is listed where it is decided on, in its turn.
            with suppress(PictureError):
                pixels.scaled(self.side)
        name = found or sample_id(content, place)
        return _Picture(item, name, content, frame, is_known=found is not None)


def _sample(item: VideoFrame | _Picture, decision: Decision) -> NewSample:
    """Measure what is kept."""
    if isinstance(item, VideoFrame):
        return frame_sample(item, decision.frame, decision.vector)
    data = item.frame.pixels.encoded() or b""
    return NewSample(
        item.location,
        item.sample_id,
        item.content,
        len(data),
        examine(data, item.location.path),
        vector=decision.vector,
    )
