"""The watch: frames come in, and new ones are kept in the dataset."""

from __future__ import annotations

import threading
import time
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tamis.dataset.embedded import column_of_encoder
from tamis.errors import InputError, PictureError, TamisError
from tamis.observability.metrics import MetricsServer, parse_address
from tamis.runtime.frame_rows import copied_row, pointing_row
from tamis.services.watch.checkpoint import Place, Progress, WatchCheckpoint, version_of
from tamis.services.watch.counts import SourceCount, WatchCounts, metrics_of
from tamis.services.watch.defect_filter import DefectFilter
from tamis.services.watch.drift_feed import DriftFeed, read_token
from tamis.services.watch.frame_queue import FrameQueue
from tamis.services.watch.frame_writer import FrameWriter
from tamis.services.watch.plan import WatchPlan, source_key
from tamis.services.watch.result import WatchReport
from tamis.services.watch.sieve_state import SieveStates
from tamis.services.watch.threshold import FRAMES_TO_MEASURE, USUAL, measured_threshold
from tamis.sources.video.frame_reader import close_videos
from tamis.sources.video.open import open_frames
from tamis.types import Failure
from tamis.verbs.feedback import SILENT
from tamis.wording import counted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from tamis.dataset.store import Store
    from tamis.encoders.base import Encoder
    from tamis.runtime.novelty import Decision
    from tamis.runtime.workspace import Workspace
    from tamis.services.watch.contract import Watch
    from tamis.services.watch.frame_queue import Arrival
    from tamis.sources.video.frames import Frame, FrameSource
    from tamis.verbs.feedback import Feedback

__all__ = ["watch"]

_AT_ONCE: Final = 8
_STEP: Final = 0.2
_MEASURE_FOR: Final = 5.0
_REASONS: Final = 100
_COPIES: Final = "frames"


def watch(workspace: Workspace, request: Watch, feedback: Feedback = SILENT) -> WatchReport:
    """Keep what is new in video files, folders, network streams and cameras.

    Each source is decoded by a thread. Frames that the gate does not tell to be covered are
    embedded and offered to the sieve; what it keeps gets a row with its vector, and for live
    sources a file. Rows are committed every few seconds. A watch that is killed loses at most
    those of the last seconds, and from files and folders not even these: the next one with the
    same options goes on where the last commit was and keeps nothing twice. A bad frame costs a
    frame; a source that fails costs the source, unless it is the last.

    Memory: the kept vectors, and 32 frames a source.

    Raises:
        UsageError: the options contradict each other or do not fit the sources.
        InputError: a source does not exist, or all of them failed.
        ConflictError: another process is at this watch, or another writer was in the way.
        StorageError: the disk refuses.
    """
    plan = WatchPlan(request)
    plan.check(request.sources)
    store = workspace.store
    encoder = workspace.encoders.load(request.encoder)
    store.refresh()
    defects = None if request.defects is None else DefectFilter(workspace, request.defects)
    identity = plan.identity(encoder, None if defects is None else defects.model)
    try:
        with ExitStack() as stack:
            checkpoint = stack.enter_context(WatchCheckpoint(store, identity))
            return _Watch(store, encoder, request.sources, plan, checkpoint, defects=defects).run(
                stack, feedback.stop or threading.Event(), feedback.tell, feedback.note
            )
    finally:
        close_videos()


class _Watch:
    """One run."""

    def __init__(
        self,
        store: Store,
        encoder: Encoder,
        sources: Sequence[str],
        plan: WatchPlan,
        checkpoint: WatchCheckpoint,
        *,
        defects: DefectFilter | None,
    ) -> None:
        self._store = store
        self._defects = defects
        self._encoder = encoder
        self._plan = plan
        self._checkpoint = checkpoint
        self._column, self._dtype = column_of_encoder(
            store, encoder.spec, encoder.fingerprint, encoder.dim
        )
        self._out = plan.asked.out or store.path / _COPIES
        self._given: list[str] = []
        self._sources: list[FrameSource] = []
        self._places: dict[int, Place] = {}
        self._taken: dict[str, list[bytes]] = {}
        self._reasons: list[Failure] = []
        self._drift: DriftFeed | None = None
        self._alarm = ""
        self.finished = 0
        for given in sources:
            self._open(given)
        self._counts = WatchCounts([SourceCount(source.name) for source in self._sources])

    def _open(self, given: str) -> None:
        key = source_key(given)
        place = self._place_of(key)
        if place is not None and place.finished:
            self.finished += 1
            return
        self._given.append(given)
        self._sources.append(
            open_frames(
                given,
                sampling=self._plan.sampling,
                start=0 if place is None else place.next,
                done=self._checkpoint.taken(key),
                once=self._plan.asked.once,
                patience=self._plan.patience,
            )
        )
        if place is not None:
            self._places[len(self._sources) - 1] = place

    def _place_of(self, key: str) -> Place | None:
        """Return how far a video file was looked at; None if it is none."""
        if not Path(key).is_file():
            return None
        version = version_of(key)
        known = self._checkpoint.places.get(key)
        return replace(known) if known and known.changed == version else Place(changed=version)

    def run(
        self,
        stack: ExitStack,
        stop: threading.Event,
        tell: Callable[[WatchCounts], None],
        note: Callable[[str], None],
    ) -> WatchReport:
        if self.finished:
            note(f"{counted(self.finished, 'source was')} watched to the end before")
        if self._plan.asked.metrics is not None:
            server = MetricsServer(
                parse_address(str(self._plan.asked.metrics)), lambda: metrics_of(self._counts)
            )
            note(f"metrics at {stack.enter_context(server).url}")
        if self._plan.asked.drift is not None:
            token = read_token(self._plan.asked.drift_token)
            self._drift = stack.enter_context(DriftFeed(self._plan.asked.drift, token))
        queue = stack.enter_context(FrameQueue(self._sources, self._plan.asked.behind))
        self._queue, self._stop, self._tell, self._note = queue, stop, tell, note
        deadline = self._plan.asked.seconds
        self._until = None if deadline is None else time.monotonic() + deadline
        threshold = self._threshold()
        if self._defects is None:
            note(
                f"frames of a cosine similarity of {threshold:.3f} or more to a kept one are "
                "dropped"
            )
        sieves = self._sieves = SieveStates(
            self._store,
            self._column,
            self._encoder,
            self._plan,
            names=[source.name for source in self._sources],
            threshold=threshold,
            sieves=self._checkpoint.sieves,
        )
        if not self._sources:
            return self._report(sieves)
        params = {"sources": [source.name for source in self._sources], "threshold": threshold}
        params |= {"encoder": self._encoder.spec, "fingerprint": self._encoder.fingerprint}
        with self._store.operation("watch", params=params) as operation:
            operation.add_vector_column(
                self._encoder.spec, self._encoder.fingerprint, self._encoder.dim, self._dtype
            )
            with FrameWriter(self._store, operation, self._column, self._checkpoint) as writer:
                try:
                    self._keep_on(writer)
                except (TamisError, KeyboardInterrupt):
                    # What was decided until then stands.
                    writer.finish(self._progress(), self._sums())
                    raise
        # Only now the operation surely has a number.
        self._checkpoint.save(operation.number, self._progress())
        return self._report(sieves)

    def _threshold(self) -> float:
        """Return the threshold that was given, remembered, or is measured now."""
        if self._plan.asked.threshold != "auto":
            self._checkpoint.threshold = self._plan.asked.threshold
        elif self._checkpoint.threshold is None and self._sources and self._defects is None:
            self._checkpoint.threshold = self._measured()
        return self._checkpoint.threshold if self._checkpoint.threshold is not None else USUAL

    def _measured(self) -> float:
        begin = time.monotonic()
        numbers = range(len(self._sources))
        while not self._queue.is_over and not self._is_stopped():
            if all(self._queue.has_first(number, FRAMES_TO_MEASURE) for number in numbers):
                break
            waiting = any(self._queue.waiting(number) for number in numbers)
            if not waiting:
                begin = time.monotonic()
            elif time.monotonic() - begin > _MEASURE_FOR:
                break
            time.sleep(_STEP / 10)
        for number in numbers:
            frames = self._queue.some_frames(number, FRAMES_TO_MEASURE)
            if frames:
                return measured_threshold(self._encoder, frames)
        return USUAL

    def _is_stopped(self) -> bool:
        if self._stop.is_set() or (self._until is not None and time.monotonic() > self._until):
            self._queue.close()
            return True
        return False

    def _keep_on(self, writer: FrameWriter) -> None:
        while True:
            self._is_stopped()
            number, arrivals = self._queue.take(_AT_ONCE, timeout=_STEP)
            if arrivals:
                self._decide(number, arrivals, writer)
            elif self._queue.is_over:
                break
            self._note_ends(writer)
            self._note_drift()
            self._refresh_counts()
            self._tell(self._counts)
            if writer.is_due:
                writer.write(self._progress(), self._sums())
        self._note_ends(writer)
        self._refresh_counts()
        writer.finish(self._progress(), self._sums())
        failed = [source.error for source in self._counts.sources if source.error]
        if failed and len(failed) == len(self._sources) and not self._counts.total("seen"):
            raise InputError(failed[0])

    def _decide(self, number: int, arrivals: Sequence[Arrival], writer: FrameWriter) -> None:
        count = self._counts.sources[number]
        for arrival, outcome, reason in self._outcomes(number, arrivals, writer):
            frame = arrival.frame
            if reason:
                count.failed += 1
                failure = Failure(frame.path, reason, frame.source)
                writer.fail(failure)
                self._reasons.append(failure)
                del self._reasons[_REASONS:]
            else:
                setattr(count, outcome, getattr(count, outcome) + 1)
            count.lag = time.monotonic() - arrival.arrived
            if number in self._places:
                self._places[number].next = frame.number + 1
            elif arrival.key is not None:
                self._taken.setdefault(source_key(self._given[number]), []).append(arrival.key)

    def _outcomes(
        self, number: int, arrivals: Sequence[Arrival], writer: FrameWriter
    ) -> Iterator[tuple[Arrival, str, str]]:
        """Yield what became of each frame, and why it failed if it did."""
        if self._defects is not None:
            for arrival in arrivals:
                yield arrival, *self._judged(number, arrival.frame, writer, self._defects)
            return
        decisions = self._sieves.decide(number, [arrival.frame for arrival in arrivals])
        for arrival, decision in zip(arrivals, decisions, strict=True):
            reason = decision.reason
            if self._drift is not None and decision.vector is not None:
                self._drift.add(self._sources[number].name, decision.key, decision.vector)
            if decision.outcome == "kept":
                reason = self._kept(number, decision, writer)
            yield arrival, decision.outcome, reason

    def _judged(
        self, number: int, frame: Frame, writer: FrameWriter, defects: DefectFilter
    ) -> tuple[str, str]:
        """Keep a frame if it is anomalous, whether it is new or not."""
        try:
            if not defects.is_anomalous(frame):
                return "nominal", ""
        except PictureError as error:
            return "failed", error.reason
        (decision,) = self._sieves.decide(number, [frame])
        return "kept", decision.reason or self._kept(number, decision, writer)

    def _kept(self, number: int, decision: Decision, writer: FrameWriter) -> str:
        """Hand a kept frame over to be written; return why that cannot be, if so."""
        try:
            if self._plan.copies(self._given[number]):
                row = copied_row(decision.frame, self._out)
            else:
                row = pointing_row(decision.frame)
        except PictureError as error:
            return error.reason
        self._sieves.name(decision, row.sample_id)
        if decision.vector is not None:
            writer.keep(row, decision.vector)
        return ""

    def _note_ends(self, writer: FrameWriter) -> None:
        for number, source in enumerate(self._sources):
            count = self._counts.sources[number]
            error = self._queue.error(number)
            if error is not None and not count.error:
                count.error = str(error)
                failure = Failure(source.name, str(error), source.name)
                self._reasons.insert(0, failure)
                writer.fail(failure)
            if number in self._places and self._queue.has_ended(number):
                self._places[number].finished = True

    def _note_drift(self) -> None:
        """Say once that the drift server raised an alarm."""
        alarm = "" if self._drift is None else self._drift.alarm
        if alarm and not self._alarm:
            self._note(alarm)
        self._alarm = alarm

    def _refresh_counts(self) -> None:
        for number, source in enumerate(self._sources):
            count = self._counts.sources[number]
            count.seen = self._queue.arrived(number)
            count.behind = self._queue.dropped(number)
            count.corrupt, count.reconnects = source.counts.corrupt, source.counts.reconnects
            count.embedded = self._sieves.filters[number].embedded
        self._counts.in_memory = self._sieves.in_memory
        self._counts.threshold = self._sieves.threshold
        self._counts.tick()

    def _progress(self) -> Progress:
        places = dict(self._checkpoint.places)
        for number, place in self._places.items():
            places[source_key(self._given[number])] = replace(place)
        taken, self._taken = self._taken, {}
        return Progress(places, self._sieves.sieves(), taken)

    def _sums(self) -> dict[str, int]:
        names = ("seen", "kept", "covered", "skipped", "nominal", "failed", "behind")
        return {name: self._counts.total(name) for name in names}

    def _report(self, sieves: SieveStates) -> WatchReport:
        counts, drift, notes = self._counts, self._drift, []
        gates = sieves.gates
        if drift is not None:
            drift.end()
            if drift.lost:
                notes.append(f"{drift.lost} vectors never reached the drift server: {drift.error}")
            if drift.alarm:
                notes.append(f"the drift server is in alarm: {drift.alarm}")
        copied = any(self._plan.copies(given) for given in self._given)
        return WatchReport(
            seen=counts.total("seen"),
            kept=counts.total("kept"),
            behind=counts.total("behind"),
            failed=counts.total("failed"),
            skipped=counts.total("skipped"),
            embedded=counts.total("embedded"),
            corrupt=counts.total("corrupt"),
            reconnects=counts.total("reconnects"),
            dropped=counts.dropped,
            nominal=counts.total("nominal"),
            audited=sum(gate.audited for gate in gates),
            missed=sum(gate.missed for gate in gates),
            fps=round(counts.decided / max(counts.seconds, 1e-9), 2),
            seconds=round(counts.seconds, 3),
            threshold=sieves.threshold,
            in_memory=sieves.in_memory,
            encoder=self._encoder.spec,
            column=self._column,
            out=str(self._out) if copied else None,
            drift_sent=0 if drift is None else drift.sent,
            drift_lost=0 if drift is None else drift.lost,
            sources=[replace(source) for source in counts.sources],
            reasons=self._reasons,
            notes=notes,
        )
