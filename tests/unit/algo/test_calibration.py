"""The line for copies keeps false pairs out, or says that it cannot."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tamis.algo.calibration import (
    DEFAULT_THRESHOLDS,
    FALSE_PAIR_RATE,
    PairCalibration,
    PairScores,
    calibrate_pairs,
    copy_score,
)
from tamis.algo.false_copies import false_copies

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


OF_TEN_COPIES = ((600, 2.0, 0.2), (20, 12.0, 0.4), (150, 40.0, 0.5))
"""Number, typical excess and spread: copies, marks that hide a copy, captions."""


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


def kinds_of_copies(rng: np.random.Generator, n: int) -> dict[str, np.ndarray]:
    """Ten kinds, two of which change a picture more than the others."""
    typical = (1.2, 2.6, 1.2, 1.6, 1.6, 1.8, 2.4, 1.5, 1.1, 1.8)
    return {str(at): mean * np.exp(rng.normal(0, 0.25, n)) for at, mean in enumerate(typical)}


def judged(
    seed: int, other: np.ndarray, true: int, pictures: int, worn: float = 0
) -> tuple[PairCalibration, int, int, float]:
    """Calibrate on other content and true copies, some more worn than those that are made.

    Returns:
        The calibration, the number of pairs called, of these false, and the share of true found.
    """
    rng = np.random.default_rng(seed)
    sampled = {kind: pairs(excess) for kind, excess in kinds_of_copies(rng, 12).items()}
    same = np.concatenate(list(kinds_of_copies(rng, -(-true // 10)).values()))
    same = rng.permutation(same)[:true] * np.exp(np.abs(rng.normal(0, worn, true)))
    near = pairs(np.concatenate([other, same]))
    found = calibrate_pairs(sampled, near, NONE, pictures=pictures)
    called = near.score >= found.thresholds.copy
    wrong = np.count_nonzero(called[: len(other)])
    recall = called[len(other) :].mean() if true else 1.0
    return found, int(np.count_nonzero(called)), int(wrong), float(recall)


OTHER_CONTENT = {
    "photographs": lambda rng, n: changed(rng, n // 25, 35, 0.4),
    "plates": lambda rng, n: changed(rng, 4 * n, 12, 0.4),
    "faint changes": lambda rng, n: changed(rng, 4 * n, 6, 0.3),
    "few faint changes": lambda rng, n: np.concatenate(
        [changed(rng, n // 8, 6, 0.3), changed(rng, 4 * n, 35, 0.4)]
    ),
    "template": lambda rng, n: np.exp(rng.uniform(np.log(3), np.log(60), 4 * n)),
    "down to nothing": lambda rng, n: rng.uniform(0, 40, 4 * n),
}


@pytest.mark.parametrize("kind", OTHER_CONTENT)
@pytest.mark.parametrize("pictures", [20, 100, 1000])
def test_what_it_says_of_false_pairs_holds(kind, pictures):
    """Simulated: false pairs stay near what is expected, and rare where copies separate."""
    seen = np.zeros(3)
    separate = np.zeros(2)
    for seed in range(6):
        rng = np.random.default_rng(100 + seed)
        for true in (2, min(50, pictures)):
            other = OTHER_CONTENT[kind](rng, pictures)
            found, called, wrong, recall = judged(seed, other, true, pictures)
            rates = np.array([found.false_pair_rate, found.false_pair_rate_high])
            assert 0 <= rates[0] <= rates[1] <= 1
            seen += [called, wrong, rates[1] * called]
            if found.separable:
                separate += [called, wrong]
                assert recall >= 0.9
                assert np.mean(list(found.recall.values())) >= 0.98
    # Pairs that fall at random exceed what is to be expected of them, here up to 24 times.
    assert seen[1] <= (1.6 if kind == "down to nothing" else 1.1) * seen[2] + 4
    assert separate[1] <= max(0.02 * separate[0], 4)
    if kind == "photographs":
        assert separate[0] > 0.8 * seen[0]
    if kind == "down to nothing":
        assert separate[0] == 0


@pytest.mark.parametrize("true", [0, 2, 50, 1200])
def test_thousands_of_photographs_raise_no_alarm(true):
    rng = np.random.default_rng(5)
    other = changed(rng, 160, 35, 0.4)
    found, called, wrong, recall = judged(0, other, true, 4000)
    assert found.separable
    assert found.notes == ()
    assert wrong == 0
    assert recall >= 0.98
    assert found.false_pair_rate * called <= max(0.01 * called, 0.5)


def test_two_copies_are_said_to_be_few_where_others_come_nearer():
    rng = np.random.default_rng(5)
    other = np.concatenate([changed(rng, 40, 25, 0.4), [5.0, 7.0, 9.0, 11.0]])
    near = pairs(np.concatenate([other, [2.2, 3.6]]))
    sampled = {kind: pairs(excess) for kind, excess in kinds_of_copies(rng, 12).items()}
    found = calibrate_pairs(sampled, near, NONE, pictures=2000)
    assert found.separable
    assert found.recall["1"] > 0.9
    assert found.false_pair_rate < 0.25 < found.false_pair_rate_high
    (note,) = found.notes
    assert note.startswith("Of 2 pairs called copies by pixels (score 0.")
    assert "up to 2 may show other content at worst" in note


@pytest.mark.parametrize("worn", [0, 0.35])
def test_eight_copies_a_picture_do_not_push_the_line(worn):
    rng = np.random.default_rng(5)
    other = changed(rng, 60, 35, 0.4)
    alone, *_ = judged(0, other, 0, 1350)
    found, _, wrong, recall = judged(0, other, 5400, 1350, worn)
    assert found.thresholds.copy <= alone.thresholds.copy + 0.01
    assert wrong == 0
    assert recall >= (0.9 if worn else 0.98)
    assert found.separable or worn


def test_a_doubt_of_one_pair_moves_no_line():
    rng = np.random.default_rng(0)
    lax, *_ = judged(0, np.empty(0), 2, 4000)
    wide, *_ = judged(0, changed(rng, 160, 30, 0.6), 2, 4000)
    assert wide.thresholds == lax.thresholds
    assert min(wide.recall.values()) >= 0.9


def test_faint_changes_draw_the_line_closer_or_are_said():
    rng = np.random.default_rng(0)
    near = pairs(np.concatenate([changed(rng, 800, 5, 0.35), np.full(20, 1.5)]))
    found = calibrate_pairs(made(rng), near, NONE, pictures=1000)
    lax = calibrate_pairs(made(rng), NONE, NONE, pictures=1000)
    assert found.thresholds.copy > lax.thresholds.copy
    assert not found.separable
    assert "since other pairs come near the line" in found.notes[0]
    assert "was drawn closer" in found.notes[1]


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


@pytest.mark.parametrize("seed", range(4))
def test_random_pairs_of_ten_copies_a_picture_leave_the_line(seed):
    rng = np.random.default_rng(seed)
    copies, marked, captioned = (changed(rng, n, *how) for n, *how in OF_TEN_COPIES)
    # Random pairs are compared on thumbnails, where a mark is not taken off.
    hidden = rng.uniform(4.5, 9, 10)
    random = pairs(np.concatenate([copies[:20], hidden, captioned[:2]]))
    random = PairScores(*map(np.concatenate, zip(random, unrelated(218), strict=True)))
    near = pairs(np.concatenate([copies, marked, captioned]))
    ours = made(rng)
    alone = calibrate_pairs(ours, near, NONE, pictures=165)
    found = calibrate_pairs(ours, near, random, pictures=165)
    assert found.random_pass_rate[0] > 0.02
    assert found.thresholds.copy == alone.thresholds.copy


@pytest.mark.parametrize("copies", [1, 3, 10])
def test_copies_among_random_pairs_tell_nothing_of_unrelated_pictures(copies):
    rng = np.random.default_rng(0)
    one = pairs(changed(rng, copies, 2, 0.2))
    random = PairScores(*map(np.concatenate, zip(one, unrelated(250 - copies), strict=True)))
    found = calibrate_pairs(made(rng), NONE, random, pictures=1000)
    assert found.thresholds.changed == DEFAULT_THRESHOLDS.changed
    # what unrelated pictures do reach raises the line
    near = pairs(np.full(8, 60.0), view=0.82)
    random = PairScores(*map(np.concatenate, zip(near, unrelated(242), strict=True)))
    assert calibrate_pairs(made(rng), NONE, random, pictures=1000).thresholds.changed > 0.83


@pytest.mark.parametrize("each", [20, 60])
def test_what_another_sample_of_copies_calls_a_copy_is_undecided_at_least(each):
    """Of two draws of the made copies, hardly any takes for changed what the other calls a copy."""

    def drawn(seed):
        rng = np.random.default_rng(seed)
        kinds = {kind: pairs(2.4 * np.exp(rng.normal(0, 0.25, each))) for kind in ("jpeg", "crop")}
        return calibrate_pairs(kinds, NONE, NONE, pictures=1000).thresholds

    lines = [drawn(seed) for seed in range(30)]
    copy = np.array([line.copy for line in lines])
    doubtful = np.array([line.doubtful for line in lines])
    assert (doubtful <= copy).all()
    flips, without = ((ends[:, None] > copy).mean() for ends in (doubtful, copy))
    assert flips < 0.1
    assert without > 0.4


def test_what_a_closer_line_leaves_out_is_undecided():
    rng = np.random.default_rng(0)
    copies, near = made(rng), pairs(changed(rng, 2000, 7, 0.4))
    found = calibrate_pairs(copies, near, NONE, pictures=1000).thresholds
    wanted = calibrate_pairs(copies, NONE, NONE, pictures=1000).thresholds
    assert found.copy > wanted.copy >= found.doubtful
    given_line = calibrate_pairs(copies, near, NONE, pictures=1000, threshold=0.5).thresholds
    assert given_line.doubtful is None


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
def test_no_more_pairs_are_false_than_lie_under_the_line(excesses, line):
    found = false_copies(np.array(excesses), line)
    assert 0 <= found.expected <= found.high <= np.count_nonzero(np.array(excesses) < line)


@given(st.floats(0, 1e6), st.floats(0, 1e6))
def test_score_falls_with_the_excess(one, other):
    low, high = sorted((one, other))
    assert 0 <= copy_score(high) <= copy_score(low) <= 1


def test_a_line_that_was_given_is_judged_and_not_moved():
    rng = np.random.default_rng(4)
    near = pairs(np.concatenate([rng.uniform(0.5, 2, 50), rng.uniform(4, 60, 2000)]))
    strict, loose = (
        calibrate_pairs({}, near, NONE, pictures=100, threshold=score) for score in (0.8, 0.1)
    )
    assert (strict.thresholds.copy, loose.thresholds.copy) == (0.8, 0.1)
    assert strict.sampled == 0
    assert strict.false_pair_rate < 0.05 < loose.false_pair_rate
    assert not loose.separable
    assert not any("drawn closer" in note for found in (strict, loose) for note in found.notes)
