"""Nearest vectors: exactly right, or by an index that is never stale and never loses a filter."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from tamis.dataset import vector_search
from tamis.dataset.samples import Kind, Samples
from tamis.dataset.store import Store
from tamis.dataset.vector_search import nearest as nearest_among
from tamis.errors import UsageError

DIM = 16


def clustered(count, seed=0):
    rng = np.random.default_rng(seed)
    centres = rng.normal(size=(40, DIM))
    vectors = centres[rng.integers(0, 40, count)] + 0.5 * rng.normal(size=(count, DIM))
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def filled(path, vectors, *, start=0, store=None):
    store = store or Store.create(path)
    ids = [f"s{start + number:06}" for number in range(len(vectors))]
    with store.operation("fill") as operation:
        column = operation.add_vector_column("test:v", "f" * 32, DIM)
        operation.insert(
            pa.table({"sample_id": ids, "width": list(range(start, start + len(ids)))})
        )
        operation.set_vectors(column, ids, vectors)
    return store, column


def nearest(store, *query, where=None, **options):
    return nearest_among(Samples(store).of(where, kind=Kind.ALL), *query, **options)


def index(store, column):
    with store.operation("index") as operation:
        operation.index_vectors(column)


@pytest.fixture
def small_filters_by_index(monkeypatch):
    """Let the planner trust the index with the few rows of a test."""
    monkeypatch.setattr(vector_search, "_EXACT_BELOW_ROWS", 0)


@pytest.fixture(scope="module")
def vectors():
    return clustered(3000)


@pytest.fixture
def plain(tmp_path, vectors):
    return filled(tmp_path / "d.tamis", vectors)


def expected(vectors, query, count, allowed=None):
    scores = vectors @ query
    if allowed is not None:
        scores = np.where(allowed, scores, -2)
    best = np.argsort(-scores, kind="stable")[:count]
    return [f"s{number:06}" for number in best], scores[best]


@pytest.mark.parametrize("count", [1, 10, 3000, 5000])
def test_exact_search_equals_brute_force(plain, vectors, count):
    store, column = plain
    query = clustered(1, seed=5)[0]
    found = nearest(store, column, query, count)
    ids, scores = expected(vectors, query, count)
    assert found.ids == ids
    assert found.method == "exact"
    assert found.compared == 3000
    np.testing.assert_allclose(found.scores, scores, atol=1e-6)
    np.testing.assert_allclose(found.vectors @ query, scores, atol=1e-6)


def test_a_condition_leaves_out_what_does_not_meet_it(plain, vectors):
    store, column = plain
    query = clustered(1, seed=6)[0]
    found = nearest(store, column, query, 7, where="width % 50 = 3")
    assert found.ids == expected(vectors, query, 7, np.arange(3000) % 50 == 3)[0]
    assert nearest(store, column, query, 7, where="width < 0").ids == []


def test_a_querys_length_does_not_matter(plain):
    store, column = plain
    query = clustered(1, seed=7)[0]
    one, other = nearest(store, column, query, 5), nearest(store, column, 9 * query, 5)
    assert one.ids == other.ids
    np.testing.assert_allclose(one.scores, other.scores, atol=1e-6)


def test_equal_scores_come_in_the_datasets_order(tmp_path):
    vectors = np.tile(clustered(1), (9000, 1))
    store, column = filled(tmp_path / "d.tamis", vectors)
    assert nearest(store, column, vectors[0], 3).ids == ["s000000", "s000001", "s000002"]


def test_the_index_finds_the_same_with_the_same_scores(plain, vectors):
    store, column = plain
    index(store, column)
    hits = 0
    for query in clustered(20, seed=8):
        found = nearest(store, column, query, 10)
        assert found.method == "index"
        ids, _ = expected(vectors, query, 10)
        hits += len({*found.ids} & {*ids})
        rows = [int(name[1:]) for name in found.ids]
        np.testing.assert_allclose(found.scores, vectors[rows] @ query, atol=1e-6)
        assert (np.diff(found.scores) <= 0).all()
        assert nearest(store, column, query, 10, exact=True).ids == ids
    assert hits >= 0.95 * 200


def test_new_rows_are_found_before_the_index_knows_them(plain):
    store, column = plain
    index(store, column)
    new = clustered(50, seed=9)
    filled(None, new, start=3000, store=store)
    cover = store.index_cover(column)
    assert (cover.rows, cover.total) == (3000, 3050)
    for number in (0, 49):
        found = nearest(store, column, new[number], 1)
        assert (found.method, found.ids) == ("index", [f"s{3000 + number:06}"])
    index(store, column)
    cover = store.index_cover(column)
    assert (cover.rows, cover.total) == (3050, 3050)
    assert nearest(store, column, new[7], 1).ids == ["s003007"]


def test_a_vector_that_changed_is_found_where_it_is_now(plain):
    store, column = plain
    index(store, column)
    moved = clustered(1, seed=10)
    with store.operation("embed") as operation:
        operation.set_vectors(column, ["s000123"], moved)
    found = nearest(store, column, moved[0], 1)
    assert found.ids == ["s000123"]
    assert found.scores[0] == pytest.approx(1, abs=1e-5)


def test_marks_and_undo_leave_the_index_as_it_was(plain, vectors):
    store, column = plain
    index(store, column)
    with store.operation("mark") as operation:
        operation.set_marks(["s000005"], {"label": ["x"]})
    assert store.index_cover(column).rows == 3000
    assert nearest(store, column, vectors[5], 1).ids == ["s000005"]
    store.undo()
    store.undo()
    assert store.index_cover(column) is None
    assert nearest(store, column, vectors[5], 1).method == "exact"


def test_selective_conditions_are_met_exactly(plain, vectors, small_filters_by_index):
    store, column = plain
    index(store, column)
    query = clustered(1, seed=11)[0]
    few = nearest(store, column, query, 5, where="width % 100 = 3")
    assert few.method == "exact"
    assert few.ids == expected(vectors, query, 5, np.arange(3000) % 100 == 3)[0]


def test_wide_conditions_look_into_more_of_the_index(
    plain, vectors, small_filters_by_index, monkeypatch
):
    store, column = plain
    index(store, column)
    allowed = np.arange(3000) % 10 == 3
    asked = []
    search = Store.nearest

    def asking(*args, **rest):
        asked.append(rest["probes"])
        return search(*args, **rest)

    with monkeypatch.context() as patch:
        patch.setattr(vector_search, "_PROBES", 1)
        patch.setattr(Store, "nearest", asking)
        nearest(store, column, clustered(1, seed=12)[0], 10)
        nearest(store, column, clustered(1, seed=12)[0], 10, where="width % 10 < 5")
    assert asked == [1, 2]
    hits = 0
    for query in clustered(20, seed=12):
        found = nearest(store, column, query, 10, where="width % 10 = 3")
        assert found.method == "index"
        hits += len({*found.ids} & {*expected(vectors, query, 10, allowed)[0]})
    assert hits >= 0.95 * 200


def test_too_few_vectors_to_learn_from_get_no_index(tmp_path):
    store, column = filled(tmp_path / "d.tamis", clustered(100))
    index(store, column)
    assert store.index_cover(column) is None
    assert nearest(store, column, clustered(1)[0], 3).method == "exact"


def test_rows_without_a_vector_are_never_found(plain, vectors):
    store, column = plain
    with store.operation("add") as operation:
        operation.insert(pa.table({"sample_id": ["without"], "width": [9]}))
    assert "without" not in nearest(store, column, vectors[0], 5000).ids
    index(store, column)
    assert "without" not in nearest(store, column, vectors[0], 900).ids


@pytest.mark.parametrize(
    ("query", "options", "message"),
    [
        (np.zeros(DIM, np.float32), {}, "no direction"),
        (np.full(DIM, np.nan, np.float32), {}, "no direction"),
        (np.ones(DIM + 1, np.float32), {}, "17.*16 dimensions"),
        (np.ones(DIM, np.float32), {"count": 0}, "k is 0"),
        (np.ones(DIM, np.float32), {"where": "nowhere = 1"}, "nowhere"),
    ],
)
def test_queries_that_make_no_sense_are_refused(plain, query, options, message):
    store, column = plain
    options = {"count": 3} | options
    with pytest.raises(UsageError, match=message):
        nearest(store, column, query, options.pop("count"), **options)


def test_no_index_file_is_taken_for_an_orphan(plain, vectors):
    store, column = plain
    index(store, column)
    store.gc()
    again = Store.open(store.path)
    assert nearest(again, column, vectors[9], 1).ids == ["s000009"]
    assert nearest(again, column, vectors[9], 1).method == "index"
