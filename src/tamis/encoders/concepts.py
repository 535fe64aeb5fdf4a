"""Text search without a network: ImageNet's 1,000 classes as the common space.

A picture is represented by the bundled classifier's class probabilities, a text by its similarity
to the class descriptions under a small sentence model. `docs/adr/0005-concept-search.md` compares
the alternatives.
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
from tamis.encoders.imagenet_classes import DESCRIPTIONS_FILE, NAMES_FILE, class_descriptions
from tamis.encoders.sentence_model import MODEL_FILE, TOKENIZER_FILE, SentenceModel
from tamis.encoders.spec import EncoderSpec, convert_options
from tamis.errors import UnknownEncoderError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tamis.types import PixelBatch, Vectors

__all__ = ["CAVEAT", "Concepts", "load_concepts"]

CAVEAT: Final = (
    "concepts knows only what ImageNet's 1,000 classes express (animals and objects), so it cannot "
    "find colors, attributes, people or actions."
)

_TEXT_TEMPERATURE: Final = 0.05
_VERSION: Final = 1
"""Incremented whenever the same files give different vectors."""

_TEXT_FILES: Final = (MODEL_FILE, TOKENIZER_FILE, NAMES_FILE, DESCRIPTIONS_FILE)


def load_concepts(spec: EncoderSpec, **options: Any) -> Concepts:
    """Load the encoder whose dimensions are ImageNet's classes.

    The first text takes about ten seconds, because the texts of all classes are embedded and
    cached.

    Args:
        spec: `concepts:` and the name of a bundled classifier, e.g. `concepts:efficientnet-lite0`.
        options: `threads`, the maximum for inference; all cores by default.

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

    A picture's vector is the square root of its class probabilities, which has length 1 and the
    same direction as the probabilities at temperature 2. A text's vector is the softmax over the
    classes of its cosine with the class texts at temperature 0.05, normalized to length 1.

    Args:
        classifier: the classifier for pictures.
        threads: maximum number of threads for text; None for all cores.
    """

    caveat: Final = CAVEAT

    def __init__(self, classifier: EfficientNetLite, *, threads: int | None = None) -> None:
        self.classifier = classifier
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
        return normalise_rows(np.sqrt(self.classifier.posteriors(pixels)))

    def embed_text(self, texts: Sequence[str]) -> Vectors:
        """Return `[T, 1000]` float32 unit vectors of texts; long texts are truncated.

        Every text gets a vector, even if it is unrelated to all classes; see `caveat`. A vector
        does not depend on the other texts, bit for bit.

        Raises:
            EncoderError: a package is missing, or its files are not the known ones.
        """
        vectors = np.empty((len(texts), self.dim), np.float32)
        # The product of several rows at once rounds differently than row by row.
        for row, sentence in enumerate(self._sentences.embed(texts)):
            cosines = self._classes @ sentence
            cosines -= cosines.max()
            vectors[row] = normalise_rows(np.exp(cosines / np.float32(_TEXT_TEMPERATURE))[None])[0]
        return vectors

    # Both are created with the first text, since pictures need neither. Threads may race to create
    # them; the results are identical.

    @cached_property
    def _sentences(self) -> SentenceModel:
        return SentenceModel(threads=self._threads)

    @cached_property
    def _classes(self) -> Vectors:
        """The `[1000, 384]` unit vectors of the classes' texts."""
        known = "".join(file.sha256 for file in _TEXT_FILES)
        name = f"concepts-{hashlib.sha256(known.encode()).hexdigest()[:16]}-v{_VERSION}.f32"
        kept = cached(
            name, lambda: self._sentences.embed(class_descriptions()).astype("<f4").tobytes()
        )
        return np.frombuffer(kept, "<f4").reshape(self.dim, SentenceModel.dim)
