"""Two groups of pictures, two layers and two encoders, compared."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pytest

from sample_rows import sample_id, sample_rows
from tamis.dataset.store import Store
from tamis.errors import UsageError
from tamis.formats.annotations.annotation_rows import AnnotationRows
from tamis.runtime.workspace import Workspace, execute
from tamis.services.compare.contract import Compare

if TYPE_CHECKING:
    from pathlib import Path

COUNT = 60


def unit(rng: np.random.Generator) -> Any:
    rows = rng.normal(size=(COUNT, 8)).astype(np.float32)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """Half of the pictures are of one split; label, tag and number follow it more or less."""
    path: Path = tmp_path_factory.mktemp("compare") / "d.tamis"
    store = Store.create(path)
    ids = [sample_id(number) for number in range(COUNT)]
    rng = np.random.default_rng(0)
    first = np.arange(COUNT) < COUNT // 2
    with store.operation("add") as op:
        op.insert(sample_rows(0, COUNT))
        op.set_marks(
            ids,
            {
                "split": ["train" if one else "test" for one in first],
                "label": ["cat" if one else "dog" for one in first],
                "tags": [["dark"] if n % 2 else None for n in range(COUNT)],
                "scene": ["road" if n % 3 else None for n in range(COUNT)],
                "map_bundled_a_0123_x": pa.array(first * 1.0, pa.float64()),
                "speed": pa.array(rng.normal(first * 1.0), pa.float64()),
            },
        )
        vectors = unit(rng)
        for spec, values in (("bundled:a", vectors), ("bundled:b", vectors[:, ::-1].copy())):
            op.set_vectors(op.add_vector_column(spec, spec[-1] * 10, 8), ids, values)
        op.set_vectors(op.add_vector_column("bundled:c", "c" * 10, 8), ids, unit(rng))
    rows = AnnotationRows("model")
    for number in range(40):
        rows.add_class(ids[number], "cat" if number < 20 else "dog", 0.9)
    with store.operation("label import") as op:
        op.add_annotations(rows.table())
    return Workspace(store)


def compared(workspace: Workspace, **fields: Any) -> Any:
    return execute(workspace, Compare(**fields))


def test_what_tells_groups_apart_comes_first_and_what_defines_them_is_left_out(
    workspace: Workspace,
) -> None:
    found = compared(workspace, a="split = 'train'", b="split = 'test'")
    assert (found.a, found.b, found.both) == (30, 30, 0)
    effects = {one.name: one for one in found.columns}
    assert "split" not in effects
    assert {"sample_id", "path", "map_bundled_a_0123_x"}.isdisjoint(effects)
    # the number of a row is its width, so it tells the groups apart without an error too
    assert {one.name for one in found.columns[:2]} == {"label", "width"}
    assert effects["label"].effect == pytest.approx(1.0)
    assert effects["label"].p_value < 1e-6
    assert [(one.value, one.a, one.b) for one in effects["label"].values] == [
        ("cat", 30, 0),
        ("dog", 0, 30),
    ]
    assert effects["tags"].effect == pytest.approx(0.0)
    assert effects["tags"].p_value == 1.0
    speed = effects["speed"]
    assert speed.median_a > speed.median_b
    assert sum(one.a for one in speed.values) == 30
    assert (None, 10, 10) in [(one.value, one.a, one.b) for one in effects["scene"].values]


def test_the_other_group_is_the_rest_and_columns_can_be_named(workspace: Workspace) -> None:
    found = compared(workspace, a="width < 20", by=["label"])
    assert (found.a, found.b) == (20, 40)
    [label] = found.columns
    assert [(one.value, one.a, one.b) for one in label.values] == [("cat", 20, 10), ("dog", 0, 30)]
    both = compared(workspace, a="width < 20", b="width < 30", by=["label"])
    assert (both.a, both.b, both.both) == (20, 30, 20)
    assert both.columns == []  # one class is there, on both sides


def test_layers_are_confused_where_they_differ(workspace: Workspace) -> None:
    found = compared(workspace, layers=["truth", "model"])
    pairs = {(one.first, one.second): one.count for one in found.confusion}
    assert pairs == {
        ("cat", "cat"): 20,
        ("cat", "dog"): 10,
        ("dog", "dog"): 10,
        ("dog", None): 20,
    }
    assert found.columns == []


def test_encoders_agree_as_far_as_they_name_the_same_neighbors(workspace: Workspace) -> None:
    same = compared(workspace, encoders=["bundled:a", "bundled:b"]).agreement
    other = compared(workspace, encoders=["bundled:a", "bundled:c"]).agreement
    assert same.shared == 1.0
    assert same.pictures == COUNT
    # by chance 10 of 59 are shared
    assert 0.08 < other.shared < 0.28
    assert len(other.least) == 12


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({}, "nothing to compare"),
        ({"b": "width < 2"}, "first group"),
        ({"layers": ["truth"]}, "two layers"),
        ({"a": "width < 0"}, "first group"),
        ({"a": "width >= 0"}, "second group"),
        ({"a": "width < 9", "by": ["nothing"]}, "no column"),
        ({"layers": ["truth", "nobody"]}, "no picture a class"),
        ({"encoders": ["bundled:a", "bundled:z"]}, "bundled:z"),
    ],
)
def test_what_cannot_be_compared_is_refused(
    workspace: Workspace, fields: dict[str, Any], named: str
) -> None:
    with pytest.raises(UsageError, match=named):
        compared(workspace, **fields)
