"""What a watch has counted so far, by source."""

from __future__ import annotations

import time
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from tamis.observability.metrics import counter, gauge

if TYPE_CHECKING:
    from collections.abc import Iterator

    from prometheus_client.metrics_core import Metric

__all__ = ["SourceCount", "WatchCounts", "metrics_of"]

_COUNTERS: Final = {
    "seen": ("frames_seen", "Frames that were decoded and sampled."),
    "kept": ("frames_kept", "Frames that were new."),
    "covered": ("frames_covered", "Frames that were embedded and that a kept one covers."),
    "skipped": ("frames_skipped", "Frames that the gate skipped before the encoder."),
    "nominal": ("frames_nominal", "Frames that the model of defects does not call anomalous."),
    "embedded": ("frames_embedded", "Frames that went through the encoder."),
    "failed": ("frames_failed", "Frames that could not be decoded or embedded."),
    "behind": ("frames_dropped_behind", "Frames dropped because decisions came too slowly."),
    "corrupt": ("packets_corrupt", "Packets or frames that could not be decoded."),
    "reconnects": ("reconnects", "Lost connections that were made again."),
}

_SPEED_OVER, _SHORTEST = 10.0, 0.5


@dataclass
class SourceCount:
    """What became of the frames of one source.

    Each frame that was seen is kept, covered, skipped, nominal, failed or behind, or waits still.

    Attributes:
        source: as the user gave it, without a password.
        seen: frames that were decoded and sampled.
        kept: frames that were new; with a model of defects, that it calls anomalous.
        covered: frames that a kept one covers, as their vector says.
        skipped: frames that the gate told to be covered before they were embedded.
        nominal: frames that the model of defects does not call anomalous.
        embedded: frames that went through the encoder.
        failed: frames that could not be decoded or embedded.
        behind: frames that were dropped because decisions came too slowly.
        corrupt: packets or frames that could not be decoded.
        reconnects: how often a lost connection was made again.
        lag: seconds from a frame's arrival to its decision, of the last one.
        error: why the source ended before its time; empty if it did not.
    """

    source: str
    seen: int = 0
    kept: int = 0
    covered: int = 0
    skipped: int = 0
    nominal: int = 0
    embedded: int = 0
    failed: int = 0
    behind: int = 0
    corrupt: int = 0
    reconnects: int = 0
    lag: float = 0.0
    error: str = ""


@dataclass
class WatchCounts:
    """What a watch has counted so far.

    Attributes:
        sources: one for each source, in their order.
        in_memory: vectors that the sieve compares with.
        threshold: cosine similarity from which on a frame counts as covered.
        fps: frames decided on a second, over the last ten seconds.
    """

    sources: list[SourceCount]
    in_memory: int = 0
    threshold: float = 0.0
    fps: float = 0.0
    _times: deque[tuple[float, int]] = field(default_factory=deque, repr=False)
    _began: float = field(default_factory=time.monotonic, repr=False)

    def total(self, name: str) -> int:
        """Sum of a count over the sources."""
        return sum(int(getattr(source, name)) for source in self.sources)

    @property
    def decided(self) -> int:
        """Frames that were decided on."""
        names = ("kept", "covered", "skipped", "nominal", "failed")
        return sum(self.total(name) for name in names)

    @property
    def dropped(self) -> int:
        """Frames that were not kept since a kept one covers them."""
        return self.total("covered") + self.total("skipped")

    @property
    def lag(self) -> float:
        """Seconds from arrival to decision, of the source that is furthest behind."""
        return max((source.lag for source in self.sources), default=0.0)

    @property
    def seconds(self) -> float:
        """How long the watch has run."""
        return time.monotonic() - self._began

    def tick(self) -> None:
        """Bring the speed up to date."""
        now = time.monotonic()
        self._times.append((now, self.decided))
        while len(self._times) > 1 and now - self._times[0][0] > _SPEED_OVER:
            self._times.popleft()
        since, before = self._times[0]
        if now - since < _SHORTEST:
            since, before = self._began, 0
        self.fps = (self.decided - before) / max(now - since, _SHORTEST)


def metrics_of(counts: WatchCounts) -> Iterator[Metric]:
    """Yield counts as metrics for Prometheus."""
    for name, (metric, meaning) in _COUNTERS.items():
        values = [(source.source, getattr(source, name)) for source in counts.sources]
        yield counter(f"tamis_watch_{metric}", meaning, values)
    lags = [(source.source, source.lag) for source in counts.sources]
    yield gauge("tamis_watch_lag_seconds", "Time from a frame's arrival to its decision.", lags)
    for metric, meaning, value in (
        ("frames_per_second", "Frames decided on a second.", counts.fps),
        ("kept_in_memory", "Vectors that new frames are compared with.", counts.in_memory),
        ("threshold", "Cosine similarity from which on a frame is covered.", counts.threshold),
        ("running_seconds", "How long the watch has run.", counts.seconds),
    ):
        yield gauge(f"tamis_watch_{metric}", meaning, value)
