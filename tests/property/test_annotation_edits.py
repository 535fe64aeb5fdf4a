"""Any sequence of edits, undone and redone, leaves what a plain model of it says: annotations,
the crops that follow them, and which of those have a vector."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, field

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

import tamis
from examples import few
from tamis.dataset.parts import Box
from tamis.encoders.preprocess import prepare
from tamis.errors import UsageError
from tamis.types import Preprocessing

WIDTH, HEIGHT = 24, 18
CLASSES = ["cat", "dog"]
PLACES = ["id", "picture", "layer", "label", "box"]
BOXES = st.tuples(*(st.integers(0, 9).map(float) for _ in range(2)), *(
    st.sampled_from([4.0, 5.4, 9.0]) for _ in range(2)
))  # fmt: skip
STEPS = st.lists(
    st.tuples(
        st.sampled_from(
            ["move", "move", "name", "remove", "rename", "clear", "undo", "redo", "embed"]
        ),
        st.integers(0, 9),
        BOXES,
    ),
    min_size=1,
    max_size=7,
)


class Colour:
    """An encoder whose vector is the mean color."""

    spec = "test:mean-colour"
    fingerprint = "d" * 32
    dim = 3
    preprocessing = Preprocessing(8, 8)

    def embed(self, pixels):
        mean = pixels.mean(axis=(1, 2), dtype=np.float64) + 1e-3
        return (mean / np.linalg.norm(mean, axis=1, keepdims=True)).astype(np.float32)


@pytest.fixture(scope="module")
def template(tmp_path_factory):
    folder = tmp_path_factory.mktemp("edits")
    rng = np.random.default_rng(0)
    for number in range(2):
        pixels = rng.integers(0, 256, (HEIGHT, WIDTH, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / f"{number}.png")
    ds = tamis.open(folder / "d.tamis")
    ds.add(str(folder))
    for layer, box in (("truth", (1, 1, 6, 6)), ("model", (1, 1, 6, 6)), ("truth", (8, 2, 5, 9))):
        ds.add_annotations(
            ["0.png", "1.png"], CLASSES, boxes=[box, (box[0], 3, 4.2, 4)], layer=layer
        )
    ds.crop_objects(min_box=1)
    ds.embed(Colour())
    return folder / "d.tamis"


def crop_of(row):
    x, y, width, height = row["box"]
    box = Box.between(x, y, x + width, y + height).clipped(WIDTH, HEIGHT)
    return row["picture"], (box.x, box.y, box.width, box.height), row["label"]


@dataclass
class Model:
    """What there is: annotations by id, and crops with whether they have a vector."""

    rows: dict
    crops: dict
    before: list = field(default_factory=list)
    after: list = field(default_factory=list)

    def replace(self, new: dict, gone: set = frozenset()) -> None:
        """Put annotations in the place of those of their ids, and remove others."""
        if not new and not gone:
            return
        self.before.append((self.rows, self.crops))
        self.after = []
        rows = {name: row for name, row in {**self.rows, **new}.items() if name not in gone}
        claimed = {crop_of(row) for row in rows.values()}
        crops = dict(self.crops)
        for name, row in new.items():
            old, now = crop_of(self.rows[name]), crop_of(row)
            if old in self.crops:
                same = old[:2] == now[:2]
                crops.setdefault(now, same and self.crops[old])
        changed = {crop_of(self.rows[name]) for name in {*new, *gone}}
        self.rows = rows
        self.crops = {
            crop: made for crop, made in crops.items() if crop in claimed or crop not in changed
        }


def take(ds, model, what, number, box):
    """Do one step with the dataset and the model; what must be refused is."""
    names = sorted(model.rows)
    name = names[number % len(names)] if names else None
    if what in ("move", "name", "remove") and name is None:
        return
    if what == "move":
        new = {**model.rows[name], "box": box}
        ds.edit_annotation(name, box=list(box))
        model.replace({} if new == model.rows[name] else {name: new})
    elif what == "name":
        new = {**model.rows[name], "label": CLASSES[number % 2]}
        ds.edit_annotation(name, label=new["label"])
        model.replace({} if new == model.rows[name] else {name: new})
    elif what == "remove":
        ds.remove_annotations([name])
        model.replace({}, {name})
    elif what == "rename":
        of = {n: r for n, r in model.rows.items() if (r["layer"], r["label"]) == ("truth", "cat")}
        if of:
            ds.rename_class("cat", "lion")
        else:
            with pytest.raises(UsageError, match="no class"):
                ds.rename_class("cat", "lion")
        model.replace({n: {**row, "label": "lion"} for n, row in of.items()})
    elif what == "clear":
        ds.clear_labels(all=True, layer="model")
        model.replace({}, {n for n, row in model.rows.items() if row["layer"] == "model"})
    elif what == "embed":
        if not all(model.crops.values()):
            model.before.append((model.rows, model.crops))
            model.after = []
            model.crops = dict.fromkeys(model.crops, True)
        ds.embed(Colour())
    elif what == "undo" and model.before:
        ds.undo()
        model.after.append((model.rows, model.crops))
        model.rows, model.crops = model.before.pop()
    elif what == "redo" and model.after:
        ds.redo()
        model.before.append((model.rows, model.crops))
        model.rows, model.crops = model.after.pop()


def seen(ds):
    """What the dataset holds, as the model has it."""
    columns = ["annotation_id", "sample_id", "layer", "label", "x", "y", "width", "height"]
    rows = {
        row["annotation_id"]: {
            "picture": row["sample_id"], "layer": row["layer"], "label": row["label"],
            "box": tuple(row[side] for side in ("x", "y", "width", "height")),
        }
        for row in ds.annotations(columns=columns).to_pylist()
    }  # fmt: skip
    sides = ["box_x", "box_y", "box_width", "box_height"]
    column = ds.vector_column()
    table = ds.table(["parent_id", "label", *sides, column], where="kind = 'crop'")
    crops = {
        (row["parent_id"], tuple(row[side] for side in sides), row["label"]): row[column]
        for row in table.to_pylist()
    }
    return rows, crops


@few(6)
@given(steps=STEPS)
def test_annotations_and_crops_are_those_of_the_model(template, tmp_path_factory, steps):
    place = tmp_path_factory.mktemp("edited") / "d.tamis"
    shutil.copytree(template, place)
    ds = tamis.open(place)
    rows, crops = seen(ds)
    model = Model(rows, dict.fromkeys(crops, True))
    for what, number, box in steps:
        take(ds, model, what, number, box)
        rows, crops = seen(ds)
        assert rows == model.rows
        assert {crop: vector is not None for crop, vector in crops.items()} == model.crops
    ds.embed(Colour())
    uris = dict(
        zip(
            *(ds.table(["sample_id", "uri"])[name].to_pylist() for name in ("sample_id", "uri")),
            strict=True,
        )
    )
    for (picture, (x, y, width, height), _), vector in seen(ds)[1].items():
        cut = Image.open(uris[picture]).convert("RGB").crop((x, y, x + width, y + height))
        expected = Colour().embed(prepare(cut, Colour.preprocessing)[None])[0]
        assert np.dot(expected, vector) > 0.999
