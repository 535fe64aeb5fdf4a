"""Candidates and keepers."""

from __future__ import annotations

import numpy as np
import pytest

from synthetic_pictures import noisy, scene
from tamis.algo.duplicates import (
    greedy_leader,
    hash_candidates,
    mirrored_hashes,
    pair_keys,
    turned_candidates,
    turned_hashes,
    vector_candidates,
)
from tamis.errors import UsageError
from tamis.images.perceptual_hash import phash, phash_of_flips


def test_chain_does_not_join():
    # 0-1-2-3 in a row: 1 goes with 0, 3 with 2; 2 is no duplicate of 0 and stays.
    keeper = greedy_leader(4, [0, 1, 2], [1, 2, 3], [0, 1, 2, 3])
    assert keeper.tolist() == [0, 0, 2, 2]


def test_best_is_kept():
    assert greedy_leader(3, [0, 0], [1, 2], [2, 0, 1]).tolist() == [2, 1, 2]


def test_no_rows():
    assert greedy_leader(0, [], [], []).tolist() == []


def test_order_must_name_each_row():
    with pytest.raises(UsageError, match="each of the 3 rows"):
        greedy_leader(3, [], [], [0, 1, 1])


def test_pair_keys_are_distinct_and_sorted():
    keys = pair_keys(10, np.array([9, 1, 2]), np.array([3, 2, 1]))
    assert np.divmod(keys, 10)[0].tolist() == [1, 3]
    assert np.divmod(keys, 10)[1].tolist() == [2, 9]


def test_hash_of_a_mirrored_picture_is_near_the_mirrored_hash():
    for seed in range(10):
        upright, mirrored, *_ = phash_of_flips(scene(seed))
        guess = mirrored_hashes(np.array([upright]))[0]
        assert int(guess ^ mirrored).bit_count() <= 8


def test_hash_candidates_find_copies_and_mirrors():
    pictures = [scene(seed) for seed in range(30)]
    copies = [noisy(pictures[0], 3), pictures[1][:, ::-1]]
    hashes = np.array([phash(picture) for picture in [*pictures, *copies]])
    keys = hash_candidates(hashes, 4, 10)
    pairs = set(zip(*(part.tolist() for part in np.divmod(keys, len(hashes))), strict=True))
    assert {(0, 30), (1, 31)} <= pairs
    assert len(pairs) < 10


def test_equal_hashes_do_not_pair_a_row_with_itself():
    keys = hash_candidates(np.zeros(12, np.uint64), 4, 10)
    left, right = np.divmod(keys, 12)
    assert (left < right).all()
    assert len(hash_candidates(np.zeros(1, np.uint64), 4, 10)) == 0


def test_vector_candidates_are_bounded_in_a_homogeneous_set():
    rng = np.random.default_rng(0)
    X = np.ones((300, 8)) + 0.01 * rng.normal(size=(300, 8))
    X = (X / np.linalg.norm(X, axis=1, keepdims=True)).astype(np.float32)
    keys, recall = vector_candidates(X, 5, rng)
    assert 0 < len(keys) <= 1500
    assert recall == 1


def test_vector_candidates_of_identical_rows():
    X = np.zeros((4, 3), np.float32)
    X[:, 0] = 1
    keys, _ = vector_candidates(X, 3, np.random.default_rng(0))
    assert len(keys) == 6


@pytest.mark.parametrize("turn", [1, 2, 3])
def test_hash_of_a_turned_picture_is_near_the_turned_hash(turn):
    for seed in range(10):
        picture = scene(seed)
        guess = turned_hashes(np.array([phash(picture)]), turn)[0]
        assert int(guess ^ phash(np.ascontiguousarray(np.rot90(picture, turn)))).bit_count() <= 8


@pytest.mark.parametrize("turn", [1, 2, 3])
@pytest.mark.parametrize("mirrored", [False, True])
@pytest.mark.parametrize("original_first", [False, True])
def test_turned_candidates_say_how_the_higher_row_is_turned(turn, mirrored, original_first):
    pictures = [scene(seed) for seed in range(20)]
    copy = np.rot90(pictures[0], turn)
    copy = np.ascontiguousarray(copy[:, ::-1] if mirrored else copy)
    shown = [*pictures, copy] if original_first else [copy, *pictures]
    low, high = (0, 20) if original_first else (0, 1)
    keys, turns = turned_candidates(np.array([phash(one) for one in shown]), 4, 10)
    found = turns[keys == low * len(shown) + high].tolist()

    def undone(turned: int) -> bool:
        back = np.rot90(shown[high], turned)
        return any(np.array_equal(one, shown[low]) for one in (back, back[:, ::-1]))

    assert any(undone(one) for one in found)


def test_no_turned_candidates_of_one_picture():
    keys, turns = turned_candidates(np.array([5], np.uint64), 4, 10)
    assert keys.size == turns.size == 0
