"""Propagation: who wins, what is expected, what is withheld, groups, new rows, review."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.sparse import csr_array

from tamis.algo.neighbors import knn_graph
from tamis.algo.propagation import ClassTexts, Diffusion, affinities, propagate, review_first
from tamis.algo.propagation.contenders import Graph, Reached, Seeds
from tamis.algo.propagation.expected import expected_accuracy
from tamis.algo.propagation.mixture import fit_mixture, fit_scaling
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


def seeds(truth, each, seed=0):
    random = rng(seed)
    return np.concatenate(
        [random.choice(np.flatnonzero(truth == c), each, replace=False) for c in range(3)]
    )


def arcs(each=150):
    """Two interleaved curves, which means and planes cannot tell apart and a graph can."""
    turn = np.linspace(0, np.pi, each)
    one = np.stack([np.cos(turn), np.sin(turn)], axis=1)
    two = np.stack([1 - np.cos(turn), 0.5 - np.sin(turn)], axis=1)
    flat = np.concatenate([one, two]) + 0.02 * rng(1).standard_normal((2 * each, 2))
    return unit(np.column_stack([0.6 * flat, np.ones(2 * each)])), np.repeat([0, 1], each)


def test_labels_reach_their_clusters_and_those_given_stay():
    X, truth = blobs()
    rows = seeds(truth, 4)
    given = NAMES[truth[rows]]
    given[0] = "cat"  # wrong, but the user's word
    found = propagate(X, rows, given, rng=rng())
    assert found.classes.tolist() == NAMES.tolist()
    assert found.classes[found.labels[rows]].tolist() == given.tolist()
    assert (found.confidence[rows] == 1).all()
    assert found.probabilities[rows[0]].tolist() == [0, 0, 1]
    free = np.setdiff1d(np.arange(len(X)), rows)
    answered = free[found.labels[free] >= 0]
    assert (found.labels[answered] == truth[answered]).mean() > 0.9
    assert found.coverage == answered.size / free.size
    np.testing.assert_allclose(found.probabilities.sum(axis=1), 1)


def test_the_graph_weighs_most_on_curves_and_is_named_first():
    X, truth = arcs()
    rows = np.concatenate([np.arange(5, 150, 12), np.arange(155, 300, 12)])
    found = propagate(X, rows, NAMES[truth[rows]], graph=knn_graph(X, 8, rng=rng()), rng=rng())
    assert found.method.startswith("mix of graph, ")
    rates = {trial.name: trial.accuracy.value for trial in found.trials}
    assert rates["graph"] == max(rates.values())
    weights = {trial.name: trial.weight for trial in found.trials}
    assert sum(weights.values()) == pytest.approx(1)
    assert weights["graph"] > 0.5
    assert (found.probabilities.argmax(axis=1) == truth).mean() > 0.97
    later = unit(X + 0.003 * rng(3).standard_normal(X.shape))
    assert (found.new_rows.labels(later) == truth).mean() > 0.9


def test_simple_ways_weigh_most_where_clusters_are_round():
    X, truth = blobs(spread=0.9)
    rows = seeds(truth, 8)
    found = propagate(X, rows, NAMES[truth[rows]], rng=rng())
    assert min(found.trials, key=lambda trial: trial.weight).name == "graph"
    T, wanted = blobs(spread=0.9, seed=5)
    known = found.new_rows.labels(T)
    assert (known[known >= 0] == wanted[known >= 0]).mean() > 0.8


def test_expected_accuracy_lies_in_its_interval_nearly_always():
    inside = 0
    for seed in range(6):
        X, truth = blobs(each=40, spread=1.3, seed=seed)
        rows = seeds(truth, 5, seed)
        found = propagate(X, rows, NAMES[truth[rows]], least_confidence=0.0, rng=rng(seed))
        free = np.setdiff1d(np.arange(len(X)), rows)
        actual = (found.labels[free] == truth[free]).mean()
        inside += found.expected.low <= actual <= found.expected.high
        assert found.measured == 15
    assert inside >= 5


def test_one_label_a_class_promises_nothing():
    X, truth = blobs()
    found = propagate(X, seeds(truth, 1), NAMES, rng=rng())
    assert np.isnan(found.expected.value)
    assert (found.expected.low, found.expected.high) == (0.0, 1.0)
    assert found.measured == 0
    assert [trial.accuracy for trial in found.trials] == [None] * 4


def test_what_no_label_could_measure_may_be_all_right_or_all_wrong():
    right = np.ones(200, np.bool_)
    found = expected_accuracy(right, np.zeros(200, np.int64), np.array([0.7, 0.3]))
    assert 0.64 < found.low < 0.7
    assert found.high == 1.0
    wrong = expected_accuracy(~right, np.zeros(200, np.int64), np.array([0.7, 0.3]))
    assert wrong.low == 0
    assert 0.3 < wrong.high < 0.36


def test_shares_of_classes_weigh_what_was_measured():
    right = np.repeat([True, False], 50)
    classes = np.repeat([0, 1], 50)
    common = expected_accuracy(right, classes, np.array([0.9, 0.1]))
    assert common.value == pytest.approx(0.9)
    even = expected_accuracy(right, classes, np.array([0.5, 0.5]))
    assert even.high - even.low < common.high - common.low + 0.1


def test_unlikely_rows_get_no_label():
    X, truth = blobs(spread=1.0)
    rows = seeds(truth, 6)
    shy = propagate(X, rows, NAMES[truth[rows]], least_confidence=0.9, rng=rng())
    bold = propagate(X, rows, NAMES[truth[rows]], least_confidence=0.0, rng=rng())
    assert shy.coverage < bold.coverage == 1.0
    assert ((shy.labels == -1) == (shy.confidence < 0.9)).all()


def test_near_duplicates_get_one_label_and_conflicts_are_listed_and_unused():
    X, truth = blobs(each=30)
    groups = np.arange(90)
    groups[[0, 1, 2]] = 0
    groups[[40, 41]] = 40
    rows = np.concatenate([seeds(truth[3:], 4) + 3, [0]])
    rows = np.unique(np.concatenate([rows[(rows != 40) & (rows != 41)], [40, 41]]))
    given = truth[rows].copy()
    given[rows == 41] = 2
    found = propagate(X, rows, NAMES[given], groups=groups, rng=rng())
    assert (found.labels[[1, 2]] == found.labels[0]).all()
    assert (found.confidence[[1, 2]] == 1).all()
    (conflict,) = found.conflicts
    assert (conflict.group, conflict.rows.tolist()) == (40, [40, 41])
    assert found.classes[conflict.classes].tolist() == ["bee", "cat"]
    assert found.measured <= rows.size - 2
    assert found.labels[[40, 41]].tolist() == [1, 2]


def test_texts_win_where_they_know_and_name_classes_without_a_label():
    X, truth = blobs(spread=1.6)
    rows = seeds(truth, 2)
    rows = rows[truth[rows] < 2]
    texts = ClassTexts(["cat", "ant", "bee"], np.roll(np.eye(3)[truth] * 0.9 + 1 / 30, 1, axis=1))
    found = propagate(X, rows, NAMES[truth[rows]], texts=texts, rng=rng())
    assert "texts" in found.method
    assert {trial.name for trial in found.trials} == {"texts", "graph and texts"}
    assert (found.probabilities.argmax(axis=1) == truth).all()
    with pytest.raises(UsageError, match="their fit"):
        found.new_rows.labels(X)
    later = found.new_rows.probabilities(X, np.eye(3)[truth])
    assert (later.argmax(axis=1) == truth).mean() > 0.9


def said(truth, right, sure=4.0, seed=0):
    """Logits of two classes, right with some chance."""
    hit = rng(seed).random(truth.size) < right
    return sure * np.eye(2)[np.where(hit, truth, 1 - truth)]


def test_a_mixture_weighs_ways_by_their_loss_and_drops_the_useless():
    truth = np.arange(400) % 2
    ways = [said(truth, 0.95, seed=1), said(truth, 0.9, seed=2), said(truth, 0.5, seed=3)]
    found = fit_mixture(ways, truth, [1.0, 1.0, 1.0])
    assert found.parts[0] == 0
    assert found.weights[2] == 0
    assert found.weights.sum() == pytest.approx(1)
    few = fit_mixture([way[:6] for way in ways], truth[:6], [1.0, 1.0, 1.0])
    assert (few.weights > 0.1).all(), "six labels tell little"
    none = fit_mixture([way[:0] for way in ways], truth[:0], [1.0, 1.0, 1.0], trusted=2)
    assert none.weights.tolist() == [0.5, 0.5, 0]


def test_a_mixture_does_better_than_the_best_of_few_labels():
    truth = np.arange(2000) % 2
    ways = [said(truth, 0.8, sure=2.0, seed=seed) for seed in range(4)]
    found = fit_mixture([way[:12] for way in ways], truth[:12], [1.0] * 4)
    mixed = found.log_probabilities(ways[part] for part in found.parts).argmax(axis=1)
    assert (mixed == truth).mean() > max((way.argmax(axis=1) == truth).mean() for way in ways)


def test_a_shift_mends_answers_of_a_rare_class():
    truth = (rng(4).random(600) < 0.1).astype(int)
    logits = said(truth, 0.8, sure=3.0)
    plain = fit_scaling(logits, truth, 1.0, shifted=False)
    shifted = fit_scaling(logits, truth, 1.0, shifted=True)
    row = np.arange(truth.size)
    losses = [-one.log_probabilities(logits)[row, truth].mean() for one in (plain, shifted)]
    assert losses[1] < losses[0] - 0.05
    assert np.exp(shifted.log_probabilities(logits))[:, 1].mean() == pytest.approx(
        truth.mean(), abs=0.02
    )
    assert plain.shift == 0 != shifted.shift


def test_diffusion_solves_its_equation_and_leaves_islands_alone():
    X, _ = blobs(each=15)
    weights = affinities(knn_graph(X, 5, rng=rng()))
    assert abs(weights - weights.T).max() == 0
    sources = np.zeros((45, 2))
    sources[[3, 20], [0, 1]] = 1
    reached = Diffusion(weights, 0.5).spread(sources)
    degree = np.asarray(weights.sum(axis=1)).ravel()
    flow = weights.toarray() / np.sqrt(np.outer(degree, degree))
    exact = 0.5 * np.linalg.solve(np.eye(45) - 0.5 * flow, sources)
    np.testing.assert_allclose(reached, exact, atol=1e-6)
    island = csr_array(np.kron(np.eye(2), 1 - np.eye(3)))
    assert Diffusion(island).spread(np.eye(6)[:, :1])[3:].sum() == 0


def test_rows_that_nothing_reaches_learn_nothing_from_the_graph():
    X, truth = arcs(60)
    far = unit(-X[:12])
    every = np.concatenate([X, far])
    rows = np.concatenate([np.arange(2, 60, 5), np.arange(62, 120, 5)])
    near = knn_graph(every, 6, rng=rng())
    given = Seeds(rows, truth[rows], np.arange(24) % 4, 2)
    spread = Reached.from_seeds(len(every), given, Diffusion(affinities(near)))
    reached = Graph("graph", every, given, spread).logits()
    assert (reached[120:] == np.log(0.5)).all()
    assert (reached[:120].argmax(axis=1) == truth).mean() > 0.95


def test_review_begins_in_the_largest_doubtful_crowd_and_moves_on():
    near = unit(np.concatenate([[1, 0, 0] + 0.02 * rng().standard_normal((20, 3)), np.eye(3)[1:]]))
    graph = knn_graph(near, 19, rng=rng())
    confidence = np.full(22, 0.6)
    picks = review_first(graph, confidence, 3)
    assert picks.indices[0] < 20
    assert set(picks.indices[1:].tolist()) == {20, 21}
    assert (np.diff(picks.gains) <= 1e-12).all()
    assert 0 < picks.gains.sum() <= 22 * 0.4 + 1e-9


def test_review_leaves_what_is_known_and_counts_duplicates_once():
    X, _ = blobs(each=10)
    graph = knn_graph(X, 5, rng=rng())
    confidence = np.ones(30)
    confidence[[4, 5]] = 0.5
    picks = review_first(
        graph, confidence, 9, groups=np.where(np.arange(30) == 5, 4, np.arange(30))
    )
    assert set(picks.indices.tolist()) == {4, 5}
    assert picks.gains[0] == pytest.approx(1.0)
    assert picks.gains[1] == pytest.approx(0.0)
    assert review_first(graph, confidence, 9, candidates=np.array([5])).indices.tolist() == [5]


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"labels": np.array(["a", "a"])}, "two classes or more"),
        ({"rows": np.array([3, 3])}, "different rows"),
        ({"rows": np.array([3, 300])}, "different rows from 0 to 179"),
        ({"labels": np.array(["a"])}, "as many labels"),
        ({"least_confidence": 1.5}, "between 0 and 1, not 1.5"),
        ({"texts": ClassTexts(["x", "y"], np.ones((180, 2)))}, "no text describes"),
        ({"texts": ClassTexts(["a", "b"], np.ones((9, 2)))}, "must have the shape"),
        ({"groups": np.zeros(180, np.int64)}, "settle these first"),
    ],
)
def test_wrong_use_is_refused(change, sentence):
    X, _ = blobs()
    arguments = {"X": X, "rows": np.array([1, 100]), "labels": np.array(["a", "b"])} | change
    with pytest.raises(UsageError, match=sentence):
        propagate(**arguments, rng=rng())
