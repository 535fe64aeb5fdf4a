"""What a watch did."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tamis.services.watch.counts import SourceCount
from tamis.types import Failure
from tamis.verbs.result import Result

__all__ = ["WatchReport"]


@dataclass(frozen=True, kw_only=True, repr=False)
class WatchReport(Result):
    """What a watch did.

    Attributes:
        seen: frames that were decoded and sampled; each is one of the next five.
        kept: frames that were new; with a model of defects, that it calls anomalous.
        dropped: frames that a kept one covers.
        nominal: frames that the model of defects does not call anomalous.
        behind: frames that were lost since they came faster than they could be decided on.
        failed: frames that could not be decoded or embedded.
        skipped: of the dropped, those that the gate told before the encoder.
        embedded: frames that went through the encoder.
        audited: frames that the gate would have skipped and let pass, as a check.
        missed: of those, frames that were new after all.
        corrupt: packets or frames that the sources could not decode.
        reconnects: how often lost connections were made again.
        fps: frames decided on a second, over the whole watch.
        seconds: how long it took.
        threshold: cosine similarity from which on a frame counts as covered, at the end.
        in_memory: vectors that the sieve holds.
        encoder: spec of the encoder.
        column: the vector column.
        out: where copies lie; None if none were to be made.
        drift_sent: vectors that the drift server has.
        drift_lost: vectors that it never got.
        sources: the same figures for each source.
        reasons: the first hundred frames that failed, and sources that ended before their time.
    """

    seen: int
    kept: int
    dropped: int
    behind: int
    failed: int
    skipped: int
    embedded: int
    audited: int
    missed: int
    corrupt: int
    reconnects: int
    fps: float
    seconds: float
    threshold: float
    in_memory: int
    encoder: str
    column: str
    out: str | None
    nominal: int = 0
    drift_sent: int = 0
    drift_lost: int = 0
    sources: Sequence[SourceCount] = ()
    reasons: Sequence[Failure] = ()
