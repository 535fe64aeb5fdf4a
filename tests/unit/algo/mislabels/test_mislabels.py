"""Wrong labels: ranked high, told apart, explained, and how the way to judge is chosen."""

from __future__ import annotations

import numpy as np
import pytest

from tamis.algo.mislabels import KINDS, average_precision, find_mislabels, label_examples
from tamis.algo.mislabels.evidence import main_axes
from tamis.algo.mislabels.kinds import tell_kinds, torn_groups
from tamis.algo.mislabels.planted import plant
from tamis.algo.mislabels.suspicion import ALL, best_way
from tamis.errors import UsageError


def unit(rows):
    rows = np.asarray(rows, dtype=np.float32)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def rng(seed=0):
    return np.random.default_rng(seed)


NAMES = np.array(["ant", "bee", "cat"])


def blobs(each=60, spread=0.5, dim=10, seed=0):
    middle = rng(99).standard_normal((3, dim)) + 1
    truth = np.repeat(np.arange(3), each)
    return unit(middle[truth] + spread * rng(seed).standard_normal((truth.size, dim))), truth


def spoiled(truth, share=0.1, seed=0):
    wrong, where = plant(truth, share, np.ones((3, 3)), kind="even", rng=rng(seed))
    return wrong, where


@pytest.fixture(scope="module")
def found():
    X, truth = blobs()
    labels, wrong = spoiled(truth)
    return X, truth, labels, wrong, find_mislabels(X, NAMES[labels], rng=rng())


def test_wrong_labels_lead_the_ranking_with_the_right_suggestion(found):
    _, truth, _, wrong, result = found
    assert average_precision(wrong, result.scores) > 0.95
    assert result.order.size == truth.size
    assert (np.diff(result.scores[result.order]) <= 0).all()
    assert result.scores.min() >= 0
    assert result.scores.max() <= 1
    assert (result.suggested[wrong] == truth[wrong]).mean() > 0.9
    assert result.classes.tolist() == NAMES.tolist()
    assert (result.kinds[wrong] == KINDS.index("wrong")).mean() > 0.7
    assert (result.kinds[~wrong] == KINDS.index("sound")).mean() > 0.9
    assert sum(result.counts().values()) == truth.size


def test_the_way_taken_is_the_one_that_finds_planted_labels(found):
    result = found[-1]
    assert result.method in result.planted
    assert result.planted[result.method] >= max(result.planted.values()) - 0.02
    assert len(result.planted) == 7


def test_a_way_that_is_clearly_best_is_taken_and_else_all_mixed():
    assert best_way({"votes": 0.9, ALL: 0.85}) == "votes"
    assert best_way({"votes": 0.9, ALL: 0.885}) == ALL
    assert best_way({"probe and votes": np.nan}) == "probe and votes"


def test_examples_are_sound_rows_of_the_class_suggested(found):
    X, _, labels, wrong, result = found
    rows = np.flatnonzero(wrong)
    examples = label_examples(X, result, NAMES[labels], rows)
    assert examples.shape == (rows.size, 3)
    for row, near in zip(rows, examples, strict=True):
        assert (labels[near] == result.suggested[row]).all()
        assert (result.kinds[near] == 0).all()
        assert row not in near
    everyone = np.zeros(len(X), np.int64)
    assert (label_examples(X, result, NAMES[labels], rows, groups=everyone) == -1).all()


def test_near_duplicates_with_two_labels_are_told_as_such():
    X, truth = blobs()
    X[1] = X[0]
    X[121] = X[122] = X[120]
    groups = np.arange(180)
    groups[[0, 1]] = 0
    groups[[120, 121, 122]] = 120
    labels = truth.copy()
    labels[1] = 1
    labels[121] = 0
    result = find_mislabels(X, NAMES[labels], groups=groups, rng=rng())
    duplicates = np.flatnonzero(result.kinds == KINDS.index("duplicate"))
    assert duplicates.tolist() == [0, 1, 121]
    assert result.scores[0] >= 0.5
    assert result.scores[121] >= 2 / 3


def test_copies_of_a_wrong_label_do_not_vouch_for_it():
    X, truth = blobs()
    copies = np.repeat(X[:1], 12, axis=0)
    every = np.concatenate([X, copies])
    labels = np.concatenate([truth, np.full(12, 2)])
    labels[0] = 2
    groups = np.concatenate([np.arange(180), np.zeros(12, np.int64)])
    result = find_mislabels(every, NAMES[labels], groups=groups, rng=rng())
    suspects = np.concatenate([[0], np.arange(180, 192)])
    assert set(result.order[:13].tolist()) == set(suspects.tolist())


def test_a_row_far_from_all_is_out_of_class():
    X, truth = blobs(spread=0.3)
    strange = unit(-X[:1] + 0.1 * X[100:101])
    result = find_mislabels(np.concatenate([X, strange]), NAMES[[*truth, 0]], rng=rng())
    belief = result.belief[-1]
    if belief.max() < 0.9:
        assert KINDS[result.kinds[-1]] == "out of class"
    assert (result.kinds[:-1] == KINDS.index("out of class")).sum() <= 2


def test_kinds_follow_their_definitions():
    belief = np.array(
        [[0.9, 0.1], [0.9, 0.1], [0.1, 0.9], [0.05, 0.95], [0.55, 0.45], [0.5, 0.5], [0.1, 0.9]]
    )
    classes = np.array([0, 0, 1, 0, 1, 0, 1])
    far = np.array([False] * 5 + [True, True])
    torn = np.array([False, True] + [False] * 5)
    kinds, suggested = tell_kinds(belief, classes, far, torn)
    told = [KINDS[kind] for kind in kinds]
    assert told == [
        "sound", "duplicate", "sound", "wrong", "ambiguous", "out of class", "sound",
    ]  # fmt: skip
    assert suggested.tolist() == [1, 1, 0, 1, 0, 1, 0]


def test_the_outvoted_of_a_group_and_ties_are_torn():
    groups = np.array([0, 0, 0, 1, 1, 2, 3, 3])
    classes = np.array([1, 1, 0, 0, 1, 0, 2, 2])
    torn, against = torn_groups(groups, classes)
    assert torn.tolist() == [False, False, True, True, True, False, False, False]
    np.testing.assert_allclose(against, [1 / 3, 1 / 3, 2 / 3, 0.5, 0.5, 0, 0, 0])


def test_the_users_own_probabilities_are_mixed_with_votes():
    X, truth = blobs()
    labels, wrong = spoiled(truth)
    own = np.full((180, 3), 0.1)
    own[np.arange(180), truth] = 0.8
    result = find_mislabels(X, NAMES[labels], probabilities=own, rng=rng())
    assert result.method == "your model and votes"
    assert result.planted == {}
    assert average_precision(wrong, result.scores) > 0.99


def test_planted_labels_are_as_many_as_asked_and_like_the_confusions():
    classes = np.repeat([0, 1, 2], 100)
    likely = np.array([[5.0, 1, 0], [0, 5, 1], [1, 0, 5]])
    planted, where = plant(classes, 0.2, likely, kind="confused", rng=rng())
    assert where.sum() == 60
    assert ((classes[where] + 1) % 3 == planted[where]).mean() > 0.9
    even, where = plant(classes, 0.3, likely, kind="even", rng=rng())
    assert abs(((classes[where] + 1) % 3 == even[where]).mean() - 0.5) < 0.15
    assert (even[where] != classes[where]).all()


def test_main_axes_keep_what_is_in_them():
    X = unit(rng().standard_normal((400, 300)) * np.r_[np.ones(20), np.full(280, 1e-3)])
    rows = X.astype(float) - X.astype(float).mean(axis=0)
    along = main_axes(X, 3, rng=rng())
    assert along.shape == (400, 128)
    np.testing.assert_allclose(along @ along.T, rows @ rows.T, atol=1e-3)
    assert main_axes(X, 100, rng=rng()).shape == (400, 200)
    np.testing.assert_allclose(main_axes(X[:, :9], 3, rng=rng()), rows[:, :9], atol=1e-6)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"labels": np.full(180, "a")}, "two classes or more"),
        ({"labels": NAMES}, "as many labels"),
        ({"probabilities": np.ones((180, 2))}, "of 3 numbers, one for each class, all finite"),
        ({"probabilities": np.full((180, 3), np.nan)}, "finite"),
        ({"groups": np.zeros(2, np.int64)}, "as many labels and groups"),
    ],
)
def test_wrong_use_is_refused(change, sentence):
    X, truth = blobs()
    with pytest.raises(UsageError, match=sentence):
        find_mislabels(**({"X": X, "labels": NAMES[truth]} | change), rng=rng())
