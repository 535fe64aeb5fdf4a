"""Thresholds on scores: two groups are found where there are two, and not where there are none."""

from __future__ import annotations

import numpy as np
import pytest

from tamis.algo.score_threshold import suggest_threshold
from tamis.errors import UsageError


def suggest(scores, seed=0):
    return suggest_threshold(np.asarray(scores), np.random.default_rng(seed))


def two_groups(share, distance, rows=2000, seed=1):
    rng = np.random.default_rng(seed)
    above = int(share * rows)
    below = rng.normal(0.2, 0.01, rows - above)
    return below, rng.normal(0.2 + 0.01 * distance, 0.01, above)


@pytest.mark.parametrize(("share", "distance"), [(0.5, 5), (0.1, 6), (0.02, 8)])
def test_the_threshold_lies_where_either_group_is_as_likely(share, distance):
    below, above = two_groups(share, distance)
    found = suggest(np.concatenate([below, above]))
    assert found.method == "two groups"
    assert found.note == ""
    assert found.stability >= 0.9
    errors = (below >= found.value).sum() + (above < found.value).sum()
    cuts = np.linspace(0.2, 0.2 + 0.01 * distance, 400)
    best = min((below >= cut).sum() + (above < cut).sum() for cut in cuts)
    assert errors <= best + 5


@pytest.mark.parametrize("kind", ["normal", "exponential", "uniform", "standard_cauchy"])
def test_one_group_falls_back_and_says_so(kind):
    scores = getattr(np.random.default_rng(2), kind)(size=3000)
    found = suggest(scores)
    assert found.method == "spread"
    assert found.value == pytest.approx(scores.mean() + 2 * scores.std())
    assert "do not fall into two groups" in found.note


def test_uniform_scores_seldom_look_like_two_groups():
    """Of distributions with one peak the uniform one is the hardest; the level is 2 %."""
    found = [
        suggest(np.random.default_rng(seed).uniform(size=rows)).method
        for rows in (60, 200)
        for seed in range(10)
    ]
    assert found.count("two groups") <= 2


@pytest.mark.parametrize(("share", "distance", "rows"), [(0.3, 5, 100), (0.05, 6, 700)])
def test_groups_in_few_scores_are_still_found(share, distance, rows):
    assert suggest(np.concatenate(two_groups(share, distance, rows))).method == "two groups"


def test_equal_scores_let_nothing_pass():
    found = suggest(np.full(50, 0.25, np.float32))
    assert found.method == "constant"
    assert found.value > np.float32(0.25)
    assert "all 50 score 0.25" in found.note
    assert suggest([0.3]).method == "constant"


def test_few_scores_are_not_told_apart():
    found = suggest([0.1, 0.1, 0.11, 0.3, 0.31])
    assert found.method == "spread"
    assert "5 scores are too few" in found.note


def test_order_does_not_matter_and_a_seed_repeats():
    scores = np.concatenate(two_groups(0.2, 6)).astype(np.float32)
    shuffled = np.random.default_rng(3).permutation(scores)
    assert suggest(scores) == suggest(shuffled)
    assert suggest(scores, 5) == suggest(scores, 5)


def test_the_scale_of_the_scores_does_not_matter():
    scores = np.concatenate(two_groups(0.3, 7))
    small, large = suggest(scores), suggest(100 * scores - 3)
    assert large.method == small.method == "two groups"
    assert large.value == pytest.approx(100 * small.value - 3, rel=1e-6)


@pytest.mark.parametrize("scores", [[], [0.1, np.nan], [np.inf, 0.2]])
def test_no_scores_or_no_numbers_are_refused(scores):
    with pytest.raises(UsageError, match="at least one score, and all of them finite"):
        suggest(scores)
