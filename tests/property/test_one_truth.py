"""Whatever gives pictures their classes, `label`, the layer `truth` and conditions say the same."""

from __future__ import annotations

import shutil

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tamis
from examples import few
from sample_rows import sample_rows
from tamis.dataset.store import Store
from tamis.errors import UsageError

CLASSES = ["cat", "dog", "it's"]
STEPS = st.lists(
    st.tuples(
        st.sampled_from(
            ["set", "also", "import", "replace", "rename", "edit", "remove", "clear", "undo"]
        ),
        st.integers(0, 3),
        st.sampled_from(CLASSES),
    ),
    min_size=1,
    max_size=5,
)


@pytest.fixture(scope="module")
def template(tmp_path_factory):
    """A dataset as `add --labels` leaves it: labels, and no annotations."""
    path = tmp_path_factory.mktemp("truth") / "d.tamis"
    rows = sample_rows(0, 4)
    rows = rows.append_column("uri", rows["path"])
    rows = rows.append_column("label", pa.array(["cat", "dog", "it's", None]))
    with Store.create(path).operation("add") as op:
        op.insert(rows)
    return path


def do(ds, step, number, label):
    one = f"path LIKE '%/{number}.jpg'"
    match step:
        case "set" | "also":
            ds.label(label, where=one, add=step == "also")
        case "import" | "replace":
            table = ds.path.parent / "labels.csv"
            table.write_text(f'file,label\npictures/{number}.jpg,"{label}"\n')
            ds.import_annotations("csv", table, replace=step == "replace")
        case "rename":
            ds.rename_class(label, f"old {label}")
        case "edit":
            rows = ds.annotations(layer="truth").to_pylist()
            if rows:
                name = rows[number % len(rows)]["annotation_id"]
                ds.edit_annotation(name, label=label)
        case "remove":
            ds.remove_annotations(where=f"label = '{label.replace(chr(39), 2 * chr(39))}'")
        case "clear":
            ds.clear_labels(where=one)
        case "undo":
            if ds.log()[-1].verb != "add":  # the pictures stay
                ds.undo()


@few(15)
@given(STEPS)
def test_the_label_is_a_class_in_truth_and_every_view_says_so(template, tmp_path_factory, steps):
    folder = tmp_path_factory.mktemp("steps")
    shutil.copytree(template, folder / "d.tamis")
    ds = tamis.open(folder / "d.tamis")
    for step in (("look", 0, ""), *steps):
        try:
            do(ds, *step)
        except UsageError:
            continue
        rows = ds.annotations(layer="truth").to_pylist()
        ids = [row["annotation_id"] for row in rows]
        assert len(set(ids)) == len(ids)
        assert all(ids)
        classes = {}
        for row in rows:
            classes.setdefault(row["sample_id"], set()).add(row["label"])
        shown = ds.table(["sample_id", "label"]).to_pylist()
        assert all(row["label"] in classes.get(row["sample_id"], {None}) for row in shown), step
        for label in {one for each in classes.values() for one in each}:
            quoted = label.replace("'", "''")
            found = ds.store.count(f"HAS(layer = 'truth' AND label = '{quoted}')")
            assert found == sum(label in each for each in classes.values())
        info, layers = ds.info(), {one.name: one for one in ds.layers().layers}
        assert info.unlabeled == info.samples - len(classes)
        assert info.annotated == len(classes)
        assert sum(layers["truth"].classes.values() if classes else ()) == len(rows)
