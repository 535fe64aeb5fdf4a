"""The table of annotations: it comes with its first row, and history covers it like the others."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest

from sample_rows import insert, sample_ids
from tamis.dataset.store import Store
from tamis.dataset.wholeness import find_damage
from tamis.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

NOW = datetime(2026, 1, 2, tzinfo=UTC)


def boxes(
    names: Sequence[str], samples: Sequence[str], layer: str = "truth", **more: Any
) -> pa.Table:
    rows = [
        {
            "annotation_id": name,
            "sample_id": sample,
            "layer": layer,
            "kind": "box",
            "time": NOW,
            **more,
        }
        for name, sample in zip(names, samples, strict=True)
    ]
    return pa.Table.from_pylist(rows)


def annotate(store: Store, *tables: pa.Table) -> dict[str, Any]:
    with store.operation("import") as op:
        for table in tables:
            op.add_annotations(table)
    return op.counts


def ids(store: Store) -> list[str]:
    return store.annotations(["annotation_id"])["annotation_id"].to_pylist()


@pytest.fixture
def pictures(store: Store) -> Store:
    insert(store, 0, 4)
    return store


def test_a_dataset_without_annotations_has_no_table_and_the_older_format(pictures: Store) -> None:
    assert pictures.annotations().num_rows == 0
    assert not (pictures.path / "annotations.lance").exists()
    assert json.loads((pictures.path / "dataset.json").read_text())["format"] == 1
    assert pictures.count("HAS(label = 'dog')") == 0
    annotate(pictures, boxes(["a"], sample_ids(0, 1)))
    assert json.loads((pictures.path / "dataset.json").read_text())["format"] == 2


def test_known_annotations_are_left_out(pictures: Store) -> None:
    one, two = sample_ids(0, 2)
    assert annotate(pictures, boxes(["a", "b"], [one, two]), boxes(["b"], [two])) == {
        "annotations": 2,
        "annotations_known": 1,
    }
    assert annotate(pictures, boxes(["b", "c"], [two, two]))["annotations"] == 1
    assert ids(pictures) == ["a", "b", "c"]


def test_removing_touches_one_layer_and_the_samples_asked_for(pictures: Store) -> None:
    one, two = sample_ids(0, 2)
    annotate(pictures, boxes(["a", "b"], [one, two]), boxes(["c"], [one], "model"))
    with pictures.operation("label clear") as op:
        op.remove_annotations("truth", [one])
    assert ids(pictures) == ["b", "c"]
    assert op.counts == {"annotations_removed": 1}
    with pictures.operation("label clear") as op:
        op.remove_annotations("model", kind="caption")
    assert ids(pictures) == ["b", "c"]


def test_annotations_of_unknown_samples_are_refused_and_leave_nothing(pictures: Store) -> None:
    with pytest.raises(UsageError, match="1 of 1 annotated samples are not in the dataset"):
        annotate(pictures, boxes(["a"], ["nobody"]))
    assert pictures.annotations().num_rows == 0
    assert Store.open(pictures.path).annotations().num_rows == 0


def test_undo_redo_and_checkout_cover_the_table(pictures: Store) -> None:
    one, two = sample_ids(0, 2)
    before = pictures.snapshot
    annotate(pictures, boxes(["a"], [one]))
    annotate(pictures, boxes(["b"], [two]))
    pictures.undo()
    assert ids(pictures) == ["a"]
    pictures.undo()
    assert ids(pictures) == []
    assert pictures.gc().files == 0
    pictures.redo()
    assert ids(pictures) == ["a"]
    pictures.checkout(before)
    assert ids(pictures) == []
    annotate(pictures, boxes(["c"], [two]))
    assert ids(pictures) == ["c"]
    assert find_damage(pictures.path) == []
    seen = [Store.open(pictures.path, snapshot=number) for number in range(1, pictures.snapshot)]
    assert [ids(store) for store in seen][:4] == [[], [], ["a"], ["a", "b"]]


def test_what_a_killed_writer_left_of_a_new_table_goes(pictures: Store) -> None:
    left = pictures.path / "annotations.lance" / "data" / "half.lance"
    left.parent.mkdir(parents=True)
    left.write_bytes(b"half")
    assert pictures.gc().files == 1
    left.write_bytes(b"half")
    annotate(pictures, boxes(["a"], sample_ids(0, 1)))
    assert not left.exists()
    assert ids(pictures) == ["a"]


def test_damage_of_the_table_is_found(pictures: Store) -> None:
    annotate(pictures, boxes(["a"], sample_ids(0, 1)))
    data = next((pictures.path / "annotations.lance" / "data").iterdir())
    data.unlink()
    assert any("annotations.lance" in place for place, _ in find_damage(pictures.path))


def test_conditions_ask_for_pictures_that_have_an_annotation(pictures: Store) -> None:
    one, two = sample_ids(0, 2)
    annotate(
        pictures,
        boxes(["a"], [one], label="dog", width=10.0, height=12.0),
        boxes(["b"], [two], label="dog", width=100.0, height=12.0),
    )
    small = "HAS(label = 'dog' AND width < 32 AND height < 32)"
    assert pictures.read(["sample_id"], small)["sample_id"].to_pylist() == [one]
    assert pictures.count(f"NOT {small}") == 3
    assert pictures.count("has(kind = 'box') AND width >= 0") == pictures.count(
        "has(layer='truth')"
    )
    assert pictures.count("sample_id = 'has(x)'") == 0
    with pytest.raises(UsageError, match="there is no column 'captured'"):
        pictures.count("has(captured = 1)")
    with pytest.raises(UsageError, match="does not stand inside itself"):
        pictures.count("has(has(label = 'dog'))")
    with pytest.raises(UsageError, match="parentheses do not match"):
        pictures.count("has(label = 'dog'")
