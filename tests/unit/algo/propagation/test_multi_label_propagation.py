"""Several labels a row: who gets which, what is expected of each, what is refused."""

from __future__ import annotations

import numpy as np
import pytest

from tamis.algo.propagation import propagate_label_sets
from tamis.errors import UsageError

NAMES = ["common", "half", "rare"]
SHARE = np.array([0.6, 0.4, 0.12])


def rng(seed=0):
    return np.random.default_rng(seed)


def made(n=240, noise=0.5, seed=0):
    """Rows that are the sum of what their labels look like."""
    given = (rng(seed).random((n, 3)) < SHARE).astype(np.int8)
    look = rng(99).standard_normal((3, 12))
    X = given @ look + 0.3 * look.sum(axis=0) + noise * rng(seed + 1).standard_normal((n, 12))
    return (X / np.linalg.norm(X, axis=1, keepdims=True)).astype(np.float32), given


def spread(X, given, rows, **options):
    return propagate_label_sets(X, rows, given[rows], NAMES, rng=rng(), **options)


def test_each_label_reaches_the_rows_that_have_it():
    X, given = made()
    rows = rng(3).choice(240, 60, replace=False)
    found = spread(X, given, rows, least_confidence=0.7)
    free = np.setdiff1d(np.arange(240), rows)
    assert (found.answers[rows] == given[rows]).all()
    assert (found.probabilities[rows] == given[rows]).all()
    yes, no = found.answers[free] == 1, found.answers[free] == 0
    assert given[free][yes].mean() > 0.85
    assert given[free][no].mean() < 0.1
    assert found.measured == 60
    for label, one in enumerate(found.outcomes):
        assert (one.name, one.yes) == (NAMES[label], yes[:, label].sum())
        assert one.yes + one.no + one.undecided == free.size
        actual = given[free][yes[:, label], label].mean()
        assert one.precision.low <= actual <= one.precision.high + 0.01
        decided = found.answers[free, label] >= 0
        right = (found.answers[free, label] == given[free, label])[decided].mean()
        assert one.accuracy.low <= right <= one.accuracy.high
        found_of_all = yes[given[free, label] == 1, label].mean()
        if given[rows, label].sum() > 15:  # of a few no share can be told
            assert one.recall == pytest.approx(found_of_all, abs=0.15)
    assert (given[rows].sum(axis=0) > 15).sum() == 2
    assert found.expected.low <= given[free][yes].mean() <= found.expected.high


def test_a_rare_label_keeps_its_share():
    X, given = made(noise=1.2, seed=7)
    rows = rng(2).choice(240, 80, replace=False)
    found = spread(X, given, rows)
    free = np.setdiff1d(np.arange(240), rows)
    assert found.probabilities[free, 2].mean() == pytest.approx(given[free, 2].mean(), abs=0.08)


def test_more_confidence_leaves_more_undecided():
    X, given = made(noise=1.0)
    rows = np.arange(50)
    shy, bold = (spread(X, given, rows, least_confidence=least) for least in (0.9, 0.0))
    assert all(one.undecided == 0 for one in bold.outcomes)
    assert sum(one.undecided for one in shy.outcomes) > 0
    assert ((shy.answers == 1) <= (bold.answers == 1)).all()


def test_the_order_of_rows_decides_nothing():
    X, given = made(120)
    rows = np.arange(40)
    order = rng(1).permutation(120)
    place = np.argsort(order)
    a, b = (
        spread(X, given, rows),
        propagate_label_sets(X[order], place[rows], given[rows], NAMES, rng=rng()),
    )
    assert (a.answers == b.answers[place]).all()
    assert (a.probabilities == b.probabilities[place]).all()
    assert a.expected == b.expected


def test_near_duplicates_share_labels_and_conflicts_are_listed():
    X, given = made(120)
    given[0], given[1] = [1, 0, 0], [0, 1, 0]
    groups = np.arange(120)
    groups[1] = 0
    groups[[60, 61]] = 60
    groups[[5, 70]] = 5
    found = spread(X, given, np.arange(40), groups=groups)
    assert (found.answers[60] == found.answers[61]).all()
    assert (found.answers[70] == given[5]).all()
    assert [one.rows.tolist() for one in found.conflicts] == [[0, 1]]
    assert found.measured == 38


@pytest.mark.parametrize(
    ("rows", "given", "sentence"),
    [
        ([0, 1], [[1, 0, 1], [1, 1, 0]], "2 of 2 rows have the label 'common'"),
        ([0, 1], [[0, 1, 1], [0, 0, 0]], "0 of 2 rows have the label 'common'"),
        ([0, 1], [[0, 1], [1, 0]], "must have the shape"),
        ([0, 1], [[0, 2, 1], [1, 0, 0]], "other values are not"),
        ([0, 0], [[0, 1, 1], [1, 0, 0]], "different rows"),
    ],
)
def test_wrong_use_is_refused(rows, given, sentence):
    X, _ = made(20)
    with pytest.raises(UsageError, match=sentence):
        propagate_label_sets(X, np.array(rows), np.array(given), NAMES, rng=rng())


def test_two_labeled_rows_promise_nothing():
    X, _ = made(20)
    found = propagate_label_sets(
        X, np.array([0, 1]), np.array([[1, 0, 1], [0, 1, 0]]), NAMES, rng=rng()
    )
    assert np.isnan(found.expected.value)
    assert (found.expected.low, found.expected.high) == (0, 1)
