"""Clusters to look at: a mark that conditions can use, names by labels, and how stable they are."""

from __future__ import annotations

import sys
from types import SimpleNamespace

import numpy as np
import pytest

from command_line import CommandLine
from labeled_vectors import EACH, made_dataset, made_vectors, truth
from tamis.errors import MissingExtraError, UsageError
from tamis.types import Preprocessing


@pytest.fixture
def dataset(tmp_path):
    return made_dataset(tmp_path / "dataset.tamis", truth())


def test_three_groups_are_found_named_and_marked(dataset):
    report = dataset.cluster()
    assert len(report.clusters) == 3
    assert {one.name for one in report.clusters} == {"cat", "dog", "owl"}
    assert sum(one.size for one in report.clusters) == report.pictures == 3 * EACH
    for one in report.clusters:
        rows = dataset.table(["path", "label"], f"cluster = {one.id}")
        assert rows.num_rows == one.size
        paths = np.array(rows["path"].to_pylist())
        vectors = made_vectors()[[int(path[:2]) for path in paths]]
        nearest = np.argsort(-vectors @ vectors.mean(axis=0))
        assert one.examples == paths[nearest[: len(one.examples)]].tolist()  # the most typical
        assert rows["label"].to_pylist().count(one.name) >= 0.9 * one.size
        assert one.stability > 0.9
    assert report.stability > 0.9
    assert dataset.cluster() == report


def test_marks_are_of_the_last_run_and_can_be_undone(dataset):
    dataset.cluster(k=4)
    dataset.cluster(k=2, where="label = 'cat'", examples=1)
    assert dataset.table(["path"], "cluster IS NOT NULL").num_rows == EACH
    dataset.undo()
    assert set(dataset.table(["cluster"])["cluster"].to_pylist()) == {0, 1, 2, 3}


def test_a_cluster_is_labeled_at_once(dataset):
    size = dataset.cluster(k=3).clusters[0].size
    assert dataset.label("first", where="cluster = 0").changed == size


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"k": 0}, "at least 1"),
        ({"k": 3 * EACH + 1}, "cannot make 91"),
        ({"where": "label = 'cow'"}, "no picture with a vector"),
    ],
)
def test_what_cannot_be_clustered_is_refused(dataset, options, says):
    with pytest.raises(UsageError, match=says):
        dataset.cluster(**options)


def test_clusters_as_typed(dataset, tmp_path):
    typed = CommandLine(tmp_path)
    assert "cat" in typed("cluster").out
    found = typed("cluster", "--k", "2", "--json").json
    assert {"id", "size", "examples", "name", "stability"} <= set(found["clusters"][0])
    assert [one["id"] for one in found["clusters"]] == [0, 1]
    assert typed("cluster", "--k", "many", code=2).err


def test_new_pictures_join_the_nearest_cluster_and_nothing_else_changes(dataset):
    with pytest.raises(UsageError, match="no picture has a cluster to join"):
        dataset.cluster(join=True)
    dataset.cluster(k=3, where="path < '60.jpg'")
    before = dataset.table(["path", "cluster"], "cluster IS NOT NULL").to_pylist()
    some = dataset.cluster(join=True, where="path < '70.jpg'")
    assert some.joined == 10
    report = dataset.cluster(join=True)
    assert (report.joined, report.pictures, report.outside) == (20, 3 * EACH, 0)
    now = {row["path"]: row for row in dataset.table(["path", "cluster", "label"]).to_pylist()}
    assert all(now[row["path"]]["cluster"] == row["cluster"] for row in before)
    named = {one.id: one.name for one in report.clusters}
    assert sum(named[row["cluster"]] == row["label"] for row in now.values()) > 0.9 * 3 * EACH
    assert dataset.cluster(join=True).joined == 0


def test_levels_are_marks_to_zoom(dataset):
    report = dataset.cluster(k=3, levels=True)
    assert len(report.levels) >= 2
    names = [f"cluster_level_{number}" for number in range(len(report.levels))]
    rows = dataset.table([*names, "cluster"]).to_pylist()
    for number, count in enumerate(report.levels):
        assert {row[names[number]] for row in rows} == set(range(count))
    finest = {row[names[-1]]: row["cluster"] for row in rows}
    assert all(finest[row[names[-1]]] == row["cluster"] for row in rows), "nested"
    dataset.cluster(k=2)
    assert dataset.table(names)[names[-1]].null_count == 3 * EACH, "of one run only"


def test_tags_name_a_cluster_that_labels_do_not(tmp_path):
    ds = made_dataset(tmp_path / "d.tamis", [None] * (3 * EACH))
    ids = ds.table(["sample_id"])["sample_id"].to_pylist()
    with ds.store.operation("tag") as operation:
        operation.set_marks(ids, {"tags": [[name] for name in truth()]})
    assert {one.name for one in ds.cluster(k=3).clusters} == {"tag cat", "tag dog", "tag owl"}


class Reader:
    spec = "py:made"
    fingerprint = "0123456789abcdef"
    dim = 8
    preprocessing = Preprocessing(8, 8)

    def embed(self, pixels):
        raise AssertionError("pictures are not embedded again")

    def embed_text(self, texts):
        words = ["feline", "canine", "bird", "car"]
        rows = [next(n for n, word in enumerate(words) if word in text) for text in texts]
        return np.eye(4, 8, dtype=np.float32)[rows]


def test_words_name_clusters_where_the_encoder_reads_texts(tmp_path):
    ds = made_dataset(tmp_path / "d.tamis", [None] * (3 * EACH))
    words = ["feline", "canine", "bird", "car"]
    report = ds.cluster(k=3, words=words, encoder=Reader())
    assert {one.name.split(",")[0] for one in report.clusters} == {"feline", "canine", "bird"}


def test_a_page_shows_the_typical_pictures(dataset, tmp_path):
    report = dataset.cluster(k=3, gallery=tmp_path / "clusters.html")
    page = (tmp_path / "clusters.html").read_text()
    assert "cluster = 2" in page
    assert report.clusters[0].examples[0] in page


def test_methods_that_are_extras_are_named_when_absent(dataset, monkeypatch):
    monkeypatch.setitem(sys.modules, "fast_hdbscan", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'tamis\[clusters\]'"):
        dataset.cluster(method="hdbscan")
    with pytest.raises(UsageError, match="leave out k"):
        dataset.cluster(method="evoc", k=3)


class Dense:
    """Stands for both packages: groups by the largest coordinate, the last rows in none."""

    def __init__(self, **_options):
        pass

    def fit_predict(self, rows):
        labels = np.abs(rows[:, :3]).argmax(axis=1)
        labels[::10] = -1
        return labels


def test_pictures_between_dense_regions_are_in_no_cluster(dataset, monkeypatch):
    monkeypatch.setitem(sys.modules, "evoc", SimpleNamespace(EVoC=Dense))
    report = dataset.cluster(method="evoc")
    assert report.outside == 9
    assert report.pictures == 3 * EACH - 9
    assert dataset.table(["cluster"])["cluster"].null_count == 9
    assert 0 <= report.stability <= 1
