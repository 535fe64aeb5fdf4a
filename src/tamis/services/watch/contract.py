"""What a watch is asked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from tamis.errors import UsageError
from tamis.verbs.request import Argument, Option, Request
from tamis.verbs.shared import EncoderToUse

if TYPE_CHECKING:
    from tamis.services.watch.result import WatchReport  # noqa: F401 - named by a request

__all__ = ["Watch"]


@dataclass(frozen=True)
class Watch(Request["WatchReport"], verb="watch", writes=True, creates=True):
    """Watch sources, and keep the frames that show something new.

    Ctrl-C ends it; the next watch continues where it stopped. Samples that have vectors of this
    encoder count as kept. Kept frames of files are stored as references such as
    `line3.mp4!frame=120`.
    """

    sources: Annotated[
        Sequence[str],
        Argument("Video files, folders, network addresses, /dev/video0.", metavar="SOURCE"),
    ]
    _: KW_ONLY
    threshold: Annotated[
        float | Literal["auto"],
        Option(
            "Cosine similarity above which a frame is not new; auto measures it on the first "
            "frames.",
            metavar="T|auto",
            minimum=-1,
            maximum=1,
        ),
    ] = "auto"
    rate: Annotated[
        str | None, Option("Keep about this many, such as 500/day.", metavar="N/UNIT")
    ] = None
    max_kept: Annotated[
        int | None, Option("Most vectors to compare with.", metavar="K", minimum=1)
    ] = None
    window: Annotated[
        float | None,
        Option("Forget frames that were not seen again for this long.", metavar="SECONDS"),
    ] = None
    sample: Annotated[
        float | Literal["frame", "keyframe"],
        Option("Which frames to look at.", metavar="SECONDS|frame|keyframe"),
    ] = "frame"
    encoder: EncoderToUse = "default"
    gate: Annotated[
        bool,
        Option(
            "Skip the encoder for frames whose pixels hardly differ.", names=("--gate", "--no-gate")
        ),
    ] = True
    out: Annotated[Path | None, Option("Copy kept frames to this folder.", metavar="DIR")] = None
    copy: Annotated[
        bool | None,
        Option(
            "Copy kept frames, or point to them.",
            names=("--copy", "--no-copy"),
            default="copy if live",
        ),
    ] = None
    metrics: Annotated[
        str | int | None,
        Option("Serve Prometheus metrics at this address.", metavar="PORT|HOST:PORT"),
    ] = None
    drift: Annotated[
        str | None,
        Option(
            "Send the vectors of all frames looked at to this reference on a drift server.",
            metavar="URL",
        ),
    ] = None
    drift_token: Annotated[
        Path | None, Option("File with the token of the drift server.", metavar="FILE")
    ] = None
    defects: Annotated[
        str | None,
        Option(
            "Keep the frames that this model of `defects fit` calls anomalous, and no others.",
            metavar="NAME|FILE",
        ),
    ] = None
    behind: Annotated[
        Literal["drop", "block"] | None,
        Option("What to do when frames come too fast.", default="drop if live"),
    ] = None
    seconds: Annotated[
        float | None, Option("How long to watch.", names=("--for",), metavar="SECONDS")
    ] = None
    once: Annotated[bool, Option("Stop after one pass over the folders.")] = False
    per_stream: Annotated[bool, Option("Compare each source only with itself.")] = False

    def check(self) -> None:
        """Refuse two ways to steer the threshold, and copies that are not to be made."""
        if self.rate is not None and self.max_kept is not None:
            raise UsageError(
                "a rate and a bound of what is kept in memory both steer the threshold; give one"
            )
        if self.out is not None and self.copy is False:
            raise UsageError(
                f"copies are to go to {self.out}, and none are to be made; give one of the two"
            )
        if self.drift is not None and self.gate:
            raise UsageError(
                "a gate leaves out frames that are alike, and what is left would look like drift; "
                "leave the gate out too (no gate), and sample as often as for the reference"
            )
        if self.drift_token is not None and self.drift is None:
            raise UsageError("a token of which drift server? give its address too (drift)")
        if self.defects is not None:
            self._check_defects()
        if self.seconds is not None and not self.seconds > 0:
            raise UsageError(f"cannot watch for {self.seconds} s; give a number above 0")

    def _check_defects(self) -> None:
        """Refuse what would decide beside the model of defects."""
        if self.gate:
            raise UsageError(
                "a gate leaves out frames that are alike, and a small flaw hardly differs; leave "
                "the gate out too (no gate)"
            )
        if self.drift is not None:
            raise UsageError(
                "a drift server needs the vectors of all frames, and with a model of defects only "
                "anomalous ones get any; watch for one of the two"
            )
        if self.threshold != "auto" or self.rate is not None or self.max_kept is not None:
            raise UsageError(
                "the model's threshold decides what is kept, whether it is new or not; leave out "
                "the threshold, the rate and the most that is kept"
            )
        if self.window is not None or self.per_stream:
            raise UsageError(
                "a model of defects compares frames with no others; leave out the window and the "
                "memory per stream"
            )
