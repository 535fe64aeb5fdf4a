"""Near pairs that are rare among many clustered rows: all found, and no recall stated above truth.

The inverted file is forced, so that few rows show what it does with many.
"""

from __future__ import annotations

import numpy as np
import pytest

from tamis.algo.near_components import near_components
from tamis.algo.neighbors import inverted_file, knn_graph, pairs_over, reach
from tamis.algo.neighbors.inverted_file import build, inverted_tiles
from tamis.algo.neighbors.reach import lower_bound, reach_for_neighbors, reach_for_similarity
from tamis.algo.splits import closest_across as cross_split
from tamis.algo.splits.closest_across import closest_across

THRESHOLD = 0.93
DIMS = [32, 128, 1280]


def rng(seed=0):
    return np.random.default_rng(seed)


def unit(rows):
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def clustered(n, dim, seed):
    """Rows around centres of very unequal weight; no two of them are near."""
    chance = np.random.default_rng(seed)
    centers = chance.standard_normal((max(2, n // 100), dim))
    weights = chance.dirichlet(np.full(len(centers), 0.5))
    middle = centers[chance.choice(len(centers), n, p=weights)]
    return unit(middle + chance.standard_normal((n, dim)))


def with_pairs(dim, kind="anywhere", *, n=1500, pairs=50, seed=0):
    """Clustered rows, and copies of some of them at the threshold or a little nearer."""
    X = clustered(n, dim, [seed, dim])
    chance = np.random.default_rng([seed, dim, 1])
    typical = X @ unit(X.sum(axis=0, keepdims=True))[0]
    left = {
        "anywhere": chance.choice(n, pairs, replace=False),
        "crowded": np.argsort(-typical)[:pairs],
        "lonely": np.argsort(typical)[:pairs],
        "towards others": chance.choice(n, pairs, replace=False),
    }[kind]
    aside = chance.standard_normal((pairs, dim))
    if kind == "towards others":
        # The way that leads across the border to another cell soonest.
        aside = X[chance.choice(n, pairs)].astype(np.float64)
    aside -= (aside * X[left]).sum(axis=1, keepdims=True) * X[left]
    cosine = chance.uniform(THRESHOLD + 1e-5, THRESHOLD + 0.04, (pairs, 1))
    copies = unit(cosine * X[left] + np.sqrt(1 - cosine**2) * unit(aside))
    place = chance.permutation(n + pairs)
    rows = np.empty((n + pairs, dim), np.float32)
    rows[place] = np.concatenate([X, copies])
    return rows, set(map(frozenset, zip(place[left].tolist(), place[n:].tolist(), strict=True)))


def as_sets(left, right):
    return set(map(frozenset, zip(left.tolist(), right.tolist(), strict=True)))


@pytest.mark.parametrize(
    ("dim", "kind"),
    [
        *((dim, "anywhere") for dim in DIMS),
        *((32, kind) for kind in ("crowded", "lonely", "towards others")),
        (1280, "towards others"),
    ],
)
def test_every_rare_pair_is_found(dim, kind):
    X, planted = with_pairs(dim, kind)
    pairs = pairs_over(X, THRESHOLD, method="ivf", rng=rng())
    exact = pairs_over(X, THRESHOLD, method="exact", rng=rng())
    found = as_sets(pairs.left, pairs.right)
    assert pairs.method == "ivf"
    assert found == as_sets(exact.left, exact.right)
    assert found >= planted
    assert pairs.recall_estimate == 1.0
    joined = near_components(X, THRESHOLD, method="ivf", rng=rng())
    assert joined.method == "ivf"
    assert np.array_equal(
        joined.labels, near_components(X, THRESHOLD, method="exact", rng=rng()).labels
    )
    cross = closest_across(X, np.arange(len(X)), most=len(planted), method="ivf", rng=rng())
    true = closest_across(X, np.arange(len(X)), most=len(planted), method="exact", rng=rng())
    assert as_sets(cross.left, cross.right) == as_sets(true.left, true.right)


@pytest.mark.parametrize("dim", DIMS)
def test_they_are_found_without_comparing_all(dim):
    X, _ = with_pairs(dim)
    tiles = inverted_tiles(X, build(X, rng()), reach_for_similarity(THRESHOLD))
    assert sum(tile.similarities.size for tile in tiles) < 0.25 * len(X) ** 2


@pytest.mark.parametrize(("dim", "asked"), [(32, 0.9), (32, 0.98), (128, 0.98), (1280, 0.98)])
def test_a_graph_finds_rare_pairs_and_states_no_recall_above_truth(dim, asked, monkeypatch):
    monkeypatch.setattr(reach, "_CHOSEN_ON", 150)
    monkeypatch.setattr(reach, "_CHECKED_ON", 400)
    X, planted = with_pairs(dim, seed=1)
    exact = knn_graph(X, 8, method="exact", rng=rng())
    rows = np.arange(len(X))[:, None]
    for seed in range(2):
        graph = knn_graph(X, 8, method="ivf", recall=asked, rng=rng(seed))
        found = as_sets(np.repeat(np.arange(len(X)), 8), graph.indices.ravel())
        assert found >= planted
        hit = np.isin(exact.indices + rows * len(X), graph.indices + rows * len(X))
        assert graph.recall_low >= asked
        assert hit.mean() >= asked
        assert hit.mean() >= graph.recall_low
        # A row counts as one draw: three standard errors of the rows that were looked at.
        error = hit.mean(axis=1).std() / np.sqrt(400)
        assert graph.recall_estimate <= hit.mean() + 3 * error + 1e-9
        assert hit[exact.similarities >= graph.sure_from + 1e-5].all()


def test_what_is_near_follows_the_rows():
    X, _ = with_pairs(128)
    graph = knn_graph(X, 8, method="ivf", recall=0.1, rng=rng())
    exact = knn_graph(X, 8, method="exact", rng=rng())
    usual = float(np.quantile(exact.similarities[:, -1], 0.1))
    assert graph.sure_from == pytest.approx(1 - (1 - usual) / 4, abs=0.001)
    assert exact.sure_from == -1.0


def test_rare_pairs_are_found_beside_rows_that_have_many_copies():
    # As where most pictures are frames of a video: what is usual there is no measure for the rest.
    X, planted = with_pairs(64, n=500, pairs=30)
    frames = np.repeat(clustered(160, 64, 7), 12, axis=0)
    frames = unit(frames + rng().standard_normal(frames.shape) * 0.01)
    graph = knn_graph(np.concatenate([X, frames]), 8, method="ivf", recall=0.9, rng=rng())
    found = as_sets(np.repeat(np.arange(len(X)), 8), graph.indices[: len(X)].ravel())
    assert found >= planted
    assert graph.sure_from < THRESHOLD < np.median(graph.similarities[:, -1])


def test_where_no_sample_can_show_the_recall_everything_is_read(monkeypatch):
    monkeypatch.setattr(reach, "_CHOSEN_ON", 100)
    monkeypatch.setattr(reach, "_CHECKED_ON", 200)
    X, _ = with_pairs(32)
    file = build(X, rng())
    # 200 rows without a miss do not show more than .985.
    assert lower_bound(1.0, 200) < 0.99
    found = reach_for_neighbors(X, file, 8, 0.99, rng())
    assert (found.recall, found.low, found.sure_from) == (1.0, 1.0, -1.0)
    graph = knn_graph(X, 8, method="ivf", recall=0.99, rng=rng())
    exact = knn_graph(X, 8, method="exact", rng=rng())
    np.testing.assert_allclose(graph.similarities, exact.similarities, atol=2e-6)


def test_the_bound_is_over_the_truth_no_more_often_than_it_says():
    chance = rng(5)
    for truth in (0.9, 0.98, 0.999):
        for rows in (50, 400):
            means = chance.binomial(rows, truth, 400) / rows
            over = np.mean([lower_bound(float(mean), rows) > truth for mean in means])
            assert over <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / 400)
    assert lower_bound(1.0, 50) < lower_bound(1.0, 500) < 1.0
    assert lower_bound(0.0, 50) == 0.0


@pytest.mark.parametrize("guess", [1.0, 0.9, -1.0])
def test_pairs_across_splits_do_not_depend_on_the_guess(guess, monkeypatch):
    X, _ = with_pairs(32)
    split = rng().integers(-1, 3, len(X))
    exact = closest_across(X, split, threshold=0.8, most=500, method="exact", rng=rng())
    monkeypatch.setattr(cross_split, "_guessed_floor", lambda *_: guess)
    found = closest_across(X, split, threshold=0.8, most=500, method="ivf", rng=rng())
    assert found.method == "ivf"
    assert as_sets(found.left, found.right) == as_sets(exact.left, exact.right)
    assert found.over == exact.over > 10


def test_a_list_longer_than_all_pairs_holds_them_all():
    X = clustered(80, 16, 0)
    split = np.repeat([0, 1], 40)
    found = closest_across(X, split, most=5000, method="ivf", rng=rng())
    assert len(found.left) == 40 * 40


def test_the_guess_is_seldom_too_high():
    X, _ = with_pairs(32)
    split = np.arange(len(X))
    true = closest_across(X, split, most=2000, method="exact", rng=rng()).similarity[-1]
    guesses = [cross_split._guessed_floor(X, split, 2000, rng(seed)) for seed in range(20)]
    assert np.mean(np.array(guesses) > true) <= 0.1
    assert min(guesses) > true - 0.1


@pytest.mark.parametrize("tile", [7, 64])
def test_tiles_smaller_than_a_cell_change_nothing(tile, monkeypatch):
    X = np.concatenate([np.repeat(clustered(3, 16, 0), 60, axis=0), clustered(300, 16, 1)])
    whole = pairs_over(X, 0.7, method="ivf", rng=rng())
    monkeypatch.setattr(inverted_file, "_TILE_ROWS", tile)
    monkeypatch.setattr(inverted_file, "_BLOCK_ROWS", 16)
    parts = pairs_over(X, 0.7, method="ivf", rng=rng())
    assert as_sets(parts.left, parts.right) == as_sets(whole.left, whole.right)
    assert len(parts.left) == len(whole.left) >= 3 * 60 * 59 // 2


def test_rows_mirrored_at_a_border_are_met_from_the_least_reach_on():
    # The hardest pair of its distance: each row lies as far from the border as the other.
    X, _ = with_pairs(16)
    file = build(X, rng())
    near = X @ file.centroids.T
    second = np.argsort(-near, axis=1)[:, 1]
    across = unit(file.centroids[file.cell] - file.centroids[second])
    mirrored = X - 2 * (X * across).sum(axis=1, keepdims=True) * across
    both = np.concatenate([X, unit(mirrored)])
    cell = np.argmax(both @ file.centroids.T, axis=1)
    members = np.argsort(cell, kind="stable")
    start = np.searchsorted(cell[members], np.arange(len(file.centroids) + 1))
    wider = inverted_file.InvertedFile(file.centroids, file.apart, cell, members, start)
    met = {1.0: [], 0.98: []}
    for row in np.flatnonzero(cell[len(X) :] == second)[:50].tolist():
        pair = np.array([row, row + len(X)])
        least = reach_for_similarity(float(both[pair[0]] @ both[pair[1]]))
        for share, reached in met.items():
            close = wider.within(both, pair, share * least)
            reached.append(bool(close[0, cell[pair[1]]] or close[1, cell[pair[0]]]))
    assert sum(met[1.0]) == 50
    assert sum(met[0.98]) < 50
