"""A sieve on disk."""

from __future__ import annotations

import json

import numpy as np
import pytest

from tamis.algo.sieve import Sieve
from tamis.errors import StorageError, UsageError


@pytest.fixture
def used():
    X = np.random.default_rng(0).normal(size=(60, 5)).astype(np.float32)
    X /= np.linalg.norm(X, axis=1, keepdims=True)
    sieve = Sieve(0.95, max_kept=10, window=40.0, shared=False, seed=3)
    sieve.offer_many(X[:40], times=np.arange(40), stream="left")
    sieve.offer_many(
        X[40:], times=np.arange(20), stream="right", keys=[f"ö{i}\0" for i in range(20)]
    )
    return sieve


def test_a_loaded_sieve_is_the_saved_one(used, tmp_path):
    used.save(tmp_path / "state")
    loaded = Sieve.load(tmp_path / "state")
    for stream in ("left", "right"):
        assert loaded.keys(stream) == used.keys(stream)
        assert np.array_equal(loaded.vectors(stream), used.vectors(stream))
    assert (loaded.seen, loaded.threshold, loaded.coverage, loaded.rules) == (
        used.seen,
        used.threshold,
        used.coverage,
        used.rules,
    )
    assert [p.name for p in tmp_path.iterdir()] == ["state"]


def test_saving_replaces_in_one_step_or_not_at_all(used, tmp_path, monkeypatch):
    path = tmp_path / "state"
    used.save(path)
    before = path.read_bytes()

    def full(*_args, **_more):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "savez", full)
    with pytest.raises(StorageError, match="no space left on device"):
        used.save(path)
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["state"]


@pytest.mark.parametrize("damage", ["empty", "text", "cut", "other arrays", "missing"])
def test_what_is_no_sieve_is_refused(used, tmp_path, damage):
    path = tmp_path / "state"
    used.save(path)
    whole = path.read_bytes()
    if damage == "other arrays":
        np.savez(path, header=np.frombuffer(b"[]", np.uint8))
        path = tmp_path / "state.npz"
    elif damage == "missing":
        path = tmp_path / "nowhere"
    else:
        path.write_bytes({"empty": b"", "text": b"hello", "cut": whole[: len(whole) // 2]}[damage])
    with pytest.raises(UsageError, match=str(path)):
        Sieve.load(path)


def test_a_sieve_of_a_later_version_is_refused_with_that_reason(tmp_path):
    header = json.dumps({"format": "tamis sieve", "version": 2}).encode()
    np.savez(tmp_path / "state.npz", header=np.frombuffer(header, np.uint8))
    with pytest.raises(UsageError, match="later version of tamis"):
        Sieve.load(tmp_path / "state.npz")
