"""Boxes taken together are the same as one by one: places, rows, ids, and what is new."""

from __future__ import annotations

import hashlib
import io
import json
import math
from collections import Counter
from unittest import mock

import numpy as np
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from examples import few
from tamis.dataset.annotation_ids import AnnotationIds
from tamis.dataset.fresh_annotations import fresh_rows
from tamis.formats.annotations import json_members
from tamis.formats.annotations.annotation_rows import AnnotationRows
from tamis.formats.annotations.json_members import read_members
from tamis.formats.annotations.plain_boxes import PlainBoxes
from tamis.formats.annotations.source_annotation import Placed, SourceAnnotation

NUMBERS = st.floats(-30, 700, width=32) | st.sampled_from([0.0, 0.1, math.nan, math.inf, 1e300])
SOURCES = st.none() | st.dictionaries(
    st.sampled_from(["id", "area", "naïve", 'a"b']) | st.text(max_size=3),
    st.integers() | st.floats() | st.text(max_size=4) | st.lists(st.integers(), max_size=2),
    max_size=3,
)
BOXES = st.tuples(NUMBERS, NUMBERS, NUMBERS, NUMBERS)
ROWS = st.lists(
    st.tuples(
        st.integers(0, 2), st.sampled_from(["a", "it's", "b\n"]), BOXES,
        st.none() | st.sampled_from([0.5, 1.0, math.nan]), SOURCES,
    ),
    max_size=12,
)  # fmt: skip


def together(pictures, rows):
    boxes = PlainBoxes(pictures)
    for number, label, box, confidence, source in rows:
        boxes.picture.append(number)
        boxes.label.append(label)
        boxes.box.append(box)
        boxes.confidence.append(confidence)
        boxes.source.append(source)
    return boxes


@few(40)
@given(
    rows=ROWS,
    relative=st.booleans(),
    said=st.sampled_from([None, (640, 480), (480, 640), (10, 10)]),
    size=st.sampled_from([(640, 480), (1, 1), (1, 480)]),
    orientation=st.sampled_from([1, 6]),
)
def test_they_are_placed_as_each_alone(rows, relative, said, size, orientation):
    pictures = [
        SourceAnnotation(name, None, relative=relative, size=said) for name in ("p", "q", "r")
    ]
    boxes = together(pictures, rows)
    good, found = boxes.placed({0: (*size, orientation), 1: (*size, orientation)})
    for row, entry in enumerate(boxes.entries()):
        alone = entry.placed(*size, orientation)
        if good[row]:
            assert rows[row][0] < 2
            assert tuple(found[row]) == alone.box
            assert isinstance(alone, Placed)
        elif rows[row][0] < 2 and not isinstance(alone, str):
            assert said == size[::-1] != size  # turned, which is done one by one


@few(40)
@given(rows=ROWS, cut=st.integers(0, 12))
def test_their_rows_and_ids_are_those_of_each_alone(rows, cut):
    rows = [row for row in rows if all(map(math.isfinite, row[2]))]
    parts = [part for part in (rows[:cut], rows[cut:]) if part]
    fast, slow = AnnotationRows("layer", "me"), AnnotationRows("layer", "me")
    tables = []
    for part in parts:
        samples = [f"{number:032x}" for number, *_ in part]
        fast.add_boxes(samples, *map(list, list(zip(*part, strict=True))[1:]))
        for sample, (_, label, box, confidence, source) in zip(samples, part, strict=True):
            entry = SourceAnnotation("p", label, *box, confidence=confidence, source=source)
            slow.add(sample, entry, Placed(box))
        tables.append((fast.table().drop(["time"]), slow.table().drop(["time"])))
    for one, other in tables:
        assert str(one.to_pylist()) == str(other.to_pylist())
    ids = [name for one, _ in tables for name in one["annotation_id"].to_pylist()]
    assert len(set(ids)) == len(ids)


@few(40)
@given(st.lists(st.lists(st.sampled_from([b"a", b"b", b"c", b"d"]), max_size=6), max_size=4))
def test_equal_annotations_are_counted_however_many_come_at_once(parts):
    before: Counter[bytes] = Counter()
    expected = []
    for content in (one for part in parts for one in part):
        digest = hashlib.blake2b(content, digest_size=16)
        if before[content]:
            digest.update(str(before[content]).encode())
        before[content] += 1
        expected.append(digest.hexdigest())
    ids = AnnotationIds()
    assert [name for part in parts for name in ids.of(part)] == expected


IDS = st.lists(
    st.sampled_from(["a", "", "é", "0" * 32, "f" * 32, "F" * 32, "0" * 30 + " 1", "g" * 32]),
    max_size=6,
)


@few(40)
@given(new=st.lists(IDS, max_size=3), stored=st.lists(IDS, max_size=3), start=st.integers(0, 2))
def test_what_is_fresh_is_not_stored_and_comes_first(new, stored, start):
    def arrays(parts):
        return [pa.array([*["x"] * start, *part], pa.string())[start:] for part in parts]

    known = {name for part in stored for name in part}
    expected = []
    for name in (one for part in new for one in part):
        expected.append(name not in known)
        known.add(name)
    assert fresh_rows(arrays(new), arrays(stored)).tolist() == expected
    assert fresh_rows([pa.array(["0" * 32])], []).dtype == np.bool_


OBJECTS = st.lists(
    st.dictionaries(
        st.sampled_from(["id", "box", "}, {"]),
        st.integers() | st.text(max_size=3) | st.lists(st.just({"a": {}}), max_size=3),
        max_size=3,
    ),
    max_size=8,
)


@few(40)
@given(OBJECTS, OBJECTS, st.integers(1, 200), st.sampled_from([None, 1]))
def test_elements_that_are_decoded_together_are_those_of_the_document(first, more, chunk, indent):
    text = json.dumps({"images": first, "more": more, "last": more}, indent=indent)
    with mock.patch.object(json_members, "_CHUNK", chunk):
        members = read_members(io.StringIO(text), ("images", "more"))
        found = {name: value if name == "last" else list(value) for name, value in members}
    assert found == {"images": first, "more": more, "last": more}
