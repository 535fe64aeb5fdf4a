"""The threshold lies between copies and different pictures, or says that it cannot."""

from __future__ import annotations

import numpy as np

from tamis.algo.calibration import FALSE_PAIR_RATE, calibrate

RNG = np.random.default_rng(0)
COPIES = {"jpeg": RNG.uniform(0.93, 1, 200), "crop": RNG.uniform(0.9, 1, 200)}
RANDOM = np.abs(RNG.normal(0, 0.05, 500))


def alike(centre: float, spread: float, n: int = 5000) -> np.ndarray:
    return np.tanh(np.random.default_rng(1).normal(np.arctanh(centre), spread, n))


def test_threshold_lies_between():
    found = calibrate(COPIES, alike(0.4, 0.12), RANDOM)
    assert found.separable
    assert found.alike_high < found.threshold < found.copies_low
    assert found.recall == {"jpeg": 1.0, "crop": 1.0}
    assert found.false_pair_rate <= FALSE_PAIR_RATE


def test_true_duplicates_among_the_neighbours_do_not_raise_it():
    clean = calibrate(COPIES, alike(0.3, 0.1), RANDOM)
    doubled = np.concatenate([alike(0.3, 0.1), np.full(5000, 0.97)])
    assert abs(calibrate(COPIES, doubled, RANDOM).threshold - clean.threshold) < 0.02


def test_tail_holds_on_fresh_pairs():
    high = calibrate(COPIES, alike(0.4, 0.12), RANDOM).alike_high
    fresh = np.tanh(np.random.default_rng(2).normal(np.arctanh(0.4), 0.12, 200_000))
    assert (fresh >= high).mean() < 3 * FALSE_PAIR_RATE


def test_homogeneous_pictures_are_said_to_be():
    found = calibrate(COPIES, alike(0.8, 0.3), RANDOM)
    assert not found.separable
    assert found.threshold > found.copies_low
    assert found.recall["crop"] < 1


def test_threshold_has_a_floor():
    worn = {"jpeg": np.full(100, 0.7)}
    assert calibrate(worn, np.zeros(100), np.zeros(100)).threshold == 0.6


def test_few_true_duplicates_are_not_taken_for_a_tail():
    scores = np.concatenate([np.zeros(2400), [0.8, 0.83, 0.85, 0.87, 0.89]])
    found = calibrate(COPIES, scores, RANDOM)
    assert found.separable
    assert found.threshold < 0.89


def test_nothing_to_learn_from():
    none = np.empty(0)
    assert 0.6 <= calibrate({}, none, none).threshold <= 0.98


def test_a_few_destroyed_copies_do_not_decide():
    bright = np.concatenate([np.zeros(6), np.full(194, 0.95)])
    found = calibrate(COPIES | {"bright": bright}, np.zeros(1000), RANDOM)
    assert found.separable
    assert found.recall["bright"] == 0.97
