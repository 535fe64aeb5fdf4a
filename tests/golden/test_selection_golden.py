"""Strategies against plain implementations that form everything they compare."""

from __future__ import annotations

import numpy as np
import pytest

from tamis.algo.greedy import Kernel, typical_width
from tamis.algo.selection import Quotas, select
from tamis.algo.strategies.vectors.facility_location import facility_location
from tamis.algo.strategies.vectors.prob_cover import pure_radius


def unit(rows):
    rows = np.asarray(rows, dtype=np.float32)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def scene(seed=0, clusters=5, each=24, dim=12, spread=0.12):
    rng = np.random.default_rng(seed)
    middle = unit(rng.standard_normal((clusters, dim)))
    rows = np.repeat(middle, each, axis=0)
    return unit(rows + spread * rng.standard_normal(rows.shape))


def chances(X, classes=4, seed=0):
    scores = 4 * X @ np.random.default_rng(seed).standard_normal((X.shape[1], classes))
    return np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)


def rng():
    return np.random.default_rng(0)


def gaussian(X):
    exact = X.astype(np.float64)
    squared = np.square(exact[:, None] - exact[None, :]).sum(axis=2)
    pairs = squared[np.triu_indices(len(X), 1)]
    return np.exp(-squared / np.median(pairs))


def test_determinantal_picks_raise_the_determinant_most():
    X = scene()
    kernel = gaussian(X)
    picks = select(X, 10, strategy="dpp", rng=rng())
    rows = picks.indices.tolist()
    assert rows[0] == np.argmax(X @ X.mean(axis=0))
    for count in range(1, 10):
        before = np.linalg.det(kernel[np.ix_(rows[:count], rows[:count])])
        after = {
            row: np.linalg.det(kernel[np.ix_([*rows[:count], row], [*rows[:count], row])])
            for row in range(len(X))
            if row not in rows[:count]
        }
        assert rows[count] == max(after, key=after.get)
        assert picks.scores[count] == pytest.approx(after[rows[count]] / before, rel=1e-3)


def test_determinantal_picks_are_conditioned_on_given_rows():
    X, must = scene(), np.array([3, 30, 60])
    kernel = gaussian(X)
    (first,) = select(X, 1, strategy="dpp", must=must, rng=rng()).indices
    after = [np.linalg.det(kernel[np.ix_([*must, row], [*must, row])]) for row in range(len(X))]
    assert first == int(np.argmax(after))


def plain_greedy(values, weights, n):
    covered, picks = np.zeros(len(values)), []
    for _ in range(n):
        gains = (weights * np.maximum(values - covered, 0)).sum(axis=1)
        gains[picks] = -1
        picks.append(int(np.argmax(gains)))
        covered = np.maximum(covered, values[picks[-1]])
    return picks


def test_herding_is_the_plain_greedy_on_a_gaussian():
    X = scene()
    even = np.ones(len(X))
    assert select(X, 9, strategy="max-herding", rng=rng()).indices.tolist() == plain_greedy(
        gaussian(X), even, 9
    )
    likely = chances(X)
    best = np.sort(likely, axis=1)
    unsure = 1 - (best[:, -1] - best[:, -2])
    picks = select(X, 9, strategy="uncertainty-herding", probabilities=likely, rng=rng())
    assert picks.indices.tolist() == plain_greedy(gaussian(X), unsure, 9)
    assert picks.indices.tolist() != plain_greedy(gaussian(X), even, 9)


def test_balls_are_the_plain_greedy_on_a_top_hat():
    X = scene()
    picks = facility_location(X, 6, kernel=Kernel("within", 0.15), rng=rng())
    values = (1 - X.astype(np.float64) @ X.T <= 0.15).astype(float)
    assert picks.indices.tolist() == plain_greedy(values, np.ones(len(X)), 6)


def test_the_radius_is_the_largest_at_which_95_percent_of_the_balls_are_pure():
    X = scene(spread=0.3)
    labels = np.repeat(np.arange(5), 24)
    radius = pure_radius(X, labels, rng())
    distance = 1 - X.astype(np.float64) @ X.T

    def pure(radius):
        return np.mean([len(set(labels[row <= radius])) == 1 for row in distance])

    nearest = np.median(np.sort(distance, axis=1)[:, 1])
    if radius > nearest + 1e-6:
        assert pure(radius - 1e-3) >= 0.95 - 1e-9
        assert pure(radius + 1e-2) < 0.95
    tight = scene(spread=0.03)
    assert pure_radius(tight, labels, rng()) > 0.2


def test_prob_cover_takes_one_of_each_tight_cluster():
    picks = select(scene(spread=0.03), 5, strategy="prob-cover", rng=rng())
    assert sorted((picks.indices // 24).tolist()) == list(range(5))
    assert picks.scores.sum() == pytest.approx(1)
    assert picks.scores.min() > 0.15


@pytest.mark.parametrize("strategy", ["k-means", "typicality", "hierarchical-k-means"])
def test_clusters_get_one_pick_each_near_their_middle(strategy):
    X = scene(clusters=6, each=60, spread=0.03)
    picks = select(X, 6, strategy=strategy, rng=rng())
    if strategy == "hierarchical-k-means":
        # its leaves are finer than the clusters
        assert len(set((picks.indices // 60).tolist())) >= 4
    else:
        assert sorted((picks.indices // 60).tolist()) == list(range(6))
        assert picks.cluster_sizes.tolist() == [60] * 6
    for row in picks.indices:
        own = X[row // 60 * 60 : row // 60 * 60 + 60]
        central = own @ unit(own.mean(axis=0)[None])[0]
        rank = int((central > central[row % 60]).sum())
        assert rank < {"k-means": 1, "typicality": 25, "hierarchical-k-means": 60}[strategy]


def test_typicality_is_one_over_the_mean_distance_to_20_neighbours():
    X = scene(clusters=3, each=60, spread=0.05)
    picks = select(X, 3, strategy="typicality", rng=rng())
    for row, score in zip(picks.indices, picks.scores, strict=True):
        own = X[row // 60 * 60 : row // 60 * 60 + 60].astype(np.float64)
        distance = np.sort(np.linalg.norm(own[:, None] - own[None, :], axis=2), axis=1)
        typical = 1 / distance[:, 1:21].mean(axis=1)
        assert score == pytest.approx(typical.max(), rel=1e-4)
        assert typical[row % 60] == typical.max()


def test_uncertain_rows_come_first():
    X = scene()
    likely = chances(X)
    best = np.sort(likely, axis=1)
    margins = np.argsort(best[:, -1] - best[:, -2])
    entropies = np.argsort((likely * np.log(likely)).sum(axis=1))
    for strategy, order in (("margin", margins), ("entropy", entropies)):
        picks = select(X, 7, strategy=strategy, probabilities=likely, rng=rng())
        assert picks.indices.tolist() == order[:7].tolist()
        assert (np.diff(picks.scores) <= 0).all()
        assert picks.classes.tolist() == np.argsort(-likely[order[:7]], axis=1)[:, :2].tolist()


def test_badge_measures_the_gradients_it_never_forms():
    X = scene()
    likely = chances(X)
    guess = np.eye(likely.shape[1])[likely.argmax(axis=1)]
    gradients = ((likely - guess)[:, :, None] * X[:, None, :]).reshape(len(X), -1)
    picks = select(X, 8, strategy="badge", probabilities=likely, rng=rng())
    rows = picks.indices.tolist()
    assert rows[0] == np.argmax(np.linalg.norm(gradients, axis=1))
    for count in range(1, 8):
        nearest = np.linalg.norm(gradients[rows[:count]] - gradients[rows[count]], axis=1).min()
        assert picks.scores[count] == pytest.approx(nearest, abs=1e-3)
    after = select(X, 1, strategy="badge", probabilities=likely, must=np.array(rows[:3]), rng=rng())
    nearest = np.linalg.norm(gradients[rows[:3]] - gradients[after.indices[0]], axis=1).min()
    assert after.scores[0] == pytest.approx(nearest, abs=1e-3)


def test_k_means_leaves_what_given_rows_stand_for():
    X = scene(clusters=6, each=60, spread=0.03)
    must = np.array([5, 65, 125])
    picks = select(X, 3, strategy="k-means", must=must, rng=rng())
    assert sorted((picks.indices // 60).tolist()) == [3, 4, 5]


def test_sampling_from_a_hierarchy_is_more_even_than_chance():
    generator = np.random.default_rng(2)
    middle = unit(generator.standard_normal((20, 16)))
    sizes = np.array([2000] + [60] * 19)
    label = np.repeat(np.arange(20), sizes)
    X = unit(middle[label] + 0.06 * generator.standard_normal((sizes.sum(), 16)))
    picks = select(X, 60, strategy="hierarchical-k-means", rng=rng())
    chance = select(X, 60, strategy="random", rng=rng())
    largest = np.mean(label[picks.indices] == 0)
    assert largest < 0.75 * np.mean(label[chance.indices] == 0)
    assert len(set(label[picks.indices])) > len(set(label[chance.indices]))


@pytest.mark.parametrize("strategy", ["k-means", "typicality", "prob-cover", "dpp", "k-center"])
def test_identical_rows_fill_the_number_asked(strategy):
    X = np.repeat(scene()[:2], 10, axis=0)
    picks = select(X, 15, strategy=strategy, must=np.array([0, 10]), rng=rng())
    assert len(set(picks.indices.tolist())) == 15


def test_a_mix_divides_the_number_by_its_shares_in_their_order():
    X = scene()
    shares = {"facility-location": 0.5, "k-center": 0.3, "random": 0.2}
    picks = select(X, 10, strategy=shares, rng=rng())
    assert picks.kinds == ("facility-location",) * 5 + ("k-center",) * 3 + ("random",) * 2
    default = select(X, 10, diverse=0.3, rng=rng())
    same = select(X, 10, strategy={"facility-location": 0.7, "k-center": 0.3}, rng=rng())
    assert default.indices.tolist() == same.indices.tolist()


def test_quotas_by_hand():
    # Both groups' rows lie on one line; the greedy alone would take rows 0 and 1.
    X = unit([[1, 0], [0.8, 0.6], [0.6, 0.8], [0, 1]])
    quotas = Quotas(np.array([0, 0, 0, 1]), ("left", "right"), np.array([0, 1]), np.array([9, 9]))
    picks = select(X, 1, quotas=quotas, strategy="facility-location", rng=rng())
    assert picks.indices.tolist() == [3]


def test_the_width_is_the_median_distance():
    X = scene()
    distance = np.linalg.norm(X[:, None] - X[None, :], axis=2)[np.triu_indices(len(X), 1)]
    assert typical_width(X, rng()) == pytest.approx(np.median(distance), rel=1e-4)
    assert typical_width(X[:1], rng()) == typical_width(np.repeat(X[:1], 3, axis=0), rng()) == 1
