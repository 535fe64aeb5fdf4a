"""The sieves of a watch, one for all sources or one for each, and the filters on top."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tamis.algo.sieve import Gate, RateThreshold, Sieve
from tamis.algo.unit_vectors import normalise_rows
from tamis.dataset.columns import Column
from tamis.dataset.samples import Kind, Samples
from tamis.runtime.novelty import NoveltyFilter
from tamis.services.watch.checkpoint import SieveState

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tamis.dataset.store import Store
    from tamis.encoders.base import Encoder
    from tamis.runtime.novelty import Decision
    from tamis.services.watch.plan import WatchPlan
    from tamis.sources.video.frames import Frame
    from tamis.types import Vectors

__all__ = ["SieveStates"]

_LARGEST_FINEST = 1.0 - 1e-9


class SieveStates:
    """Decides on the frames of each source, by what was kept of it or of all of them.

    What the dataset holds already of this encoder counts as kept: all of it where the sources
    share a memory, else what came from the source itself. With a bound or a window, it is what
    the watch before remembered.

    Args:
        store: the dataset.
        column: its vector column; may be absent.
        encoder: makes the vectors.
        plan: the options.
        names: of the sources.
        threshold: cosine similarity from which on a frame counts as covered, at the start.
        sieves: what a watch before remembered, by name.

    Attributes:
        filters: one for each source.
        gates: one for each source, if there are gates.
    """

    def __init__(
        self,
        store: Store,
        column: str,
        encoder: Encoder,
        plan: WatchPlan,
        *,
        names: Sequence[str],
        threshold: float,
        sieves: dict[str, SieveState],
    ) -> None:
        self._plan = plan
        self._begin = threshold
        self._sieve_of = [name if plan.asked.per_stream else "" for name in names]
        self._sieves: dict[str, Sieve] = {}
        self._rates: dict[str, RateThreshold] = {}
        self._samples: dict[str, str] = {}
        self._undated: dict[str, tuple[list[str], Vectors]] = {}
        for name in dict.fromkeys(self._sieve_of):
            state = sieves.get(name, SieveState(threshold))
            self._sieves[name] = Sieve(
                state.threshold, max_kept=plan.asked.max_kept, window=plan.asked.window
            )
            if plan.rate is not None:
                self._rates[name] = RateThreshold(
                    plan.rate.target,
                    plan.rate.period,
                    finest=min(threshold, _LARGEST_FINEST),
                    start=state.threshold,
                )
            self._admit(store, column, name, state)
        self.gates = [Gate() for _ in names] if plan.asked.gate else []
        self.filters = [
            NoveltyFilter(
                encoder,
                self._sieves[name],
                gate=self.gates[number] if plan.asked.gate else None,
                rate=self._rates.get(name),
                key_of=_key_of,
            )
            for number, name in enumerate(self._sieve_of)
        ]

    def decide(self, number: int, frames: Sequence[Frame]) -> Iterator[Decision]:
        """Yield a decision on each frame of a source, in their order."""
        undated = self._undated.pop(self._sieve_of[number], None)
        if undated is not None:
            keys, vectors = undated
            times = [frames[0].seconds] * len(keys)
            self._sieves[self._sieve_of[number]].admit(vectors, keys=keys, times=times)
        yield from self.filters[number].decide(frames)

    def name(self, decision: Decision, sample_id: str) -> None:
        """Note which sample a kept frame became."""
        if self._remembers:
            self._samples[decision.key] = sample_id

    def sieves(self) -> dict[str, SieveState]:
        """Return what the next watch needs to go on as if this one had not stopped."""
        sieves = {}
        for name, sieve in self._sieves.items():
            state = sieves[name] = SieveState(sieve.threshold)
            if self._remembers:
                seen = sieve.seen_at().tolist()
                known = [
                    (self._samples[key], when)
                    for key, when in zip(sieve.keys(), seen, strict=True)
                    if key in self._samples
                ]
                state.ids = [sample for sample, _ in known]
                state.seen = [when for _, when in known]
        if self._remembers:
            kept_by = self._sieves.values()
            self._samples = {
                key: sample
                for key, sample in self._samples.items()
                if any(sieve.keeps(key) for sieve in kept_by)
            }
        return sieves

    @property
    def in_memory(self) -> int:
        """Vectors that new frames are compared with."""
        return sum(len(sieve) for sieve in self._sieves.values())

    @property
    def threshold(self) -> float:
        """The present one; of several memories the lowest."""
        return min((sieve.threshold for sieve in self._sieves.values()), default=self._begin)

    @property
    def _remembers(self) -> bool:
        """Whether a sieve holds less than all that the dataset does."""
        return self._plan.asked.max_kept is not None or self._plan.asked.window is not None

    def _admit(self, store: Store, column: str, name: str, state: SieveState) -> None:
        samples = Samples(store)
        if not samples.has(column):
            return
        whole = samples.of(kind=Kind.WHOLE)
        known = whole.equal(Column.SOURCE, name) if self._plan.asked.per_stream else whole
        ids, vectors = store.vectors(column, known.condition)
        times: list[float] | None = None
        if state.ids is not None:
            row_of = {sample: row for row, sample in enumerate(ids)}
            there = [
                (row_of[sample], when)
                for sample, when in zip(state.ids, state.seen, strict=True)
                if sample in row_of
            ]
            ids = [ids[row] for row, _ in there]
            vectors = vectors[[row for row, _ in there]]
            times = [when for _, when in there]
        if not ids:
            return
        # Half precision is less exactly of length 1 than a sieve asks for.
        vectors = normalise_rows(vectors)
        self._samples.update((sample, sample) for sample in ids if self._remembers)
        if self._plan.asked.window is not None and times is None:
            # When they were seen last is not known: as if it were when this watch begins.
            self._undated[name] = (ids, vectors)
        else:
            self._sieves[name].admit(vectors, keys=ids, times=times)


def _key_of(frame: Frame) -> str:
    """Name a frame as no other is named, in this run or before."""
    return f"{frame.path}@{frame.seconds!r}"
