"""A lower precision for an encoder on a device, if it keeps the vectors of the user's pictures."""

from __future__ import annotations

import heapq
from contextlib import suppress
from dataclasses import replace
from itertools import chain
from typing import TYPE_CHECKING, Final

import numpy as np

from tamis.algo.fidelity import fidelity
from tamis.dataset.schema import vector_field
from tamis.encoders.registry import full_spec
from tamis.errors import UsageError
from tamis.runtime.batch_size import BatchSize, find_batch_size
from tamis.services.embed.embedded_batch import EmbeddedBatch, Prepared, prepared

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Sequence

    from tamis.encoders.base import Encoder
    from tamis.services.embed.embedded_batch import EmbedRow
    from tamis.types import Vectors

__all__ = ["FEWEST_PICTURES", "SAMPLE", "choose_precision", "sample_of", "with_precision"]

SAMPLE: Final = 200
"""Pictures that precisions are compared on."""

FEWEST_PICTURES: Final = 50
"""From so many on, each has ten nearest others that are few of all."""

_MIN_COSINE: Final = 0.999
_MIN_OVERLAP: Final = 0.95
_LOWER: Final = ("bfloat16", "float16")
_FASTER_ON_PROCESSORS: Final = ("openvino",)
"""Kinds of encoder that offer bfloat16 on a processor only where it has instructions for it."""


def with_precision(spec: str, precision: str) -> str:
    """Return the spec of an encoder with a precision of its own.

    Raises:
        UsageError: it states another one.

    >>> with_precision("hf:facebook/dinov2-small", "bfloat16")
    'hf:facebook/dinov2-small?precision=bfloat16'
    """
    parsed = full_spec(spec)
    stated = parsed.options.get("precision", precision)
    if stated != precision:
        raise UsageError(f"{spec} states a precision of its own; leave out one of the two")
    return str(replace(parsed, options={**parsed.options, "precision": precision}))


def sample_of(rows: Iterable[EmbedRow], most: int = SAMPLE) -> list[EmbedRow]:
    """Return whole pictures to compare on: whichever have the lowest sample ids, in any order.

    A sample id is a hash, so that this is a random sample, and the same whatever the rows' order.
    """
    return heapq.nsmallest(most, (row for row in rows if row.box is None), key=lambda row: row[0])


def choose_precision(
    spec: str,
    load: Callable[[str], Encoder],
    rows: Iterable[EmbedRow],
    columns: Collection[str],
) -> tuple[Encoder, str]:
    """Return the encoder in the first of bfloat16, float16 and float32 that passes, and why.

    A lower precision passes if its vectors of a sample of the pictures have a mean cosine of at
    least .999 with those of float32 and keep at least 95% of each picture's ten nearest. What the
    dataset has vectors of already goes on as it is: the choice is made once. The precision is part
    of the encoder's spec and fingerprint. It is float32 with under 50 pictures, and on a processor
    except for OpenVINO, which refuses what the processor has no instructions for.

    Args:
        spec: the encoder, without a precision.
        load: loads it on the device, by its spec.
        rows: the pictures of the dataset.
        columns: the vector columns of the dataset.

    Raises:
        UsageError: the spec states a precision.
        EncoderError: the encoder cannot be loaded.
    """
    if "precision" in full_spec(spec).options:
        raise UsageError(f"{spec} states a precision of its own; leave out one of the two")
    reference = load(spec)
    on_processor = str(getattr(reference, "device", "cpu")) == "cpu"
    if on_processor and full_spec(spec).kind not in _FASTER_ON_PROCESSORS:
        return reference, "float32: a lower precision is chosen for devices beside the processor"
    lower: list[Encoder] = []
    for candidate in chain([reference], _lower(spec, load)):
        if _column(candidate) in columns:
            return candidate, f"{_precision_of(candidate)}, as the vectors that the dataset has"
        if candidate is not reference:
            lower.append(candidate)
    if not lower:
        return reference, f"float32: {reference.spec} has no lower precision here"
    return _first_that_passes(reference, lower, rows)


def _lower(spec: str, load: Callable[[str], Encoder]) -> Iterator[Encoder]:
    for precision in _LOWER:
        with suppress(UsageError):  # the device or the kind of encoder has no such precision
            yield load(with_precision(spec, precision))


def _first_that_passes(
    reference: Encoder, lower: Sequence[Encoder], rows: Iterable[EmbedRow]
) -> tuple[Encoder, str]:
    ready = [one for one in prepared(sample_of(rows), reference.preprocessing) if _is_readable(one)]
    vectors = _vectors(reference, ready)
    usable = np.abs(vectors).max(axis=1, initial=0.0) > 0
    ready = [one for one, fits in zip(ready, usable.tolist(), strict=True) if fits]
    if len(ready) < FEWEST_PICTURES:
        return reference, (
            f"float32: {len(ready)} pictures that can be embedded are too few to compare "
            f"precisions on; {FEWEST_PICTURES} are enough"
        )
    lost: list[str] = []
    for candidate in lower:
        figures = fidelity(vectors[usable], _vectors(candidate, ready))
        measured = (
            f"mean cosine {figures.mean_cosine:.5f} and {figures.overlap:.1%} of the "
            f"{figures.neighbours} nearest on {len(ready)} pictures"
        )
        if figures.mean_cosine >= _MIN_COSINE and figures.overlap >= _MIN_OVERLAP:
            return candidate, f"{_precision_of(candidate)}: {measured}"
        lost.append(f"{_precision_of(candidate)} keeps {measured}")
    return reference, (
        f"float32: {'; '.join(lost)}, where {_MIN_COSINE} and {_MIN_OVERLAP:.0%} are asked for"
    )


def _precision_of(encoder: Encoder) -> str:
    return full_spec(encoder.spec).options.get("precision", "float32")


def _column(encoder: Encoder) -> str:
    return str(vector_field(encoder.spec, encoder.fingerprint, encoder.dim, "float32").name)


def _is_readable(one: Prepared) -> bool:
    return not isinstance(one[1], str)


def _vectors(encoder: Encoder, ready: list[Prepared]) -> Vectors:
    """Return `[N, D]`; rows of zeros where the encoder gave nothing usable."""
    size = BatchSize(find_batch_size(encoder))
    found = np.zeros((len(ready), encoder.dim), np.float32)
    places = {row.sample_id: place for place, (row, _) in enumerate(ready)}
    for start in range(0, len(ready), size.size):
        made = EmbeddedBatch.of(encoder, size, ready[start : start + size.size])
        found[[places[name] for name in made.ids]] = made.vectors
    return found
