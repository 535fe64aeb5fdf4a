"""What can be asked of embedding, and what it did."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass
from typing import Annotated, Literal

from tamis.errors import UsageError
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
        Option("The device, or several.", metavar="cpu|cuda|cuda:0,cuda:1", default="the best"),
    ] = None
    precision: Annotated[
        Literal["auto", "float32", "bfloat16", "float16"] | None,
        Option(
            "What the encoder computes in; auto takes a lower one on a GPU if vectors stay alike.",
            default="as the encoder says",
        ),
    ] = None
    threads: Threads = None
    processes: Processes = None
    runner: Runner = "local"
    address: Address = None

    def check(self) -> None:
        """Refuse what a cluster cannot be asked for, or what asks no cluster."""
        check_runner(self.runner, self.address, processes=self.processes)
        if self.runner == "ray" and self.precision == "auto":
            raise UsageError("a cluster compares no precisions; name one, such as bfloat16")
        if self.runner == "ray" and len(self.devices) > 1:
            raise UsageError("each machine of a cluster has its own devices; say  --device cuda")

    @property
    def devices(self) -> tuple[str, ...]:
        """The devices that were named."""
        return tuple(self.device.split(",")) if self.device else ()


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
