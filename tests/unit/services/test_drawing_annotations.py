"""Polygons, rotated boxes and masks drawn and changed, and boxes between key frames of a video."""

from __future__ import annotations

import json
import math

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tamis
from served_dataset import sample_id, served_dataset
from tamis.algo.run_lengths import counts_of, mask_of, read_counts, write_counts
from tamis.dataset.store import Store
from tamis.errors import ConflictError, UsageError
from tamis.formats.annotations.annotation_rows import AnnotationRows
from tamis.formats.annotations.source_annotation import Placed, SourceAnnotation
from tamis.services.edit.contract import DrawAnnotation
from tamis.services.edit.shapes import drawn
from tamis.sources.video.places import FRAME_COLUMNS

WIDTH, HEIGHT = 64, 96  # of the first picture


@pytest.fixture
def dataset(tmp_path):
    return tamis.open(served_dataset(tmp_path, 8, files=1))


def row_of(ds, name):
    [row] = ds.annotations(f"annotation_id = '{name}'").to_pylist()
    return row


def code_of(mask):
    return write_counts(counts_of(mask))


def test_what_is_drawn_is_stored_to_the_half_pixel_and_undone(dataset):
    before = dataset.annotations().num_rows
    ring = (10.5, 20.5, 30.25, 20.5, 30.25, 41.125)
    drawn_ = dataset.draw_annotation(sample_id(0), "scratch", outline=[ring], author="eve")
    row = row_of(dataset, drawn_.annotation_id)
    assert row["polygon"] == [list(ring)]
    assert (row["kind"], row["author"]) == ("polygon", "eve")
    assert (row["x"], row["y"], row["width"], row["height"]) == (10.5, 20.5, 19.75, 20.625)
    mask = np.zeros((HEIGHT, WIDTH), bool)
    mask[5:9, 7:10] = True
    painted = dataset.draw_annotation(sample_id(0), "dent", mask=code_of(mask))
    assert painted.box == (7, 5, 3, 4)
    stored = mask_of(read_counts(row_of(dataset, painted.annotation_id)["mask"]), WIDTH, HEIGHT)
    assert (stored == mask).all()
    assert dataset.annotations().num_rows == before + 2
    dataset.undo()
    dataset.undo()
    assert dataset.annotations().num_rows == before


def test_a_shape_is_changed_and_what_another_changed_meanwhile_stands(dataset):
    ring = [10.0, 10.0, 30.0, 10.0, 20.0, 30.0]
    name = dataset.draw_annotation(sample_id(0), "scratch", outline=[ring]).annotation_id
    seen = row_of(dataset, name)["time"].isoformat()
    moved = [*ring, 12.5, 20.0]
    edited = dataset.edit_annotation(name, outline=[moved], unchanged_since=seen)
    assert row_of(dataset, name)["polygon"] == [moved]
    with pytest.raises(ConflictError, match="changed meanwhile"):
        dataset.edit_annotation(name, outline=[ring], unchanged_since=seen)
    assert row_of(dataset, name)["polygon"] == [moved]
    again = dataset.edit_annotation(name, label="dent", unchanged_since=edited.time)
    assert (again.label, again.changed) == ("dent", True)


def test_a_change_between_reading_and_writing_is_not_lost(dataset, monkeypatch):
    ring = [10.0, 10.0, 30.0, 10.0, 20.0, 30.0]
    name = dataset.draw_annotation(sample_id(0), "scratch", outline=[ring]).annotation_id
    begin = Store.operation

    def late(store, *args, **kwargs):
        monkeypatch.setattr(Store, "operation", begin)
        tamis.open(dataset.path).edit_annotation(name, label="theirs")
        return begin(store, *args, **kwargs)

    monkeypatch.setattr(Store, "operation", late)
    with pytest.raises(ConflictError, match="changed meanwhile"):
        dataset.edit_annotation(name, outline=[[*ring, 5.0, 5.0]])
    row = row_of(tamis.open(dataset.path), name)
    assert (row["label"], row["polygon"]) == ("theirs", [ring])


@given(st.floats(0, 2 * math.pi), st.floats(3, 40), st.floats(3, 40), st.floats(20, 40))
def test_a_turned_box_is_one_at_any_angle_also_with_one_decimal(angle, across, down, middle):
    cos, sin = math.cos(angle), math.sin(angle)
    ring = []
    for a, b in ((-1, -1), (1, -1), (1, 1), (-1, 1)):
        x, y = a * across / 2, b * down / 2
        ring += [round(middle + x * cos - y * sin, 2), round(middle + x * sin + y * cos, 2)]
    request = DrawAnnotation("a", "pin", outline=[tuple(ring)], rotated=True)
    entry, placed = drawn(request, (WIDTH, HEIGHT))
    assert entry.kind == "rotated_box"
    assert placed.polygon == [ring]
    assert placed.box[0] == min(ring[::2])


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        ({"box": (0, 0, 0, 9)}, "no box"),
        ({"box": (90, 0, 9, 9)}, "outside of the picture"),
        ({"outline": [(0, 0, 1, 1)]}, "at least 3 points"),
        ({"outline": [(0, 0, 1, 1, 2)]}, "at least 3 points"),
        ({"outline": [(0, 0, 5, 0, 9, 0)]}, "no area"),
        ({"outline": [(700, 0, 705, 0, 709, 9)]}, "outside of the picture"),
        ({"outline": [(0, 0, math.inf, 0, 9, 9)]}, "not finite"),
        ({"outline": [(0, 0, 9, 0, 9, 9)], "rotated": True}, "4 corners"),
        ({"outline": [(0, 0, 9, 0, 20, 9, 1, 9)], "rotated": True}, "no rectangle"),
        ({"mask": "61X13"}, "picture has 64 x 96"),
        ({"mask": "\x01"}, "no run-length code"),
        ({"mask": write_counts([WIDTH * HEIGHT])}, "covers no pixel"),
        ({}, "one of the three"),
    ],
)
def test_what_is_no_shape_is_refused_and_changes_nothing(dataset, shape, message):
    before = dataset.annotations().num_rows
    with pytest.raises(UsageError, match=message):
        dataset.draw_annotation(sample_id(0), "a", **shape)
    assert dataset.annotations().num_rows == before


def test_a_kind_takes_its_own_shape_alone(dataset):
    with pytest.raises(UsageError, match="is a box, which takes no outline"):
        dataset.edit_annotation("box0", outline=[[0, 0, 5, 0, 5, 5]])
    with pytest.raises(UsageError, match="one of box, outline and mask"):
        dataset.edit_annotation("box0", box=[1, 1, 2, 2], mask="61X13")


def frames_of(folder, count=11):
    """A dataset of frames of a video, and the ids of two boxes of one object in it."""
    store = Store.create(folder / "video.tamis")
    ids = [sample_id(number) for number in range(count)]
    with store.operation("add") as op:
        op.require_columns(FRAME_COLUMNS)
        op.insert(
            pa.table(
                {
                    "sample_id": ids,
                    "path": [f"v.mp4!frame={number}" for number in range(count)],
                    "video": ["v.mp4"] * count,
                    "frame": pa.array([2 * number for number in range(count)], pa.int64()),
                    "width": pa.array([WIDTH] * count, pa.int32()),
                    "height": pa.array([HEIGHT] * count, pa.int32()),
                }
            )
        )
    rows = AnnotationRows("truth")
    for number, box in ((0, (0.0, 0.0, 10.0, 10.0)), (10, (20.0, 40.0, 20.0, 10.0))):
        rows.add(ids[number], SourceAnnotation("", "car"), Placed(box))
    table = rows.table()
    with store.operation("label boxes") as op:
        op.add_annotations(table)
    return tamis.open(store.path), table.column("annotation_id").to_pylist()


def boxes_of(ds):
    found = {}
    for row in ds.annotations().to_pylist():
        said = json.loads(row["attributes"] or "{}")
        place = row["x"], row["y"], row["width"], row["height"]
        found[int(row["sample_id"], 16)] = (place, said.get("interpolated", False))
    return found


def test_boxes_between_key_frames_move_evenly_and_follow_new_keys(tmp_path):
    ds, keys = frames_of(tmp_path)
    report = ds.interpolate_boxes(keys)
    assert (report.keys, report.added, report.removed) == (2, 9, 0)
    boxes = boxes_of(ds)
    assert len(boxes) == 11
    assert boxes[5] == ((10, 20, 15, 10), True)
    assert not boxes[0][1]
    # who corrects one makes a key frame of it
    middle = next(row for row in ds.annotations().to_pylist() if int(row["sample_id"], 16) == 5)
    ds.edit_annotation(middle["annotation_id"], box=[20, 20, 15, 10])
    report = ds.interpolate_boxes(keys[:1])  # who names one names its object
    assert (report.keys, report.added, report.removed) == (3, 8, 8)
    boxes = boxes_of(ds)
    assert boxes[5] == ((20, 20, 15, 10), False)
    assert boxes[1][0] == (4, 4, 11, 10)
    assert len(boxes) == 11
    ds.undo()
    ds.undo()
    ds.undo()
    assert len(boxes_of(ds)) == 2


def test_boxes_that_are_not_one_object_are_refused(tmp_path, dataset):
    ds, keys = frames_of(tmp_path)
    with pytest.raises(UsageError, match="one key frame alone"):
        ds.interpolate_boxes(keys[:1])
    with pytest.raises(UsageError, match="no annotation 'nobody'"):
        ds.interpolate_boxes([keys[0], "nobody"])
    ds.edit_annotation(keys[0], label="bus")
    with pytest.raises(UsageError, match="classes bus, car"):
        ds.interpolate_boxes(keys)
    dataset.edit_annotation("box0", label="wheel")
    with pytest.raises(UsageError, match="no frames of videos"):
        dataset.interpolate_boxes(["box0", "box4"])
