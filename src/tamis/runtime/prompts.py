"""Words in sentences, as text towers were trained on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from tamis.algo.unit_vectors import normalise_rows
from tamis.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tamis.encoders.base import TextEncoder
    from tamis.types import Vectors

__all__ = ["TEMPLATES", "prompt_vectors", "prompts_of"]

TEMPLATES: Final = (
    "a photo of a {}.",
    "a photo of the {}.",
    "a photo of {}.",
    "a close-up photo of a {}.",
    "a picture of a {}.",
)
"""Averaging over a few of them steadies a text's vector (Radford et al. 2021, section 3.1.4)."""

_ARTICLES: Final = {"a", "an", "the"}
_SENTENCE_WORDS: Final = 4
_ENDS: Final = ".!?"


def prompts_of(text: str) -> list[str]:
    """Return the sentences whose mean vector stands for a text.

    A text that is a sentence already (it ends like one, or has four words or more) is among them
    as it is. Its article gives way to that of the template.

    >>> prompts_of("a valve")[:2]
    ['a photo of a valve.', 'a photo of the valve.']
    >>> prompts_of("A dog lies on a mat.")[0]
    'A dog lies on a mat.'

    Raises:
        UsageError: the text is empty.
    """
    words = text.split()
    if not words:
        raise UsageError("a text to look for is empty; say what the pictures should show")
    sentence = " ".join(words)
    if len(words) > 1 and words[0].lower() in _ARTICLES:
        words = words[1:]
    core = " ".join(words).rstrip(_ENDS) or sentence
    filled = [template.format(core) for template in TEMPLATES]
    is_sentence = sentence[-1] in _ENDS or len(sentence.split()) >= _SENTENCE_WORDS
    return [sentence, *filled] if is_sentence else filled


def prompt_vectors(encoder: TextEncoder, texts: Sequence[str]) -> Vectors:
    """Return `[T, D]` float32 unit vectors: for each text the mean of those of its prompts.

    Raises:
        UsageError: a text is empty.
    """
    vectors = np.empty((len(texts), encoder.dim), np.float32)
    for row, text in enumerate(texts):
        vectors[row] = encoder.embed_text(prompts_of(text)).mean(axis=0)
    return normalise_rows(vectors)
