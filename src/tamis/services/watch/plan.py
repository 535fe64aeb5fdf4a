"""What a watch is asked to do, checked."""

from __future__ import annotations

import hashlib
import json
import math
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from tamis.algo.sieve.rules import Rules, checked_threshold
from tamis.errors import UsageError
from tamis.observability.metrics import parse_address
from tamis.sources.video.open import source_name
from tamis.sources.video.sampling import Sampling, parse_sampling
from tamis.sources.video.stream import Patience, is_camera, is_stream

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tamis.encoders.base import Encoder
    from tamis.services.watch.frame_queue import Behind

__all__ = ["Rate", "WatchPlan", "parse_rate"]

_SECONDS = {"second": 1, "minute": 60, "hour": 3600, "day": 86_400, "week": 604_800}
_IDENTITY_BYTES = 8


@dataclass(frozen=True)
class Rate:
    """How many frames to keep in a time.

    Attributes:
        target: frames.
        period: seconds.
    """

    target: float
    period: float


def parse_rate(text: str) -> Rate:
    """Read such as `500/day`.

    Raises:
        UsageError: it is no rate.

    >>> parse_rate("500/day")
    Rate(target=500.0, period=86400)
    """
    number, _, unit = text.partition("/")
    try:
        target = float(number)
    except ValueError:
        target = math.nan
    if not 0.0 < target < math.inf or unit not in _SECONDS:
        raise UsageError(
            f"cannot keep {text!r}; give such as 500/day, with one of {', '.join(_SECONDS)}"
        )
    return Rate(target, _SECONDS[unit])


@dataclass(frozen=True)
class WatchPlan:
    """The options of a watch.

    Attributes:
        threshold: cosine similarity from which on a frame is covered by a kept one; `auto` is
            measured on the first frames. With a rate, frames more alike than this never count
            as different.
        rate: keep about so many, by steering the threshold; None keeps all that is new.
        max_kept: bound of the vectors in memory; the threshold falls where they are more.
        window: seconds after which what was not seen again is forgotten.
        sampling: which frames are looked at.
        gate: whether frames are skipped before the encoder whose pixels say enough.
        per_stream: whether each source has a memory of its own.
        out: folder for kept frames; None is one in the dataset, used for live sources alone.
        copy: whether kept frames are copied to `out`; None copies those that can be seen only
            once, and all if `out` is given.
        behind: what happens when frames come faster than they are decided on; None drops those of
            live sources and lets others wait.
        seconds: how long to watch; None is until the sources end or it is stopped.
        once: whether folders end when all that is there was looked at.
        metrics: `PORT` or `HOST:PORT` to serve counts at; None serves none.
        patience: how long a stream is waited for.

    Raises:
        UsageError: an option is out of range or contradicts another.
    """

    threshold: float | Literal["auto"] = "auto"
    rate: Rate | None = None
    max_kept: int | None = None
    window: float | None = None
    sampling: Sampling = field(default_factory=lambda: parse_sampling("frame"))
    gate: bool = True
    per_stream: bool = False
    out: Path | None = None
    copy: bool | None = None
    behind: Behind | None = None
    seconds: float | None = None
    once: bool = False
    metrics: str | None = None
    patience: Patience = field(default_factory=Patience)

    def __post_init__(self) -> None:
        Rules(max_kept=self.max_kept, window=self.window)
        if self.threshold != "auto":
            checked_threshold(self.threshold)
        if self.rate is not None and self.max_kept is not None:
            raise UsageError(
                "a rate and a bound of what is kept in memory both steer the threshold; give one"
            )
        if self.seconds is not None and not 0.0 < self.seconds < math.inf:
            raise UsageError(f"cannot watch for {self.seconds} s; give a number above 0")
        if self.metrics is not None:
            parse_address(self.metrics)
        if self.out is not None and self.copy is False:
            raise UsageError(
                f"copies are to go to {self.out}, and none are to be made; give one of the two"
            )

    def check(self, sources: Sequence[str]) -> None:
        """Refuse sources that this plan does not fit.

        Raises:
            UsageError: none or one twice, live ones that are not to be copied, copies into a
                source, or sources that share a memory that depends on time but no clock.
        """
        if not sources:
            raise UsageError("give at least one source to watch")
        places = [source_key(source) for source in sources]
        for number, place in enumerate(places):
            if place in places[:number]:
                raise UsageError(f"{source_name(sources[number])} is given twice")
        live = [source for source in sources if _is_live(source)]
        if live and self.copy is False:
            raise UsageError(
                f"frames of {source_name(live[0])} can be seen only once, so they have to be "
                "copied; do not ask for no copies"
            )
        if self.out is not None:
            for source in sources:
                if Path(source).is_dir() and self.out.resolve().is_relative_to(
                    Path(source).resolve()
                ):
                    raise UsageError(
                        f"{self.out} lies inside the source {source}, so that copies would be "
                        "taken for new pictures; give a folder outside"
                    )
        timed = self.window is not None or self.rate is not None
        if timed and not self.per_stream and len(sources) > 1 and len(live) < len(sources):
            raise UsageError(
                "a window or a rate needs one clock, and video files and folders have each their "
                "own; give each source a memory of its own (per stream), or watch them one by one"
            )

    def copies(self, source: str) -> bool:
        """Whether kept frames of a source are copied."""
        if self.copy is not None:
            return self.copy
        return self.out is not None or _is_live(source)

    def identity(self, encoder: Encoder) -> str:
        """Name all that decides what is kept; a watch with another goes through sources anew."""
        facts = [
            encoder.fingerprint,
            self.threshold,
            None if self.rate is None else [self.rate.target, self.rate.period],
            self.max_kept,
            self.window,
            [self.sampling.every, self.sampling.key_frames],
            self.per_stream,
        ]
        return hashlib.blake2b(json.dumps(facts).encode(), digest_size=_IDENTITY_BYTES).hexdigest()


def source_key(source: str) -> str:
    """Return what names a source across runs: its address or absolute path."""
    return source if _is_live(source) else os.path.abspath(Path(source).expanduser())  # noqa: PTH100 - links stay as the user has them


def _is_live(source: str) -> bool:
    return is_stream(source) or is_camera(source)
