"""Effects and p-values of two groups, held against SciPy's tests."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import chi2_contingency, mannwhitneyu
from scipy.stats.contingency import association

from tamis.algo.group_differences import count_difference, rank_difference


@pytest.mark.parametrize("seed", range(4))
def test_counts_are_told_apart_as_pearson_and_cramer_say(seed):
    counts = np.random.default_rng(seed).integers(1, 40, (2, 3 + seed))
    found = count_difference(counts)
    assert np.isclose(found.effect, association(counts, method="cramer"))
    assert np.isclose(found.p, chi2_contingency(counts, correction=False).pvalue)


@pytest.mark.parametrize("seed", range(4))
def test_numbers_are_told_apart_as_mann_and_whitney_say(seed):
    rng = np.random.default_rng(seed)
    a, b = rng.integers(0, 9, 40).astype(float), rng.integers(1, 12, 25 + seed).astype(float)
    expected = mannwhitneyu(a, b, use_continuity=False, method="asymptotic")
    found = rank_difference(a, b)
    assert np.isclose(found.p, expected.pvalue)
    assert np.isclose(found.effect, abs(2 * expected.statistic / (a.size * b.size) - 1))
    assert rank_difference(b, a) == pytest.approx(found)


def test_nothing_differs_where_there_is_nothing_to_differ():
    nothing = np.empty(0)
    for pair in ((nothing, np.ones(3)), (np.ones(2), nothing), (np.ones(4), np.ones(3))):
        assert rank_difference(*pair) == (0.0, 1.0)
    for counts in ([[3, 0], [5, 0]], [[0, 0], [5, 2]], [[3], [5]]):
        assert count_difference(np.array(counts)) == (0.0, 1.0)
