"""The index over many kept vectors: it changes how long an answer takes, not the answer."""

from __future__ import annotations

import numpy as np
import pytest

import tamis.algo.sieve.epsilon_net as net_module
import tamis.algo.sieve.inverted_file as index_module
from tamis.algo.sieve import IndexMisses, Sieve
from tamis.algo.sieve.inverted_file import InvertedFile
from tamis.algo.sieve.kept import KeptVectors


def clustered(count, dim=24, seed=0, spread=0.5):
    rng = np.random.default_rng(seed)
    centres = rng.normal(size=(30, dim))
    X = centres[rng.integers(30, size=count)] + spread * rng.normal(size=(count, dim))
    return (X / np.linalg.norm(X, axis=1, keepdims=True)).astype(np.float32)


@pytest.fixture
def small_index(monkeypatch):
    monkeypatch.setattr(net_module, "INDEX_FROM", 300)


def test_with_every_keep_confirmed_decisions_equal_exact_search(small_index, monkeypatch):
    X = clustered(4000)
    indexed = Sieve(0.9)
    kept = [v.kept for v in indexed.offer_many(X)]
    misses = indexed.index_misses
    assert 300 < len(indexed) < 3500
    assert misses.unconfirmed == 0
    assert misses.confirmed > 500
    monkeypatch.setattr(net_module, "INDEX_FROM", 10**9)
    assert [v.kept for v in Sieve(0.9).offer_many(X)] == kept


def test_misses_are_measured_and_bounded_where_not_all_is_confirmed(small_index):
    X = clustered(6000)
    sieve = Sieve(0.9, confirm=0.25)
    sieve.offer_many(X)
    misses = sieve.index_misses
    share = misses.confirmed / (misses.confirmed + misses.unconfirmed)
    assert share == pytest.approx(0.25, abs=0.01)
    kept = sieve.vectors()
    products = kept.astype(np.float64) @ kept.T
    covered = np.triu(products >= 0.9, 1).any(axis=0).sum()
    assert covered <= misses.upper_bound * misses.unconfirmed
    assert misses.upper_bound < 0.1


def test_the_index_forgets_with_the_window(small_index, monkeypatch):
    X = clustered(1500)
    indexed = Sieve(0.97, window=500.0)
    kept = [v.kept for v in indexed.offer_many(X, times=np.arange(1500))]
    assert 300 < len(indexed) < 700 < sum(kept)
    monkeypatch.setattr(net_module, "INDEX_FROM", 10**9)
    plain = Sieve(0.97, window=500.0)
    assert [v.kept for v in plain.offer_many(X, times=np.arange(1500))] == kept
    assert plain.keys() == indexed.keys()


def test_a_sieve_with_an_index_is_saved_and_goes_on_as_it_would_have(small_index, tmp_path):
    X = clustered(3000)
    sieve = Sieve(0.9)
    sieve.offer_many(X[:2000])
    sieve.save(tmp_path / "state")
    loaded = Sieve.load(tmp_path / "state")
    assert loaded.index_misses == sieve.index_misses
    assert loaded.index_misses.confirmed > 100
    rest = [v.kept for v in sieve.offer_many(X[2000:])]
    assert [v.kept for v in loaded.offer_many(X[2000:])] == rest
    assert loaded.keys() == sieve.keys()


def scattered(count, dim, seed=0):
    X = np.random.default_rng(seed).normal(size=(count, dim)).astype(np.float32)
    return X / np.linalg.norm(X, axis=1, keepdims=True)


def test_what_the_index_misses_is_counted_and_dropped_all_the_same(small_index, monkeypatch):
    """Vectors without clusters have covers in cells that are not looked into."""
    monkeypatch.setattr(index_module, "_FIRST_PROBES", 1)
    X = scattered(2500, 8)
    indexed = Sieve(0.87)
    verdicts = indexed.offer_many(X)
    misses = indexed.index_misses
    assert misses.missed > 10
    assert misses.unconfirmed == 0
    kept = [verdict.kept for verdict in verdicts]
    assert misses.confirmed >= misses.missed + sum(kept) - 300 - 256
    monkeypatch.setattr(net_module, "INDEX_FROM", 10**9)
    assert [v.kept for v in Sieve(0.87).offer_many(X)] == kept


def test_an_index_that_misses_looks_into_more_cells():
    X = scattered(2000, 12)
    kept, misses = KeptVectors(12), IndexMisses()
    for number, x in enumerate(X):
        kept.append(x, str(number), 0.0, 0.0)
    cells = InvertedFile(kept, misses, np.random.default_rng(0))
    assert cells.probes == 8
    misses.confirmed, misses.missed = 255, 200
    cells.review()
    assert cells.probes == 8
    misses.confirmed = 256
    cells.review()
    assert cells.probes == 16
    misses.confirmed = 512  # 256 more without one miss
    cells.review()
    assert cells.probes == 16


def test_the_bound_on_misses_is_clopper_and_pearsons():
    assert IndexMisses().upper_bound == 1.0
    assert IndexMisses(confirmed=10, missed=10).upper_bound == 1.0
    # no miss among n: the largest share that gives none with a chance of 5 %
    assert IndexMisses(confirmed=100).upper_bound == pytest.approx(1 - 0.05 ** (1 / 100))
