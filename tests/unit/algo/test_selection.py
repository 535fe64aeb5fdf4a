"""Selection: shares, rows given and ruled out, reasons, coverage and outliers."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tamis.algo import strategies
from tamis.algo.coverage import compare_with_random
from tamis.algo.neighbors import knn_graph
from tamis.algo.outliers import distance_outliers
from tamis.algo.selection import picking, select
from tamis.algo.selection.reasons import reasons
from tamis.algo.strategies import STRATEGIES, vectors
from tamis.errors import UsageError


def unit(rows):
    rows = np.asarray(rows, dtype=np.float32)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def scene(seed=0, clusters=8, each=40, outliers=4, dim=32):
    """Tight clusters of one size, then outliers."""
    rng = np.random.default_rng(seed)
    middle = unit(rng.standard_normal((clusters, dim)))
    rows = np.repeat(middle, each, axis=0) + 0.03 * rng.standard_normal((clusters * each, dim))
    return unit(np.concatenate([rows, rng.standard_normal((outliers, dim))]))


def chances(X):
    scores = 3 * X[:, :3]
    return np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)


def rng(seed=0):
    return np.random.default_rng(seed)


def test_a_representative_for_each_cluster_then_the_outliers():
    X = scene()
    picks = select(X, 12, diverse=1 / 3, rng=rng())
    assert picks.kinds == ("facility-location",) * 8 + ("k-center",) * 4
    assert sorted((picks.indices[:8] // 40).tolist()) == list(range(8))
    assert sorted(picks.indices[8:].tolist()) == [320, 321, 322, 323]
    assert picks.outlier.tolist() == [False] * 8 + [True] * 4
    assert picks.outliers_taken == 4 <= picks.outliers <= 8
    assert picks.represents[:8].sum() == 320
    assert picks.represents[8:].tolist() == [1] * 4
    assert (picks.scores[8:] > 0.3).all()


@pytest.mark.parametrize(("diverse", "n_far"), [(0, 0), (0.2, 2), (0.5, 5), (1, 10)])
def test_the_diverse_share(diverse, n_far):
    picks = select(scene(), 10, diverse=diverse, rng=rng())
    assert picks.kinds.count("k-center") == n_far
    assert len(set(picks.indices.tolist())) == 10


@pytest.mark.parametrize(("n", "n_far"), [(0, 0), (1, 0), (30, 0), (40, 2), (80, 10)])
def test_the_first_picks_are_all_representative(n, n_far):
    picks = select(scene(), n, rng=rng())
    assert len(picks.indices) == n
    assert picks.kinds.count("k-center") == n_far
    assert set(picks.kinds[: n - n_far]) <= {"facility-location"}


@pytest.mark.parametrize("strategy", [strategy for strategy in STRATEGIES if strategy != "default"])
def test_other_strategies_use_one_way_throughout(strategy):
    picks = select(scene(), 10, strategy=strategy, probabilities=chances(scene()), rng=rng())
    assert set(picks.kinds) == {strategy}
    assert len(set(picks.indices.tolist())) == 10


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_given_and_excluded_rows_are_never_picked(strategy):
    X = scene()
    must, excluded = np.arange(0, 80), np.arange(80, 160)
    rows = {"must": must, "excluded": excluded}
    picks = select(X, 400, strategy=strategy, probabilities=chances(X), **rows, rng=rng())
    assert sorted(picks.indices.tolist()) == list(range(160, 324))


def test_given_rows_count_as_cover():
    X = scene(outliers=0)
    must = np.arange(0, 280, 40)
    picks = select(X, 1, must=must, rng=rng())
    assert picks.indices[0] // 40 == 7
    assert picks.represents[0] == 40


@pytest.mark.parametrize("n", [0, 1, 1000])
def test_numbers_from_none_to_all(n):
    X = scene()
    picks = select(X, n, rng=rng())
    assert len(picks.indices) == min(n, len(X))
    assert picks.represents.sum() == (len(X) if n else 0)
    assert (picks.coverage is None) == (n == 0)


def test_one_row_and_no_rows():
    one = select(scene()[:1], 5, rng=rng())
    assert (one.indices.tolist(), one.distances.tolist()) == ([0], [2.0])
    assert select(scene()[:0], 5, rng=rng()).indices.size == 0


def test_picks_cover_better_than_random_ones_and_random_ones_as_well():
    coverage = select(scene(outliers=20), 20, rng=rng()).coverage
    assert coverage.picked.mean_similarity > coverage.random.mean_similarity + 0.01
    assert coverage.picked.share_within > coverage.random.share_within
    assert coverage.picked.farthest < coverage.random.farthest
    assert coverage.random.share_within == pytest.approx(0.5, abs=0.02)
    chance = select(scene(outliers=20), 20, strategy="random", rng=rng()).coverage
    assert chance.picked.mean_similarity == pytest.approx(chance.random.mean_similarity, abs=0.1)


def test_coverage_is_measured_on_a_sample_of_many_rows(monkeypatch):
    from tamis.algo import coverage

    X, picked = scene(), np.arange(0, 320, 40)
    everything = np.arange(len(X))
    whole = compare_with_random(X, picked, candidates=everything, chosen=picked[:0], rng=rng())
    monkeypatch.setattr(coverage, "_MOST_ROWS", 200)
    part = compare_with_random(X, picked, candidates=everything, chosen=picked[:0], rng=rng())
    assert (whole.rows, part.rows) == (324, 200)
    assert part.picked.mean_similarity == pytest.approx(whole.picked.mean_similarity, abs=0.02)


def test_what_random_picks_reach_hardly_depends_on_the_draw():
    """Few picks differ much from draw to draw, so that many draws are averaged."""
    X = scene()
    everything = np.arange(len(X))
    means = [
        compare_with_random(
            X,
            np.arange(5),
            candidates=everything,
            chosen=everything[:0],
            rng=np.random.default_rng(seed),
        ).random.mean_similarity
        for seed in range(20)
    ]
    assert np.std(means) < 0.03


def test_coverage_figures_of_a_worked_example():
    X = unit([[1, 0], [0.6, 0.8], [0, 1]])
    rows = np.arange(3)
    figures = compare_with_random(X, np.array([0]), candidates=rows[:1], chosen=rows[:0], rng=rng())
    assert figures.picked == figures.random
    assert figures.radius == pytest.approx(0.4)
    assert figures.picked.mean_similarity == pytest.approx(1.6 / 3)
    assert figures.picked.share_within == pytest.approx(2 / 3)
    assert figures.picked.farthest == pytest.approx(1.0)


def test_the_same_seed_gives_the_same_picks_and_another_seed_other_random_ones():
    X = scene()
    first, again = (select(X, 9, strategy="random", rng=rng(5)).indices for _ in range(2))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, select(X, 9, strategy="random", rng=rng(6)).indices)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"strategy": "best"}, "strategy must be one of default, .*, not 'best'"),
        ({"diverse": 1.5}, "between 0 and 1, not 1.5"),
        ({"n": -3}, "not -3"),
        ({"must": np.array([400])}, "must rows must be from 0 to 323"),
        ({"excluded": np.array([-1])}, "excluded rows must be from 0 to 323"),
    ],
)
def test_options_out_of_range_are_refused(options, sentence):
    with pytest.raises(UsageError, match=sentence):
        select(scene(), **({"n": 3} | options), rng=rng())


def test_outliers_are_far_from_their_neighbours():
    X = scene(outliers=6)
    found = distance_outliers(knn_graph(X, 10, rng=rng()))
    assert found[320:].all()
    # The fence leaves out about 0.7 % of normally distributed distances.
    assert found[:320].mean() < 0.02


def test_no_outliers_among_rows_that_are_all_the_same_or_alone():
    same = np.repeat(scene()[:1], 30, axis=0)
    assert not distance_outliers(knn_graph(same, 5, rng=rng())).any()
    assert distance_outliers(knn_graph(same[:1], 5, rng=rng())).tolist() == [False]


def test_a_file_is_all_that_a_strategy_takes(tmp_path, monkeypatch):
    """One file in the folder, and it is listed, found, picks and says why."""
    (tmp_path / "last_rows.py").write_text(
        "from tamis.algo.selection.strategy import Strategy, take_highest\n"
        "import numpy as np\n"
        "def last_rows(pool, n):\n"
        "    return take_highest(pool, n, np.arange(len(pool.X), dtype=float))\n"
        "STRATEGY = Strategy(last_rows, lambda pick: f'score {pick.score:.0f}')\n"
    )
    assert strategies.names_in(tmp_path) == ("last-rows",)
    monkeypatch.setattr(vectors, "__path__", [*vectors.__path__, str(tmp_path)])
    monkeypatch.setattr(strategies, "FROM_VECTORS", ("last-rows",))
    monkeypatch.setattr(picking, "STRATEGIES", ("default", "last-rows"))
    picks = select(scene(), 3, strategy="last-rows", rng=rng())
    assert picks.kinds == ("last-rows",) * 3
    assert reasons(picks) == ["score 323", "score 322", "score 321"]


def test_every_strategy_is_in_the_guide():
    guide = (Path(__file__).parents[3] / "docs/guides/select.md").read_text("utf-8")
    assert [name for name in STRATEGIES if f"`{name}`" not in guide] == []


def test_every_strategy_says_a_reason_of_its_own_and_an_unknown_one_says_none():
    X = scene(clusters=3, each=8)
    for name in STRATEGIES:
        picks = select(X, 3, strategy=name, probabilities=chances(X), rng=rng())
        assert all(reasons(picks, ["a", "b", "c"]))
    unknown = replace(picks, kinds=("new-one",) * 3)
    with pytest.raises(KeyError, match="new-one"):
        reasons(unknown)
