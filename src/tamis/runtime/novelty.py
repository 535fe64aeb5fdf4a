"""Decides frame by frame: keep, drop as covered by a kept one, or skip without the encoder."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np

from tamis.algo.sieve.gate import VIEW_HEIGHT, VIEW_WIDTH, GateResult
from tamis.encoders.preprocess import decode_side, prepare
from tamis.errors import PictureError, UsageError
from tamis.runtime.batch_size import BatchSize, find_batch_size

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from numpy.typing import NDArray

    from tamis.algo.sieve import Gate, RateThreshold, Sieve
    from tamis.algo.sieve.offers import Verdict
    from tamis.encoders.base import Encoder
    from tamis.sources.video.frames import Frame
    from tamis.types import Vectors

__all__ = ["Decision", "NoveltyFilter", "Outcome"]

Outcome = Literal["kept", "covered", "skipped", "failed"]

_LENGTH_TOLERANCE = 1e-3
_NO_VECTOR = "the encoder gave no finite vector of length 1"


@dataclass(frozen=True)
class Decision:
    """What became of one frame.

    Attributes:
        frame: the frame.
        outcome: `kept` as new; `covered` by a kept one, as its vector says; `skipped` by the gate,
            which knows that a kept one covers it; `failed`, for it could not be decoded or
            embedded.
        key: the frame's key in the sieve.
        keeper: key of the kept frame that covers it, its own if kept; None if it failed.
        similarity: cosine similarity to the nearest frame that was kept before, -1 if none was;
            None without a vector.
        threshold: cosine similarity from which on it would have counted as covered.
        vector: `[D]` float32 of length 1; None if skipped or failed.
        reason: why it failed; empty if it did not.
    """

    frame: Frame
    outcome: Outcome
    key: str
    keeper: str | None
    similarity: float | None
    threshold: float
    vector: Vectors | None = None
    reason: str = ""


class _Look(NamedTuple):
    """A frame, the gate's view of it and what the gate says, or why there is no view."""

    frame: Frame
    key: str
    threshold: float
    view: NDArray[np.uint8] | None = None
    gate: GateResult = GateResult(None, audit=False)
    failure: str = ""

    @property
    def needs_vector(self) -> bool:
        return self.gate.keeper is None and not self.failure


class NoveltyFilter:
    """Decides for each frame of a source whether it is news.

    A frame whose view tells the gate that a kept frame covers it is skipped before the encoder;
    all others are embedded and offered to the sieve. Several filters may share a sieve, so that
    what one camera saw is no news from another; a gate belongs to one source.

    Args:
        encoder: makes the vectors.
        sieve: what was kept; may hold vectors of this encoder already.
        gate: skips frames before the encoder; None embeds every frame.
        rate: steers the sieve's threshold; None leaves it as it is.
        batch_size: frames for one call of the encoder; found for the device if not given. The
            gate learns once a batch, so on a processor, where batches are no faster, it is 1.
        key_of: names a frame in the sieve, each differently.

    Raises:
        UsageError: `batch_size` is below 1, or a rate is to steer a sieve of bounded memory,
            whose threshold cannot rise.

    Attributes:
        embedded: frames that went through the encoder.
    """

    def __init__(
        self,
        encoder: Encoder,
        sieve: Sieve,
        *,
        gate: Gate | None = None,
        rate: RateThreshold | None = None,
        batch_size: int | None = None,
        key_of: Callable[[Frame], str] = lambda frame: frame.path,
    ) -> None:
        if batch_size is not None and batch_size < 1:
            raise UsageError(f"batch_size is {batch_size}; it must be at least 1")
        if rate is not None and sieve.rules.max_kept is not None:
            raise UsageError(
                "a rate and max_kept both steer the threshold, and one would undo what the other "
                "does; give one of them"
            )
        self.embedded = 0
        self._encoder = encoder
        self._sieve = sieve
        self._gate = gate
        self._rate = rate
        if batch_size is None:
            on_processor = str(getattr(encoder, "device", "cpu")) == "cpu"
            batch_size = 1 if on_processor else find_batch_size(encoder)
        self._batch = BatchSize(batch_size)
        self._side = decode_side(encoder.preprocessing)
        self._key_of = key_of

    def decide(self, frames: Iterable[Frame]) -> Iterator[Decision]:
        """Yield a decision on each frame, in their order.

        A batch is embedded once it is full or the frames end: to lose no time on a live source,
        hand over what has arrived and call again.

        Raises:
            UsageError: two frames have the same key, or the sieve holds vectors of another length.
            EncoderError: the encoder fails as a whole.
        """
        looks: list[_Look] = []
        waiting = 0
        for frame in frames:
            look = self._look(frame)
            looks.append(look)
            waiting += look.needs_vector
            if waiting >= self._batch.size or not waiting:
                yield from self._settle(looks)
                looks, waiting = [], 0
        yield from self._settle(looks)

    def _look(self, frame: Frame) -> _Look:
        key, threshold = self._key_of(frame), self._sieve.threshold
        if self._rate is not None:
            # Of a copy: frames that wait for a batch are settled at times before this one.
            threshold = copy.copy(self._rate).at(frame.seconds)
        if self._gate is None:
            return _Look(frame, key, threshold)
        try:
            view = frame.pixels.view(VIEW_WIDTH, VIEW_HEIGHT)
        except PictureError as error:
            return _Look(frame, key, threshold, failure=error.reason)
        return _Look(frame, key, threshold, view, self._gate.look(view, threshold=threshold))

    def _settle(self, looks: Sequence[_Look]) -> Iterator[Decision]:
        vectors = iter(self._vectors([look.frame for look in looks if look.needs_vector]))
        for look in looks:
            if look.failure:
                yield self._failed(look, look.failure)
            elif look.needs_vector:
                yield self._offered(look, next(vectors))
            else:
                yield self._skipped(look)

    def _skipped(self, look: _Look) -> Decision:
        keeper = look.gate.keeper
        if keeper is not None and self._sieve.see(keeper, time=look.frame.seconds):
            return Decision(look.frame, "skipped", look.key, keeper, None, look.threshold)
        # What the gate went by was forgotten since.
        if self._gate is not None:
            self._gate.retain(self._sieve.keeps)
        return self._offered(look, self._vectors([look.frame])[0])

    def _offered(self, look: _Look, vector: Vectors | PictureError) -> Decision:
        if isinstance(vector, PictureError):
            return self._failed(look, vector.reason)
        frame, key = look.frame, look.key
        if self._rate is not None:
            self._sieve.threshold = self._rate.at(frame.seconds)
        threshold = self._sieve.threshold
        verdict = self._sieve.offer(vector, key=key, time=frame.seconds)
        if verdict.kept and self._rate is not None:
            self._rate.kept(frame.seconds)
        self._teach(look, vector, verdict, threshold)
        return Decision(
            frame=frame,
            outcome="kept" if verdict.kept else "covered",
            key=key,
            keeper=verdict.keeper,
            similarity=verdict.similarity,
            threshold=threshold,
            vector=vector,
        )

    def _teach(self, look: _Look, vector: Vectors, verdict: Verdict, threshold: float) -> None:
        if self._gate is None or look.view is None:
            return
        self._gate.learn(look.view, vector, verdict, audit=look.gate.audit)
        thinned = not verdict.kept and verdict.similarity < threshold
        if thinned:
            # Its keeper is not the one that the similarity is to, so it can vouch for nothing.
            self._gate.retain(lambda key: key != verdict.keeper and self._sieve.keeps(key))
        elif verdict.merged:
            self._gate.retain(self._sieve.keeps)

    def _failed(self, look: _Look, reason: str) -> Decision:
        return Decision(look.frame, "failed", look.key, None, None, look.threshold, reason=reason)

    def _vectors(self, frames: Sequence[Frame]) -> list[Vectors | PictureError]:
        """Return the vector `[D]` of each frame, or why there is none."""
        found: list[Vectors | PictureError] = []
        pixels: list[NDArray[np.uint8]] = []
        places: list[int] = []
        for place, frame in enumerate(frames):
            try:
                image, size, extent = frame.pixels.scaled(self._side)
            except PictureError as error:
                found.append(error)
                continue
            pixels.append(prepare(image, self._encoder.preprocessing, size=size, extent=extent))
            places.append(place)
            found.append(PictureError(frame.path, _NO_VECTOR))
        if pixels:
            self.embedded += len(pixels)
            vectors = self._batch.embed(self._encoder, np.stack(pixels))
            usable = np.abs(np.linalg.norm(vectors, axis=1) - 1) <= _LENGTH_TOLERANCE
            for row in np.flatnonzero(usable):
                found[places[row]] = vectors[row]
        return found
