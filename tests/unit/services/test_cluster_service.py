"""Clusters to look at: a mark that conditions can use, names by labels, and how stable they are."""

from __future__ import annotations

import pytest

from command_line import CommandLine
from labeled_vectors import EACH, made_dataset, truth
from tamis.errors import UsageError


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
        assert set(one.examples) <= set(rows["path"].to_pylist())
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
