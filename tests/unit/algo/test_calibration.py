"""The line for copies keeps false pairs out, or says that it cannot."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tamis.algo.calibration import (
    DEFAULT_THRESHOLDS,
    FALSE_PAIR_RATE,
    PairScores,
    calibrate_pairs,
    copy_score,
    false_copies,
)

NONE = PairScores(np.empty(0, np.float32), np.empty(0, np.float32))


def pairs(excesses: np.ndarray, view: float = 0.95) -> PairScores:
    scores = np.array([copy_score(excess) for excess in excesses], np.float32)
    return PairScores(scores, np.full(len(scores), view, np.float32))


def unrelated(n: int) -> PairScores:
    return PairScores(np.zeros(n, np.float32), np.zeros(n, np.float32))


def made(rng: np.random.Generator, typical: float = 2.0) -> dict[str, PairScores]:
    return {kind: pairs(typical * np.exp(rng.normal(0, 0.2, 50))) for kind in ("jpeg", "crop")}


def changed(rng: np.random.Generator, n: int, typical: float, spread: float) -> np.ndarray:
    return typical * np.exp(rng.normal(0, spread, n))


def test_photographs_separate():
    rng = np.random.default_rng(0)
    near = PairScores(
        *map(np.concatenate, zip(pairs(changed(rng, 40, 40, 0.3)), unrelated(900), strict=True))
    )
    found = calibrate_pairs(made(rng), near, unrelated(250), pictures=1000)
    assert found.separable
    assert found.recall["jpeg"] == 1.0
    assert not found.shared_template
    assert found.notes == ()


def test_true_copies_among_the_candidates_do_not_move_the_line():
    rng = np.random.default_rng(0)
    few = calibrate_pairs(made(rng), pairs(changed(rng, 300, 40, 0.3)), NONE, pictures=1000)
    rng = np.random.default_rng(0)
    copies = made(rng)
    near = np.concatenate([changed(rng, 300, 40, 0.3), 2 * np.exp(rng.normal(0, 0.2, 3000))])
    many = calibrate_pairs(copies, pairs(near), NONE, pictures=1000)
    assert abs(few.thresholds.copy - many.thresholds.copy) < 0.05
    assert many.separable


def test_copies_that_fail_to_be_found_do_not_make_the_line_laxer():
    rng = np.random.default_rng(0)
    copies = made(rng)
    clean = calibrate_pairs(copies, pairs(changed(rng, 300, 40, 0.3)), NONE, pictures=1000)
    missed = np.concatenate([changed(rng, 300, 40, 0.3), rng.uniform(5, 12, 60)])
    assert (
        calibrate_pairs(copies, pairs(missed), NONE, pictures=1000).thresholds.copy
        >= clean.thresholds.copy
    )


def test_faint_changes_draw_the_line_closer_or_are_said():
    rng = np.random.default_rng(0)
    near = pairs(np.concatenate([changed(rng, 800, 5, 0.35), np.full(20, 1.5)]))
    found = calibrate_pairs(made(rng), near, NONE, pictures=1000)
    lax = calibrate_pairs(made(rng), NONE, NONE, pictures=1000)
    assert found.thresholds.copy > lax.thresholds.copy
    assert not found.separable
    assert "No line separates" in found.notes[0]


def test_a_line_that_random_pairs_pass_is_refused():
    rng = np.random.default_rng(0)
    random = pairs(rng.uniform(2, 9, 250))
    found = calibrate_pairs(made(rng), NONE, random, pictures=1000)
    assert found.random_pass_rate[0] < 0.1
    assert found.shared_template
    assert not found.separable


def test_exposures_of_an_unchanged_scene_stay_copies():
    rng = np.random.default_rng(0)
    random = pairs(np.concatenate([changed(rng, 180, 30, 0.3), changed(rng, 70, 1.5, 0.1)]))
    found = calibrate_pairs(made(rng), random, random, pictures=1000)
    assert found.separable
    assert 0.2 < found.random_pass_rate[0] < 0.4
    assert any("copies of each other" in note for note in found.notes)


def test_few_pictures_make_it_more_careful():
    rng = np.random.default_rng(0)
    worn = made(rng, 4.0)
    many = calibrate_pairs(worn, NONE, NONE, pictures=1000)
    few = calibrate_pairs(worn, NONE, NONE, pictures=60)
    assert few.thresholds.copy > many.thresholds.copy


def test_nothing_to_learn_from():
    found = calibrate_pairs({}, NONE, NONE, pictures=0)
    assert found.thresholds.copy == pytest.approx(0.55, abs=0.06)
    assert found.thresholds.changed == DEFAULT_THRESHOLDS.changed
    assert found.false_pair_rate == 0


@pytest.mark.parametrize(("typical", "spread"), [(8, 0.3), (12, 0.5), (20, 0.6)])
def test_false_pairs_are_as_rare_as_it_says(typical, spread):
    """Simulated: the share of wrong pairs among those called copies, over many datasets."""
    rng = np.random.default_rng(1)
    called = wrong = promised = 0.0
    for _ in range(60):
        other = changed(rng, 400, typical, spread)
        same = 2 * np.exp(rng.normal(0, 0.2, 100))
        near = pairs(np.concatenate([other, same]))
        found = calibrate_pairs(made(rng), near, NONE, pictures=1000)
        line = found.thresholds.copy
        called += np.count_nonzero(near.score >= line)
        wrong += np.count_nonzero(near.score[:400] >= line)
        promised += found.false_pair_rate * np.count_nonzero(near.score >= line)
        if found.separable:
            assert found.false_pair_rate <= FALSE_PAIR_RATE
    assert wrong / called <= max(2 * FALSE_PAIR_RATE, 2 * promised / called)


@given(st.lists(st.floats(0.1, 100), max_size=60), st.floats(2, 6))
def test_a_closer_line_never_expects_many_more_false_pairs(excesses, line):
    found = false_copies(np.array(excesses), line)
    assert 0 <= found <= max(len(excesses), 1)


@given(st.floats(0, 1e6), st.floats(0, 1e6))
def test_score_falls_with_the_excess(one, other):
    low, high = sorted((one, other))
    assert 0 <= copy_score(high) <= copy_score(low) <= 1
