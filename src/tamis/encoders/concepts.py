"""Search by words without a network: pictures and texts meet in ImageNet's 1,000 classes.

A picture is what the bundled classifier takes it for; a text is which classes are described by
something like it, by the measure of a small language model. See the record of the decision in
`docs/adr/0005-concept-search.md` for what was compared.
"""

from __future__ import annotations

import hashlib
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from tamis.algo.unit_vectors import normalise_rows
from tamis.encoders.base import fingerprint_of
from tamis.encoders.bundled import MODELS, EfficientNetLite, load_bundled
from tamis.encoders.cache import cached
from tamis.encoders.class_texts import DESCRIPTIONS_FILE, NAMES_FILE, class_texts
from tamis.encoders.sentence_model import MODEL_FILE, TOKENIZER_FILE, SentenceModel
from tamis.encoders.spec import EncoderSpec, convert_options
from tamis.errors import UnknownEncoderError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tamis.types import PixelBatch, Vectors

__all__ = ["CAVEAT", "Concepts", "load_concepts"]

CAVEAT: Final = (
    "concepts knows only what ImageNet's 1,000 classes express (animals and objects), so it cannot "
    "find colours, attributes, people or actions."
)

_TEXT_TEMPERATURE: Final = 0.05
_VERSION: Final = 1
"""Raised whenever the same files give other vectors."""

_TEXT_FILES: Final = (MODEL_FILE, TOKENIZER_FILE, NAMES_FILE, DESCRIPTIONS_FILE)


def load_concepts(spec: EncoderSpec, **options: Any) -> Concepts:
    """Load the encoder whose space is ImageNet's classes.

    The first text takes about ten seconds, for the texts of all classes; their vectors are then
    kept in the user's cache.

    Args:
        spec: `concepts:` and the name of a bundled classifier, e.g. `concepts:efficientnet-lite0`.
        options: `threads`, the most that inference may use; all cores if not given.

    Raises:
        UnknownEncoderError: there is no such bundled classifier.
        EncoderError: a package is missing, or its files are not the known ones.
        UsageError: an option is unknown or out of range.
    """
    chosen = convert_options(spec, {"threads": int}, options)
    if spec.name not in MODELS:
        raise UnknownEncoderError(
            f"there is no encoder {spec}; after  concepts:  comes one of {', '.join(MODELS)}"
        )
    return Concepts(load_bundled(EncoderSpec("bundled", spec.name), **chosen), **chosen)


class Concepts:
    """An encoder whose dimensions are ImageNet's classes, for pictures and for texts.

    A picture's vector is the square root of its class probabilities. That is of length 1 by
    nature, and the same direction as the probabilities at temperature 2. A text's vector is the
    softmax, over the classes, of its cosine with their texts at temperature 0.05, at length 1.

    Args:
        classifier: what looks at the pictures.
        threads: most threads that reading texts may use; all cores when None.
    """

    caveat: Final = CAVEAT

    def __init__(self, classifier: EfficientNetLite, *, threads: int | None = None) -> None:
        self._classifier = classifier
        self._threads = threads
        self.spec = f"concepts:{classifier.spec.partition(':')[2]}"
        self.preprocessing = classifier.preprocessing
        self.dim = len(classifier.classes)
        self.fingerprint = fingerprint_of(
            {
                "classifier": classifier.fingerprint,
                "texts": [file.sha256 for file in _TEXT_FILES],
                "text temperature": _TEXT_TEMPERATURE,
                "version": _VERSION,
            }
        )

    def embed(self, pixels: PixelBatch) -> Vectors:
        """Return `[B, 1000]` float32 unit vectors of prepared pictures."""
        return normalise_rows(np.sqrt(self._classifier.posteriors(pixels)))

    def embed_text(self, texts: Sequence[str]) -> Vectors:
        """Return `[T, 1000]` float32 unit vectors of texts; long ones are cut.

        Every text gets a vector, also one that no class has to do with; see `caveat`. It is the
        same to the bit whatever other texts come with it.

        Raises:
            EncoderError: a package is missing, or its files are not the known ones.
        """
        vectors = np.empty((len(texts), self.dim), np.float32)
        # A product of several rows at once rounds otherwise than one of each row.
        for row, sentence in enumerate(self._sentences.embed(texts)):
            cosines = self._classes @ sentence
            cosines -= cosines.max()
            vectors[row] = normalise_rows(np.exp(cosines / np.float32(_TEXT_TEMPERATURE))[None])[0]
        return vectors

    # Both are made when the first text comes: embedding pictures needs neither. Threads may race
    # to make them, and then make the same.

    @cached_property
    def _sentences(self) -> SentenceModel:
        return SentenceModel(threads=self._threads)

    @cached_property
    def _classes(self) -> Vectors:
        """The `[1000, 384]` unit vectors of the classes' texts."""
        known = "".join(file.sha256 for file in _TEXT_FILES)
        name = f"concepts-{hashlib.sha256(known.encode()).hexdigest()[:16]}-v{_VERSION}.f32"
        kept = cached(name, lambda: self._sentences.embed(class_texts()).astype("<f4").tobytes())
        return np.frombuffer(kept, "<f4").reshape(self.dim, SentenceModel.dim)
