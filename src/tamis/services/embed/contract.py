"""What can be asked of embedding, and what it did."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass
from typing import Annotated, Literal

from tamis.types import Failure
from tamis.verbs.request import Option, Request
from tamis.verbs.result import Result
from tamis.verbs.shared import (
    Address,
    BatchSize,
    EncoderToUse,
    Processes,
    Runner,
    Threads,
    check_runner,
)

__all__ = ["Embed", "EmbedReport"]


@dataclass(frozen=True)
class Embed(Request["EmbedReport"], verb="embed", writes=True):
    """Compute vectors for the pictures that lack them."""

    encoder: EncoderToUse = "default"
    _: KW_ONLY
    dtype: Annotated[Literal["float32", "float16"], Option("How to store the vectors.")] = "float32"
    retry: Annotated[bool, Option("Retry pictures that failed before.")] = False
    batch_size: BatchSize = None
    device: Annotated[
        str | None,
        Option("The device to run on.", metavar="cpu|cuda|mps", default="the best available"),
    ] = None
    threads: Threads = None
    processes: Processes = None
    runner: Runner = "local"
    address: Address = None

    def check(self) -> None:
        """Refuse the address of a cluster that is not asked to work."""
        check_runner(self.runner, self.address, processes=self.processes)


@dataclass(frozen=True, kw_only=True, repr=False)
class EmbedReport(Result):
    """What embedding did.

    Attributes:
        encoder: spec of the encoder.
        column: the vector column.
        dim: length of a vector.
        embedded: pictures that got a vector.
        skipped: pictures that were not tried: they have a vector, or failed before.
        failed: pictures that could not be embedded now, with their reasons.
        batch_size: pictures for one call of the encoder, as it was at the end.
        seconds: how long it took.
    """

    encoder: str
    column: str
    dim: int
    embedded: int
    skipped: int
    failed: Sequence[Failure] = ()
    batch_size: int = 1
    seconds: float = 0.0
