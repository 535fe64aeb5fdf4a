"""Bytes from strangers: the corpus and a few changes of it each time, thousands by night.

A finding is kept: put its bytes into `corpus/`, by a name that its target takes.
`TAMIS_FUZZ_SEED` and `TAMIS_FUZZ_ROUNDS` choose others.
"""

from __future__ import annotations

import os
import random
import warnings
from pathlib import Path

import pytest
from mutations import mutated
from targets import TARGETS

CORPUS = Path(__file__).with_name("corpus")
ROUNDS = int(os.environ.get("TAMIS_FUZZ_ROUNDS", "3000"))
SEED = int(os.environ.get("TAMIS_FUZZ_SEED", "0"))


def seeds(name: str) -> list[bytes]:
    files = sorted(file for pattern in TARGETS[name][1] for file in CORPUS.glob(pattern))
    return [file.read_bytes() for file in files]


def fuzz(name: str, seed: object, rounds: int) -> None:
    target, corpus, rng = TARGETS[name][0], seeds(name), random.Random(f"{name} {seed}")
    for number in range(rounds):
        data = mutated(rng, rng.choice(corpus), corpus)
        try:
            # what libraries warn of in damaged files is not what is looked for
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                target(data)
        except Exception as error:
            kept = Path(f"fuzz-{name.replace(' ', '-')}-{seed}-{number}.bin")
            kept.write_bytes(data)
            raise AssertionError(f"{name}, seed {seed}, round {number}, kept as {kept}") from error


@pytest.mark.parametrize("name", TARGETS)
def test_the_corpus_is_read_or_refused_in_a_sentence(name):
    corpus = seeds(name)
    assert corpus
    for data in corpus:
        TARGETS[name][0](data)


@pytest.mark.parametrize("name", TARGETS)
def test_small_changes_are_read_or_refused_in_a_sentence(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    fuzz(name, "each time", 25)


@pytest.mark.nightly
@pytest.mark.parametrize("name", TARGETS)
def test_thousands_of_changes_are_read_or_refused_in_a_sentence(name):
    fuzz(name, SEED, ROUNDS)
