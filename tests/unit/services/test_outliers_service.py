"""Odd pictures in a dataset: marks, nominal pictures, rare clusters, the page."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from tamis.algo.unit_vectors import normalise_rows
from tamis.dataset.store import Store
from tamis.errors import UsageError
from tamis.runtime.workspace import Workspace
from tamis.services.outliers.contract import Outliers
from tamis.services.outliers.run import outliers


@pytest.fixture
def store(tmp_path):
    """Forty pictures of two kinds, then three that are alike, then one like nothing else."""
    rng = np.random.default_rng(0)
    middle = rng.standard_normal((4, 16))
    kinds = np.repeat([0, 1, 2, 3], [20, 20, 3, 1])
    vectors = normalise_rows(
        (middle[kinds] + 0.05 * rng.standard_normal((44, 16))).astype(np.float32)
    )
    ids = [f"s{row:02d}" for row in range(44)]
    store = Store.create(tmp_path / "a.tamis")
    with store.operation("add") as op:
        op.insert(pa.table({"sample_id": ids, "path": [f"{name}.jpg" for name in ids]}))
    with store.operation("embed") as op:
        column = op.add_vector_column("test:random", "0123456789abcdef", 16)
        op.set_vectors(column, ids, vectors)
    with store.operation("cluster") as op:
        op.set_marks(ids, {"cluster": pa.array(np.minimum(kinds, 2).tolist(), pa.int32())})
    return store


def find(store, **options):
    return outliers(Workspace(store), Outliers(**options))


@pytest.mark.parametrize("by", ["neighbor_distance", "mahalanobis"])
def test_what_is_like_nothing_else_is_farthest(store, by):
    report = find(store, by=by, count=4)
    assert {one.sample_id for one in report.pictures} == {"s40", "s41", "s42", "s43"}
    assert report.scored == report.reference == 44
    values = [getattr(one, by) for one in report.pictures]
    assert values == sorted(values, reverse=True)
    assert report.pictures[0].rank == pytest.approx(1 / 44)


def test_marks_are_written_undone_and_cleared_elsewhere(store):
    find(store)
    assert store.count("neighbor_distance IS NOT NULL AND mahalanobis > 0") == 44
    assert find(store, where="sample_id < 's10'").scored == 10
    assert store.count("mahalanobis IS NOT NULL") == 10
    store.undo()
    assert store.count("mahalanobis IS NOT NULL") == 44


def test_nominal_pictures_are_what_others_are_compared_with(store):
    report = find(store, nominal="sample_id < 's20'", count=24)
    assert report.reference == 20
    assert {one.sample_id for one in report.pictures} == {f"s{row}" for row in range(20, 44)}
    assert max(one.rank for one in report.pictures) == 0


def test_rare_clusters_come_first(store):
    report = find(store)
    rarest = report.clusters[0]
    assert (rarest.id, rarest.size) == (2, 4)
    assert rarest.examples[0] == report.pictures[0].path
    assert not report.notes


def test_clusters_are_ordered_by_size_then_by_their_middle_picture(store):
    report = find(store)
    marks = store.read(["cluster", "neighbor_distance"]).to_pydict()
    numbers, values = np.array(marks["cluster"]), np.array(marks["neighbor_distance"])
    middle = {one.id: np.median(values[numbers == one.id]) for one in report.clusters}
    assert {one.id: one.distance for one in report.clusters} == pytest.approx(middle)
    # the mean of the smallest is another, for one of its pictures is like nothing else
    assert middle[2] != pytest.approx(values[numbers == 2].mean())
    assert [one.size for one in report.clusters] == [4, 20, 20]
    assert [one.id for one in report.clusters[1:]] == sorted((0, 1), key=lambda n: -middle[n])


def test_a_page_shows_both(store, tmp_path):
    report = find(store, gallery=tmp_path / "odd.html")
    page = (tmp_path / "odd.html").read_text()
    assert report.gallery == str(tmp_path / "odd.html")
    assert "Farthest pictures" in page
    assert "Cluster 2" in page
    with pytest.raises(UsageError, match="html"):
        find(store, gallery=tmp_path / "odd.txt")


def test_too_few_to_compare_with_are_refused(store):
    with pytest.raises(UsageError, match="at least 3"):
        find(store, nominal="sample_id = 's00'")
