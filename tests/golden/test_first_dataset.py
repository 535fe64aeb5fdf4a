"""A dataset that the first version wrote opens, reads, goes on and undoes in every later one."""

from __future__ import annotations

import json
import tarfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from PIL import Image

import tamis
from dataset_contents import contents, history

if TYPE_CHECKING:
    from collections.abc import Mapping

BUNDLED = "bundled:efficientnet-lite0"
ARCHIVE = Path(__file__).parents[1] / "data" / "first_dataset" / "dataset.tar.xz"


@pytest.fixture
def first(tmp_path, monkeypatch):
    """The dataset in a folder of its own with its sources, and what its writer saw of it."""
    with tarfile.open(ARCHIVE) as tar:
        tar.extractall(tmp_path, filter="data")
    monkeypatch.chdir(tmp_path)
    return tamis.open("dataset.tamis", create=False), json.loads(
        Path("expected.json").read_text(encoding="utf-8")
    )


def assert_seen(dataset: tamis.Dataset, expected: Mapping[str, Any]) -> None:
    """All that was to be seen is still there; later versions may show more."""
    seen = contents(dataset)
    assert len(seen["rows"]) == len(expected["rows"])
    for row, then in zip(seen["rows"], expected["rows"], strict=True):
        assert {name: row.get(name) for name in then} == then
    assert seen["failures"] == expected["failures"]
    assert seen["vectors"] == expected["vectors"]


def test_it_holds_what_it_held(first):
    dataset, expected = first
    snapshots = expected["snapshots"]
    assert_seen(dataset, snapshots[max(snapshots, key=int)])
    for number, then in snapshots.items():
        assert_seen(tamis.open(dataset.path, snapshot=int(number)), then)
    for tag, number in expected["tags"].items():
        assert_seen(tamis.open(dataset.path, snapshot=tag), snapshots[str(number)])
    for entry, then in zip(history(dataset), expected["log"], strict=True):
        assert {name: entry.get(name) for name in then} == then


def test_all_of_it_can_be_undone(first):
    dataset, expected = first
    took_back = {"undo", "tag", "create"}
    left = [e for e in expected["log"] if e["state"] == "done" and e["verb"] not in took_back]
    assert len(left) >= 12
    for entry in reversed(left):
        assert dataset.undo().undone.verb == entry["verb"]
        before = max(
            int(number) for number in expected["snapshots"] if int(number) < entry["snapshot"]
        )
        assert_seen(dataset, expected["snapshots"][str(before)])
    assert len(dataset) == 0
    assert dataset.gc().files == 0


def test_it_can_be_gone_on_with(first):
    dataset, expected = first
    samples = len(dataset)
    Image.effect_noise((64, 48), 60).save("new.png")
    assert dataset.add("new.png").added == 1
    assert dataset.embed(BUNDLED).embedded == 1
    dataset.select(3, encoder=BUNDLED)  # of all, only the new picture's file is there
    dataset.split(seed=1, encoder=BUNDLED)
    assert dataset.table(["selected"])["selected"].to_pylist().count(True) == 1
    copied = dataset.table(["sample_id"], "path LIKE '%/dogs/00.jpg'")["sample_id"][0].as_py()
    hits = dataset.search(like=copied, k=2, encoder=BUNDLED).hits  # what is there comes first
    assert [hit.path.split("/")[-1] for hit in hits] == ["new.png", "copy of 00.jpg"]
    assert len(dataset) == samples + 1
    assert dataset.report("report.html").report.stat().st_size > 10_000
    for _ in range(4):
        dataset.undo()
    numbers = [int(number) for number in expected["snapshots"]]
    assert_seen(dataset, expected["snapshots"][str(max(numbers))])
