"""Embedding on a device beside the processor: pictures are decoded ahead, one by one."""

from __future__ import annotations

from contextlib import closing, contextmanager
from dataclasses import dataclass
from queue import SimpleQueue
from typing import TYPE_CHECKING, Final

import numpy as np

from tamis.runtime.ordered_map import ordered_map
from tamis.runtime.stage import Stage
from tamis.services.embed.embedded_batch import EmbeddedBatch, EmbedRow, Prepared, prepared
from tamis.sources.archives import close_archives
from tamis.sources.locations import require_source
from tamis.sources.video.frame_reader import close_videos

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Iterator, Sequence

    from tamis.encoders.base import Encoder
    from tamis.runtime.batch_size import BatchSize
    from tamis.types import Preprocessing

__all__ = ["DecodePicture", "embedded_on_device"]

_AT_WORK: Final = 2
"""Batches on each device at once: one is copied while the other is computed."""

_AHEAD: Final = 8
"""Pictures that each worker may decode ahead, at least."""


@dataclass(frozen=True)
class DecodePicture(Stage["list[EmbedRow]", "list[Prepared]"]):
    """Reads and decodes the rows of one picture, and prepares them for an encoder.

    Attributes:
        preprocessing: the encoder's.
    """

    preprocessing: Preprocessing

    @contextmanager
    def open(self) -> Iterator[Callable[[list[EmbedRow]], list[Prepared]]]:
        """See `Stage`."""
        try:
            yield self._decode
        finally:
            close_archives()
            close_videos()

    def failed(self, item: list[EmbedRow], reason: str) -> list[Prepared]:
        """See `Stage`."""
        for row in item:
            require_source(row.source)
        return [(row, reason) for row in item]

    def parts(self, item: list[EmbedRow]) -> Sequence[list[EmbedRow]]:
        """See `Stage`."""
        return [[row] for row in item]

    def joined(self, outcomes: Sequence[list[Prepared]]) -> list[Prepared]:
        """See `Stage`."""
        return [row for outcome in outcomes for row in outcome]

    def _decode(self, rows: list[EmbedRow]) -> list[Prepared]:
        return list(prepared(rows, self.preprocessing))


class _EmbedPrepared(Stage["list[Prepared]", EmbeddedBatch]):
    """Embeds a batch of prepared pictures on whichever device is free; in threads only."""

    def __init__(self, encoders: Sequence[Encoder], batch_size: BatchSize) -> None:
        self._dim = encoders[0].dim
        self._batch_size = batch_size
        self._free: SimpleQueue[Encoder] = SimpleQueue()
        for encoder in [*encoders] * _AT_WORK:
            self._free.put(encoder)

    @contextmanager
    def open(self) -> Iterator[Callable[[list[Prepared]], EmbeddedBatch]]:
        yield self._embed

    def failed(self, item: list[Prepared], reason: str) -> EmbeddedBatch:
        none = np.empty((0, self._dim), np.float32)
        return EmbeddedBatch([], none, [(row, reason) for row, _ in item])

    def _embed(self, batch: list[Prepared]) -> EmbeddedBatch:
        encoder = self._free.get()
        try:
            return EmbeddedBatch.of(encoder, self._batch_size, batch)
        finally:
            self._free.put(encoder)


def embedded_on_device(
    encoders: Sequence[Encoder],
    batch_size: BatchSize,
    pictures: Iterable[list[EmbedRow]],
    *,
    workers: int,
    processes: bool = False,
) -> Generator[EmbeddedBatch]:
    """Yield what comes of the rows, batch by batch, in their order.

    A batch is filled from pictures that all workers decode, so that a few hundred large ones keep
    every processor busy however many the devices take at once. How batches are composed does not
    depend on the number of workers or devices. Memory: the pictures of four batches a device,
    prepared.

    Args:
        encoders: the same on each device.
        batch_size: pictures for one call of one.
        pictures: the rows of a picture each.
        workers: that decode.
        processes: decode in processes.
    """
    at_work = _AT_WORK * len(encoders)
    decoded = ordered_map(
        DecodePicture(encoders[0].preprocessing),
        pictures,
        workers=workers,
        ahead=max(_AHEAD, -(-at_work * batch_size.size // workers)),
        weight=len,
        processes=processes,
    )
    with closing(decoded):
        batches = _batches(decoded, batch_size.size)
        stage = _EmbedPrepared(encoders, batch_size)
        done = ordered_map(stage, batches, workers=at_work, ahead=1)
        with closing(done):
            yield from done


def _batches(decoded: Iterable[list[Prepared]], size: int) -> Iterator[list[Prepared]]:
    """Fill batches with `size` rows that could be decoded; the others come along."""
    batch: list[Prepared] = []
    good = 0
    for one in decoded:
        for row, found in one:
            batch.append((row, found))
            good += not isinstance(found, str)
            if good == size:
                yield batch
                batch, good = [], 0
    if batch:
        yield batch
