"""The part of the Python face that watches sources."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from tamis.interfaces.stored import Stored

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable

    from tamis.encoders.base import Encoder
    from tamis.services.watch import WatchCounts, WatchReport

__all__ = ["Watching"]

PathLike = str | os.PathLike[str]


class Watching(Stored):
    """The verb that watches sources; `tamis.Dataset` has it."""

    def watch(
        self,
        *sources: PathLike,
        threshold: float | Literal["auto"] = "auto",
        rate: str | None = None,
        max_kept: int | None = None,
        window: float | None = None,
        sample: str = "frame",
        encoder: str | Encoder = "default",
        gate: bool = True,
        out: PathLike | None = None,
        copy: bool | None = None,
        metrics: str | int | None = None,
        behind: Literal["drop", "block"] | None = None,
        seconds: float | None = None,
        once: bool = False,
        per_stream: bool = False,
        stop: threading.Event | None = None,
        tell: Callable[[WatchCounts], None] = lambda _counts: None,
        note: Callable[[str], None] = lambda _sentence: None,
        **options: Any,
    ) -> WatchReport:
        """Keep what is new in video files, folders, network streams and cameras.

        Runs until the sources end, `seconds` are over or `stop` is set. What the dataset holds of
        this encoder counts as kept; a watch that was cut short goes on where it was.

        Args:
            sources: a video file, a folder that pictures come into, a network address or a
                camera such as `/dev/video0`; several at once.
            threshold: cosine similarity from which on a frame is no news; `auto` measures it on
                the first frames.
            rate: about how many to keep, such as `500/day`.
            max_kept: vectors in memory at most.
            window: seconds after which what was not seen again is forgotten.
            sample: seconds from frame to frame, `frame` for all or `keyframe`.
            encoder: a spec, or a loaded encoder.
            gate: skip the encoder where pixels say enough.
            out: folder for copies of kept frames.
            copy: whether kept frames are copied; by default those of live sources, or all if
                `out` is given. Others are kept as pointers such as `line3.mp4!frame=120`.
            metrics: `PORT` or `HOST:PORT` to serve counts at, for Prometheus.
            behind: `drop` the oldest waiting frame or `block` the source when frames come too
                fast; by default `drop` for live sources.
            seconds: how long.
            once: end when all that is in the folders now was looked at.
            per_stream: a memory of its own for each source.
            stop: ends it in good order when set.
            tell: told the counts a few times a second.
            note: told what is good to know.
            options: passed to the encoder's loader, such as `device="cuda"`.

        Raises:
            UsageError: options contradict each other or do not fit the sources.
            InputError: a source does not exist, or all of them failed.
            ConflictError: another process watches into this dataset with the same options.
        """
        from tamis.services.watch import WatchPlan, parse_rate, watch
        from tamis.sources.video.sampling import parse_sampling

        plan = WatchPlan(
            threshold=threshold,
            rate=None if rate is None else parse_rate(rate),
            max_kept=max_kept,
            window=window,
            sampling=parse_sampling(sample),
            gate=gate,
            per_stream=per_stream,
            out=None if out is None else Path(out),
            copy=copy,
            behind=behind,
            seconds=seconds,
            once=once,
            metrics=None if metrics is None else str(metrics),
        )
        named = [os.fspath(source) for source in sources]
        plan.check(named)
        if isinstance(encoder, str):
            encoder = self.encoders.load(encoder, **{"threads": None, **options})
        return watch(self.store, encoder, named, plan, stop=stop, tell=tell, note=note)
