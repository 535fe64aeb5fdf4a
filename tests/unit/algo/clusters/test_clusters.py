"""Clusters: their number, what stands for them, where new rows go, levels, names."""

from __future__ import annotations

import numpy as np
import pytest

from tamis.algo.clusters import (
    assign_clusters,
    cluster,
    cluster_stability,
    describe_clusters,
    merge_clusters,
    name_clusters,
    scored_traits,
    shared_traits,
    zoom_levels,
)
from tamis.errors import UsageError


def unit(rows):
    rows = np.asarray(rows, dtype=np.float32)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def rng(seed=0):
    return np.random.default_rng(seed)


def blobs(sizes, spread=0.25, dim=12, seed=0):
    random = rng(seed)
    middle = random.standard_normal((len(sizes), dim))
    truth = np.repeat(np.arange(len(sizes)), sizes)
    return unit(middle[truth] + spread * random.standard_normal((truth.size, dim))), truth


def same_grouping(left, right):
    return np.unique(np.stack([left, right]), axis=1).shape[1] == np.unique(left).size


def test_the_number_of_separate_clusters_is_found_and_explained():
    X, truth = blobs([60, 50, 40, 30, 20])
    found = cluster(X, most=12, rng=rng())
    assert same_grouping(found.labels, truth)
    assert found.sizes.tolist() == [60, 50, 40, 30, 20]
    assert found.reason.startswith("5 clusters: of ")
    assert 5 in [each.k for each in found.tried]
    assert found.stability.mean > 0.95
    assert (found.stability.clusters > 0.95).all()


def test_what_is_no_cluster_is_not_stable():
    X = unit(rng().standard_normal((300, 20)))
    assert cluster_stability(X, 7, rng=rng()).mean < 0.4


def test_medoids_lie_nearest_to_centroids_and_sizes_add_up():
    X, _ = blobs([40, 30, 20])
    found = cluster(X, 3, rng=rng())
    likeness = X @ found.centroids.T
    for number, medoid in enumerate(found.medoids):
        inside = np.flatnonzero(found.labels == number)
        assert likeness[medoid, number] == pytest.approx(likeness[inside, number].max(), abs=1e-6)
        assert found.labels[medoid] == number
    assert found.sizes.sum() == 90
    assert found.reason == "3 clusters, as asked for"


def test_clusters_of_any_method_are_described_and_rows_in_none_stay_out():
    X, truth = blobs([10, 20, 30])
    given = np.where(np.arange(60) % 10 == 0, -1, truth * 7 + 3)
    found = describe_clusters(X, given)
    assert found.sizes.tolist() == [27, 18, 9]
    assert (found.labels[given < 0] == -1).all()
    assert np.isnan(found.likeness[given < 0]).all()
    assert not np.isnan(found.likeness[given >= 0]).any()
    nothing = describe_clusters(X, np.full(60, -1))
    assert nothing.sizes.size == nothing.medoids.size == 0


def test_new_rows_join_without_fitting_or_stay_out_if_far():
    X, truth = blobs([40, 30, 20])
    found = cluster(X[::2], 3, rng=rng())
    labels, likeness = assign_clusters(X[1::2], found.centroids)
    assert same_grouping(labels, truth[1::2])
    assert (assign_clusters(-found.centroids, found.centroids, least=0.5)[0] == -1).all()
    again, _ = assign_clusters(X[::2], found.centroids)
    assert (again == found.labels).mean() > 0.99
    assert (likeness > 0.5).all()


def test_few_or_equal_rows_are_clusters_too():
    X, _ = blobs([1, 1])
    assert cluster(X[:1], rng=rng()).sizes.tolist() == [1]
    assert cluster(np.repeat(X[:1], 9, axis=0), rng=rng()).sizes.tolist() == [9]
    with pytest.raises(UsageError, match="no rows"):
        cluster(X[:0], rng=rng())
    with pytest.raises(UsageError, match="at least 1, not -2"):
        cluster(X, -2, rng=rng())


def test_levels_are_nested():
    X, _ = blobs([20] * 16, spread=0.3)
    found = cluster(X, 16, rng=rng())
    levels = zoom_levels(X, found.labels, rng=rng())
    counts = [int(each.max()) + 1 for each in levels.labels]
    assert counts == sorted(counts)
    assert counts[:2] == [4, int(found.labels.max()) + 1]
    assert counts[2] > counts[1]
    for above, below, parents in zip(
        levels.labels[:-1], levels.labels[1:], levels.parents, strict=True
    ):
        assert np.array_equal(parents[below], above)


def test_clusters_that_point_alike_are_merged_first():
    centres = unit([[1, 0, 0], [0.98, 0.2, 0], [0, 1, 0], [0, 0, 1]])
    X = np.repeat(centres, 10, axis=0)
    labels = np.repeat(np.arange(4), 10)
    three, one = merge_clusters(X, labels, [3, 1])
    assert three.tolist() == [0, 0, 1, 2]
    assert one.tolist() == [0] * 4


def test_names_are_what_sets_a_cluster_apart_not_what_is_common():
    labels = np.repeat([0, 1, 2], 40)
    random = rng()
    cat = (labels == 0) & (random.random(120) < 0.9)
    everywhere = random.random(120) < 0.9
    chance = random.random((120, 30)) < 0.3
    present = np.column_stack([everywhere, cat, chance])
    names = ["everywhere", "cat", *(f"chance {i}" for i in range(30))]
    traits = shared_traits(labels, present, names)
    assert [trait.name for trait in traits[0]] == ["cat"]
    assert traits[0][0].inside > 0.8
    assert traits[0][0].outside == 0
    assert name_clusters(traits)[0] == "cat"
    assert name_clusters(traits)[1:] == ("cluster 1", "cluster 2")


def test_many_of_many_come_before_three_of_three():
    labels = np.repeat([0, 1], [100, 300])
    many = np.arange(400) < 90
    few = np.arange(400) < 3
    traits = shared_traits(labels, np.column_stack([few, many]), ["few", "many"])
    assert traits[0][0].name == "many"


def test_words_name_clusters_by_their_scores():
    labels = np.repeat([0, 1, -1], [50, 50, 20])
    scores = rng().standard_normal((120, 3)) * 0.01 + 0.2
    scores[labels == 1, 2] += 0.03
    traits = scored_traits(labels, scores, ["dog", "tree", "car"])
    assert name_clusters(traits) == ("cluster 0", "car")
    assert traits[1][0].effect > 1
    with pytest.raises(UsageError, match="shape"):
        scored_traits(labels, scores, ["dog"])


def test_a_score_that_never_changes_names_nothing():
    labels = np.repeat([0, 1], 20)
    assert scored_traits(labels, np.ones((40, 1)), ["flat"]) == ((), ())
