"""A dataset with annotations, a probe and a drift reference opens, goes on and undoes later too."""

from __future__ import annotations

import json
import tarfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import tamis
from dataset_contents import annotations, contents, history

if TYPE_CHECKING:
    from collections.abc import Mapping

ARCHIVE = Path(__file__).parents[1] / "data" / "annotated_dataset" / "dataset.tar.xz"

WHERE_IT_WAS = "/tmp/tamis-annotated-dataset/pictures"


@pytest.fixture
def dataset(tmp_path, monkeypatch):
    with tarfile.open(ARCHIVE) as tar:
        tar.extractall(tmp_path, filter="data")
    monkeypatch.chdir(tmp_path)
    return tamis.open("dataset.tamis", create=False)


@pytest.fixture
def expected(dataset):
    return json.loads(Path("expected.json").read_text(encoding="utf-8"))


def assert_seen(dataset: tamis.Dataset, then: Mapping[str, Any]) -> None:
    """All that was to be seen is still there; later versions may show more.

    They show labels as annotations, too.
    """
    seen = {**contents(dataset), "annotations": annotations(dataset)}
    known = {row["annotation_id"] for row in then["annotations"]}
    shown = [row for row in seen["annotations"] if row["annotation_id"] not in known]
    labels = {row["sample_id"]: row["label"] for row in then["rows"]}
    assert all(row["layer"] == "truth" for row in shown)
    assert all(row["label"] == labels[row["sample_id"]] for row in shown)
    seen["annotations"] = [row for row in seen["annotations"] if row["annotation_id"] in known]
    for kind in ("rows", "annotations"):
        assert len(seen[kind]) == len(then[kind])
        for row, was in zip(seen[kind], then[kind], strict=True):
            assert {name: row.get(name) for name in was} == was
    assert seen["failures"] == then["failures"]
    assert seen["vectors"] == then["vectors"]


def test_it_holds_what_it_held(dataset, expected):
    for number, then in expected["snapshots"].items():
        assert_seen(tamis.open(dataset.path, snapshot=int(number)), then)
    for entry, then in zip(history(dataset), expected["log"], strict=True):
        assert {name: entry.get(name) for name in then} == then


def test_all_of_it_can_be_undone(dataset, expected):
    left = [entry for entry in expected["log"] if entry["verb"] != "create"]
    assert len(left) >= 12
    numbers = sorted(int(number) for number in expected["snapshots"])
    for entry in reversed(left):
        assert dataset.undo().undone.verb == entry["verb"]
        before = [number for number in numbers if number < entry["snapshot"]]
        if before:
            assert_seen(dataset, expected["snapshots"][str(before[-1])])
    assert len(dataset) == 0


def test_what_it_learned_still_works(dataset):
    before = dataset.annotations(layer="probe_pets").to_pylist()
    predicted = dataset.predict_probe(name="pets")
    assert predicted.predicted == len(before)
    again = {
        row["sample_id"]: row["label"]
        for row in dataset.annotations(layer="probe_pets").to_pylist()
    }
    assert again == {row["sample_id"]: row["label"] for row in before}
    whole = dataset.drift_check(where="width = 64", monitor=False)
    assert not whole.drift
    dataset.undo()


def test_its_annotations_go_out_and_come_in_again(dataset):
    """Its pictures are not where they were when they were added, so `relink` follows them."""
    assert dataset.relink(WHERE_IT_WAS, "pictures").relinked == 28
    out = dataset.export("coco", "coco", layer="marks")
    assert out.failed == ()
    assert dataset.import_annotations("coco", "coco", layer="again").imported == 4
