"""The two exams of a fine-tuning: one before and after, and a small one while it trains."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from tamis.encoders.registry import load_encoder
from tamis.errors import StorageError
from tamis.services.finetune.exam import Exam
from tamis.services.finetune.licence import licence_of
from tamis.services.finetune.pictures import pixels_of
from tamis.services.finetune.verdict import deciding

if TYPE_CHECKING:
    from tamis.services.finetune.exam import Encode
    from tamis.services.finetune.pictures import Pictures
    from tamis.types import Indices, PixelBatch, Vectors
    from tamis.verbs.feedback import Feedback

__all__ = ["evenly_spread", "exam_of", "signal_exam", "signal_of", "teacher_vectors"]

_MOST_KNOWN, _MOST_KNOWN_OF_SIGNAL = 2000, 200
_STEP: Final = 32


def teacher_vectors(spec: str, pictures: Pictures, feedback: Feedback) -> Vectors:
    """Return the teacher's vector of each picture, `[N, E]`.

    Raises:
        StorageError: a picture cannot be read any more.
    """
    teacher = load_encoder(spec)
    feedback.note(f"terms of the weights of {teacher.spec}: {licence_of(teacher.spec)}")
    pixels, places, failed = pixels_of(
        pictures.rows, teacher.preprocessing, feedback.stage("teacher")
    )
    if failed or len(places) != len(pictures.rows):
        raise StorageError(f"pictures vanished while they were read, {failed[0].path} for one")
    return np.concatenate(
        [teacher.embed(pixels[start : start + _STEP]) for start in range(0, len(pixels), _STEP)]
    )


def exam_of(pictures: Pictures, pixels: PixelBatch, teacher: Vectors | None) -> Exam:
    """Return the exam that decides which encoder is kept; `teacher` is `[N, E]`."""
    known = evenly_spread(pictures.trained_on, _MOST_KNOWN)
    asks = frozenset({"labels", "probe", "halves", "copies", "flaws"})
    return _exam(pictures, pixels, (pictures.measured_on, known), asks, teacher)


def signal_exam(
    pictures: Pictures, pixels: PixelBatch, method: str, teacher: Vectors | None
) -> Exam:
    """Return the exam that tells when to stop; it asks for labels if there are enough."""
    places = pictures.watched, evenly_spread(pictures.trained_on, _MOST_KNOWN_OF_SIGNAL)
    labeled = _exam(pictures, pixels, places, frozenset({"labels"}), None)
    if labeled.has_labels:
        return labeled
    asks = {"distill": "", "cutpaste": "flaws"}.get(method, "halves")
    return _exam(pictures, pixels, places, frozenset({asks} - {""}), teacher)


def signal_of(watch: Exam, encode: Encode, method: str) -> tuple[float, float]:
    """Return how good the vectors are on pictures that are watched, and their effective rank."""
    found = watch.answers(encode)
    if found.right_share is not None:
        return found.right_share, found.rank
    (name,) = deciding(method, labels=False)
    return float(found.values[name].mean()), found.rank


def _exam(
    pictures: Pictures,
    pixels: PixelBatch,
    places: tuple[Any, Any],
    asks: frozenset[str],
    teacher: Vectors | None,
) -> Exam:
    asked, known = places
    return Exam(
        pixels=pixels[asked],
        groups=pictures.groups[asked],
        classes=pictures.classes[asked],
        known=pixels[known],
        known_classes=pictures.classes[known],
        seeds=[pictures.rows[place].seed for place in asked],
        asks=asks,
        teacher=None if teacher is None else teacher[asked],
    )


def evenly_spread(places: Indices, most: int) -> Indices:
    """Return at most so many places, evenly spread over the pictures' order by content."""
    if len(places) <= most:
        return places
    return places[np.linspace(0, len(places) - 1, most).round().astype(np.int64)]
