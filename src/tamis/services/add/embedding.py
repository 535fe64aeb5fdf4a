"""Vectors for new pictures from the decoding that measured them."""

from __future__ import annotations

from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, TypeGuard

import numpy as np

from tamis.runtime.ordered_map import ordered_map
from tamis.runtime.stage import Stage
from tamis.services.add.sample_rows import NewSample, Outcome

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Iterator

    from tamis.encoders.base import Encoder
    from tamis.runtime.batch_size import BatchSize
    from tamis.types import Vectors

__all__ = ["with_vectors"]

_LENGTH_TOLERANCE: Final = 1e-3
_MOST_WAITING: Final = 64
_ON_DEVICE: Final = 2


def with_vectors(
    outcomes: Iterable[Outcome], encoder: Encoder, batch_size: BatchSize, *, workers: int
) -> Generator[Outcome]:
    """Yield the outcomes in their order; those that carry prepared pixels get their vector.

    Where the encoder gives no finite vector of length 1 there is none, so that `embed` tries again
    and says why. How batches are composed depends on the outcomes alone. Memory: the pixels of
    three batches a worker.

    Args:
        outcomes: from `Examine`.
        encoder: makes the vectors.
        batch_size: pictures for one call of it.
        workers: threads that call it, if it runs on the processor; two call another device.
    """
    on_processor = str(getattr(encoder, "device", "cpu")) == "cpu"
    done = ordered_map(
        _Embed(encoder, batch_size),
        _batches(outcomes, batch_size.size),
        workers=workers if on_processor else _ON_DEVICE,
        ahead=1,
    )
    with closing(done):
        for batch in done:
            yield from batch


@dataclass(frozen=True)
class _Embed(Stage["list[Outcome]", "list[Outcome]"]):
    """Gives a batch its vectors; in threads only."""

    encoder: Encoder
    batch_size: BatchSize

    @contextmanager
    def open(self) -> Iterator[Callable[[list[Outcome]], list[Outcome]]]:
        yield self._embed

    def failed(self, item: list[Outcome], reason: str) -> list[Outcome]:  # noqa: ARG002
        # `embed` tries again, and says the reason
        return [_without_pixels(outcome) for outcome in item]

    def _embed(self, batch: list[Outcome]) -> list[Outcome]:
        waiting = [one for one in batch if _has_pixels(one)]
        if not waiting:
            return batch
        vectors = self.batch_size.embed(
            self.encoder, np.stack([one.pixels for one in waiting if one.pixels is not None])
        )
        # asked this way round, a length that is not a number is not usable either
        usable = np.abs(np.linalg.norm(vectors, axis=1) - 1) <= _LENGTH_TOLERANCE
        made = iter(zip(vectors, usable, strict=True))
        return [_settled(one, *next(made)) if _has_pixels(one) else one for one in batch]


def _settled(sample: NewSample, vector: Vectors, usable: np.bool_) -> NewSample:
    return replace(sample, pixels=None, vector=vector if usable else None)


def _has_pixels(outcome: Outcome) -> TypeGuard[NewSample]:
    return isinstance(outcome, NewSample) and outcome.pixels is not None


def _without_pixels(outcome: Outcome) -> Outcome:
    return replace(outcome, pixels=None) if isinstance(outcome, NewSample) else outcome


def _batches(outcomes: Iterable[Outcome], size: int) -> Iterator[list[Outcome]]:
    """Fill batches with `size` that have pixels, or a bounded number of any."""
    batch: list[Outcome] = []
    good = 0
    for outcome in outcomes:
        batch.append(outcome)
        good += _has_pixels(outcome)
        if good == size or len(batch) >= max(_MOST_WAITING, size):
            yield batch
            batch, good = [], 0
    if batch:
        yield batch
