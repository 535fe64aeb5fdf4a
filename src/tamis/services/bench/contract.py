"""What can be asked of a measurement of this machine, and what it found."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass
from typing import Annotated, ClassVar, Literal, TypeAlias

from tamis.types import Failure
from tamis.verbs.request import Option, Request
from tamis.verbs.result import Result
from tamis.verbs.shared import EncoderToUse, Sources, Threads

__all__ = ["Bench", "BenchReport", "BenchStage", "StageName"]

StageName: TypeAlias = Literal["read", "measure", "prepare", "infer", "write", "search"]


@dataclass(frozen=True)
class Bench(Request["BenchReport"], verb="bench"):
    """Measure how fast this machine works, and what bounds it.

    The steps are reading, decoding, inference, writing and search. Some of the pictures go through
    each step by itself, with one worker and with all; videos are passed over. Nothing is added
    anywhere: what is written goes to a temporary folder.
    """

    sources: Sources
    _: KW_ONLY
    limit: Annotated[
        int, Option("How many pictures to measure with.", metavar="N", minimum=2, maximum=10_000)
    ] = 100
    encoder: EncoderToUse = "default"
    device: Annotated[
        str | None,
        Option("The device to run on.", metavar="cpu|cuda|mps", default="the best available"),
    ] = None
    threads: Threads = None


@dataclass(frozen=True)
class BenchStage:
    """One step, by itself.

    Attributes:
        stage: `read` (and hash), `measure` (decode for figures, hash and thumbnail, as `add`),
            `prepare` (decode and resize for the encoder, as `embed`), `infer`, `write` (a row with
            its vector) and `search` (one query in `BenchReport.searched` vectors).
        one: pictures a second of one worker.
        all: pictures a second of all workers.
        processor_ms: processor time a picture.
        share: of the time of `add` and `embed` together that it takes, in [0, 1]; 0 of `search`.
    """

    stage: StageName
    one: float
    all: float
    processor_ms: float
    share: float


@dataclass(frozen=True, kw_only=True, repr=False)
class BenchReport(Result):
    """How fast this machine is.

    Attributes:
        pictures: that were measured with.
        bytes: of a picture's file, on average.
        megapixels: of a picture, on average.
        failed: pictures that could not be decoded, with their reasons.
        encoder: its spec.
        device: where it ran.
        batch_size: pictures for one call of it.
        workers: that shared the work.
        stages: the steps.
        searched: vectors that a query is compared with.
        add: pictures a second that `tamis add` may reach by these figures.
        embed: pictures a second that `tamis embed` may reach.
        bound: the step that takes most of the time of both.
        advice: what would help, most effective first.
    """

    table_of: ClassVar[str | None] = "stages"

    pictures: int
    bytes: float
    megapixels: float
    failed: Sequence[Failure] = ()
    encoder: str
    device: str
    batch_size: int
    workers: int
    stages: Sequence[BenchStage]
    searched: int
    add: float
    embed: float
    bound: StageName
    advice: Sequence[str] = ()
