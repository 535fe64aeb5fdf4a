"""The plan of a watch: its request, checked against its sources."""

from __future__ import annotations

import hashlib
import json
import math
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tamis.algo.sieve.rules import Rules, checked_threshold
from tamis.errors import UsageError
from tamis.observability.metrics import parse_address
from tamis.services.watch.drift_feed import check_address
from tamis.sources.video.open import source_name
from tamis.sources.video.sampling import parse_sampling
from tamis.sources.video.stream import Patience, is_camera, is_stream

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tamis.encoders.base import Encoder
    from tamis.services.watch.contract import Watch

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


class WatchPlan:
    """What a watch is asked, read and checked against its sources.

    Args:
        asked: the request.

    Attributes:
        asked: the request.
        rate: keep about so many, by steering the threshold; None keeps all that is new.
        sampling: which frames are looked at.
        patience: how long a stream is waited for.

    Raises:
        UsageError: a value cannot be read.
    """

    def __init__(self, asked: Watch) -> None:
        self.asked = asked
        self.rate = None if asked.rate is None else parse_rate(asked.rate)
        self.sampling = parse_sampling(str(asked.sample))
        self.patience = Patience()
        Rules(max_kept=asked.max_kept, window=asked.window)
        if asked.threshold != "auto":
            checked_threshold(asked.threshold)
        if asked.seconds == math.inf:
            raise UsageError("cannot watch for ever in seconds; leave the time out")
        if asked.metrics is not None:
            parse_address(str(asked.metrics))
        if asked.drift is not None:
            check_address(asked.drift)

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
        if live and self.asked.copy is False:
            raise UsageError(
                f"frames of {source_name(live[0])} can be seen only once, so they have to be "
                "copied; do not ask for no copies"
            )
        if self.asked.out is not None:
            for source in sources:
                if Path(source).is_dir() and self.asked.out.resolve().is_relative_to(
                    Path(source).resolve()
                ):
                    raise UsageError(
                        f"{self.asked.out} lies inside the source {source}, so that copies would "
                        "be taken for new pictures; give a folder outside"
                    )
        timed = self.asked.window is not None or self.rate is not None
        if timed and not self.asked.per_stream and len(sources) > 1 and len(live) < len(sources):
            raise UsageError(
                "a window or a rate needs one clock, and video files and folders have each their "
                "own; give each source a memory of its own (per stream), or watch them one by one"
            )

    def copies(self, source: str) -> bool:
        """Whether kept frames of a source are copied."""
        if self.asked.copy is not None:
            return self.asked.copy
        return self.asked.out is not None or _is_live(source)

    def identity(self, encoder: Encoder, defects: str | None = None) -> str:
        """Return a hash of all settings that decide what is kept; a change starts sources anew.

        Args:
            encoder: makes the vectors.
            defects: the model of defects that decides, if one does.
        """
        facts = [
            encoder.fingerprint,
            self.asked.threshold,
            None if self.rate is None else [self.rate.target, self.rate.period],
            self.asked.max_kept,
            self.asked.window,
            [self.sampling.every, self.sampling.key_frames],
            self.asked.per_stream,
        ]
        if defects is not None:
            facts.append(defects)
        return hashlib.blake2b(json.dumps(facts).encode(), digest_size=_IDENTITY_BYTES).hexdigest()


def source_key(source: str) -> str:
    """Return what names a source across runs: its address or absolute path."""
    return source if _is_live(source) else os.path.abspath(Path(source).expanduser())  # noqa: PTH100 - links stay as the user has them


def _is_live(source: str) -> bool:
    return is_stream(source) or is_camera(source)
