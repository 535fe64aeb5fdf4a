from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest

from picture_files import photo_file
from tamis.algo.unit_vectors import normalise_rows
from tamis.errors import InputError
from tamis.services.encoders import check as encoder_check
from tamis.services.encoders.check import MOST_BATCH_DIFFERENCE, check_encoder
from tamis.services.encoders.contract import CheckEncoder
from tamis.types import Preprocessing


class Fake:
    """The mean colour of each quarter of a picture, at unit length."""

    spec, fingerprint, dim = "fake:good", "0" * 32, 12
    preprocessing = Preprocessing(height=32, width=32)

    def embed(self, pixels):
        blocks = pixels.reshape(len(pixels), 2, 16, 2, 16, 3).mean(axis=(2, 4), dtype=np.float32)
        return normalise_rows(blocks.reshape(len(pixels), -1))


class Long(Fake):
    def embed(self, pixels):
        return 1.01 * super().embed(pixels)


class NotANumber(Fake):
    def embed(self, pixels):
        return np.full((len(pixels), self.dim), np.nan, np.float32)


class Zero(Fake):
    def embed(self, pixels):
        return np.zeros((len(pixels), self.dim), np.float32)


class Restless(Fake):
    """Random in the last digits alone, which no bound on the batch would see."""

    calls = 0

    def embed(self, pixels):
        Restless.calls += 1
        return super().embed(pixels) + np.float32(1e-6) * (Restless.calls % 2)


class Sociable(Fake):
    """Takes away a little of what the pictures of a batch have in common."""

    share = 0.05

    def embed(self, pixels):
        vectors = super().embed(pixels)
        return normalise_rows(vectors - self.share * vectors.mean(axis=0))


class Rounded(Sociable):
    share = 1e-5


class Capable(Fake):
    device = "cuda:0"
    feature_levels = ("fine", "coarse")
    note = "these are scores"

    def feature_maps(self, pixels, level=None):
        return np.zeros((len(pixels), 2, 2, 3), np.float32)

    def embed_text(self, texts):
        return np.zeros((len(texts), self.dim), np.float32)


@pytest.fixture(autouse=True)
def quickly(monkeypatch):
    monkeypatch.setattr(encoder_check, "_MEASURED_SECONDS", 0.01)
    monkeypatch.setattr(encoder_check, "_TWELVE_MEGAPIXELS", (800, 600))
    monkeypatch.setattr(encoder_check, "_MADE_SIZE", (160, 120))


@pytest.fixture
def check(monkeypatch):
    def run(encoder, *arguments):
        asked = []
        monkeypatch.setattr(
            encoder_check, "load_encoder", lambda spec, **given: asked.append(given) or encoder
        )
        pictures = arguments[0] if arguments else None
        found = check_encoder(None, CheckEncoder("fake", pictures=pictures))
        assert asked == [{"threads": 1}], "embed loads it so"
        return found

    return run


def test_a_good_one_has_no_problems(check):
    found = check(Fake())
    assert found.problems == ()
    assert (found.spec, found.dim, found.text, found.feature_levels) == ("fake:good", 12, False, ())
    assert found.shortest == pytest.approx(1, abs=1e-6)
    assert found.longest == pytest.approx(1, abs=1e-6)
    assert found.batch_difference < 1e-6
    assert found.deterministic
    assert found.scaled_decoding > 0.9999
    assert 0 < found.similarity < 0.9999
    assert found.pictures_per_second > 0
    assert found.batch_size == 8
    assert found.device == "cpu"


@pytest.mark.parametrize(
    ("encoder", "words"),
    [
        (Long(), "must have length 1"),
        (Zero(), "lengths from 0 to 0"),
        (Restless(), "other vectors the second time"),
        (Sociable(), "depends on what is beside it in a batch"),
    ],
)
def test_each_broken_promise_is_one_sentence_that_says_what_to_do(check, encoder, words):
    [problem] = check(encoder).problems
    assert words in problem
    assert ";" in problem


def test_rounding_within_the_bound_is_no_problem(check):
    found = check(Rounded())
    assert 0 < found.batch_difference < MOST_BATCH_DIFFERENCE
    assert found.problems == ()


def test_what_is_not_a_number_is_found_and_can_be_written(check):
    found = check(NotANumber())
    assert any("length 1" in problem for problem in found.problems)
    assert found.similarity is found.shortest is found.scaled_decoding is None
    assert found.deterministic
    json.dumps(dataclasses.asdict(found), allow_nan=False)


def test_what_else_it_can_do_is_told(check):
    found = check(Capable())
    assert found.text
    assert found.feature_levels == ("fine", "coarse")
    assert found.device == "cuda:0"
    assert found.notes == ["these are scores"]


def test_pictures_of_ones_own_are_compared(check, tmp_path):
    paths = [tmp_path / "a.jpg", tmp_path / "b.jpg"]
    for path in paths:
        path.write_bytes(photo_file("JPEG", seed=1))
    assert check(Fake(), paths).similarity == pytest.approx(1, abs=1e-6)
    paths[1].write_bytes(photo_file("JPEG", seed=2))
    assert check(Fake(), paths).similarity < 0.999


def test_a_picture_that_cannot_be_read_is_named(check, tmp_path):
    bad = tmp_path / "b.jpg"
    bad.write_bytes(photo_file("JPEG", width=300, height=200)[:500])
    with pytest.raises(InputError, match=r"b\.jpg cannot be read: truncated"):
        check(Fake(), [bad, bad])


@pytest.mark.parametrize(
    ("preprocessing", "words"),
    [
        (Preprocessing(224, 224, crop_fraction=0.875), "shorter side to 256 pixels (bicubic)"),
        (Preprocessing(32, 64, mode="squash"), "both sides to 64 x 32 pixels"),
        (Preprocessing(32, 32, mode="pad", interpolation="lanczos"), "the rest filled"),
    ],
)
def test_preprocessing_is_told_in_words(preprocessing, words):
    assert words in encoder_check._in_words(preprocessing)
