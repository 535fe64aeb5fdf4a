"""YOLO settings and labels and COCO ids as programs write them, from generated ones."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from tamis.dataset.parts import Box
from tamis.formats.annotations import read_boxes
from tamis.formats.annotations.yolo_settings import read_settings

NAMES = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=12).filter(
    lambda name: name.strip()
)
SHARES = st.floats(0.1, 0.4).map(lambda value: round(value, 6))


@given(
    names=st.lists(NAMES, min_size=1, max_size=5),
    numbered=st.booleans(),
    flow=st.booleans(),
    ascii_only=st.booleans(),
)
def test_names_are_read_as_any_writer_of_yaml_has_them(names, numbered, flow, ascii_only):
    value = dict(enumerate(names)) if numbered else names
    text = yaml.safe_dump(
        {"nc": len(names), "names": value},
        default_flow_style=flow,
        allow_unicode=not ascii_only,
    )
    assert read_settings(text).names == {n: name.strip() for n, name in enumerate(names)}


@pytest.mark.parametrize("word", ["no", "yes", "on", "1.10", "0x1F", "2020-01-01", "1_000", "true"])
def test_a_name_is_the_word_that_is_written(word):
    assert read_settings(f"names: [{word}]").names == {0: word}


def written(folder: str, line: str, settings_text: str):
    """The boxes and failures of one label file with one line."""
    for part in ("images", "labels"):
        Path(folder, part).mkdir()
    Path(folder, "labels", "p.txt").write_text(f"{line}\n")
    Path(folder, "data.yaml").write_text(f"names: [a, b, c]\n{settings_text}")
    found = read_boxes(f"{folder}/data.yaml")
    return [(b.label, b.box(1000, 1000, 1)) for b in found.entries], found.failures


@given(
    kind=st.sampled_from(["0", "1.0", "2.000000000000000000e+00", "1e0", "+2"]),
    edges=st.tuples(SHARES, SHARES, SHARES, SHARES),
    shape=st.tuples(st.integers(1, 20), st.sampled_from([2, 3])),
    written_as=st.tuples(st.booleans(), st.booleans()),
    data=st.data(),
)
@settings(deadline=None, max_examples=60)
def test_keypoints_are_no_polygon_and_classes_may_be_decimals(kind, edges, shape, written_as, data):
    (points, each), (confidence, scientific) = shape, written_as
    numbers = [*edges]
    for _ in range(points):
        numbers += [*data.draw(st.tuples(SHARES, SHARES))]
        numbers += [data.draw(st.sampled_from([0, 1, 2]))] * (each - 2)
    numbers += [0.9] * confidence
    line = " ".join([kind, *(f"{n:.18e}" if scientific else f"{n}" for n in numbers)])
    with tempfile.TemporaryDirectory() as folder:
        boxes, failures = written(folder, line, f"kpt_shape: [{points}, {each}]\n")
    x, y, width, height = edges
    left, top, right, bottom = (
        round(1000 * max(0, edge))
        for edge in (x - width / 2, y - height / 2, x + width / 2, y + height / 2)
    )
    assert failures == []
    [(label, box)] = boxes
    assert label == "abc"[int(float(kind))]
    assert isinstance(box, Box)
    assert (
        max(abs(a - b) for a, b in zip(box.corners, (left, top, right, bottom), strict=True)) <= 1
    )


@pytest.mark.parametrize("kind", ["0.5", "-1.0", "3", "inf", "nan", "a"])
def test_what_is_no_class_is_listed(tmp_path, kind):
    boxes, failures = written(str(tmp_path), f"{kind} .5 .5 .1 .1", "")
    assert boxes == []
    assert "line 1 cannot be used" in failures[0].reason


def test_as_many_numbers_as_kpt_shape_does_not_say_are_listed(tmp_path):
    line = "0 .5 .5 .1 .1 " + ".5 .5 2 " * 5
    boxes, failures = written(str(tmp_path), line, "kpt_shape: [4, 3]\n")
    assert boxes == []
    assert "4 keypoints of 3 numbers" in failures[0].reason


def test_keypoints_without_kpt_shape_are_not_taken_for_a_polygon(tmp_path):
    boxes, failures = written(str(tmp_path), "0 .5 .5 .1 .1 .5 .5 2 .6 .6 2", "")
    assert boxes == []
    assert "kpt_shape" in failures[0].reason


@pytest.mark.parametrize(
    "text",
    [
        "kpt_shape: 17\n",
        "kpt_shape: [17]\n",
        "kpt_shape: [17, 4]\n",
        "names: {0: a, 0: b}\n",
        "names: [a, ]]\n",
        "names: [a, null]\n",
        "names: [a, '']\n",
        "names: [a, [b]]\n",
        'names: ["\\uD800"]\n',
        "names: &a [*a]\n",
        "[" * 20_000,
        "names: [a]\n---\nnames: [b]\n",
        "\0",
    ],
)
def test_settings_that_cannot_be_meant_are_refused_with_a_sentence(text):
    with pytest.raises(ValueError, match=r"name|kpt_shape"):
        read_settings(text)


def test_aliases_are_not_spread_out():
    lines = ["a0: &a0 [x]"] + [
        f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 30)
    ]
    assert read_settings("\n".join([*lines, "names: [cat]"])).names == {0: "cat"}


IDS = st.integers(0, 2**70) | st.integers(-5, 20)
SPELT = st.sampled_from([lambda n: n, str, lambda n: f" {n} "])


@given(ids=st.lists(IDS, min_size=2, max_size=5, unique=True), ways=st.lists(SPELT, min_size=4))
@settings(deadline=None)
def test_coco_ids_may_be_texts_in_one_place_and_numbers_in_another(ids, ways):
    pictures, categories, theirs, others = ways[:4]
    document = {
        "images": [{"id": pictures(n), "file_name": f"{n}.jpg"} for n in ids],
        "categories": [{"id": categories(n), "name": f"class {n}"} for n in ids],
        "annotations": [
            {"id": 1, "image_id": theirs(n), "category_id": others(n), "bbox": [1, 1, 9, 9]}
            for n in ids
        ],
    }
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "a.json").write_text(json.dumps(document))
        found = read_boxes(f"{folder}/a.json")
    assert found.failures == []
    assert [(b.picture, b.label) for b in found.entries] == [
        (f"{n}.jpg", f"class {n}") for n in ids
    ]


@given(
    ids=st.lists(st.integers(0, 3), min_size=1, max_size=8),
    texts=st.lists(st.booleans(), min_size=8, max_size=8),
    field=st.sampled_from(["images", "categories"]),
)
@settings(deadline=None)
def test_an_id_that_two_have_is_never_guessed(ids, texts, field):
    """Every entry has a name of its own; only ids that one entry has give boxes."""
    entries = [
        {"id": str(n) if text else n, "file_name": f"{at}.jpg", "name": f"{at}.jpg"}
        for at, (n, text) in enumerate(zip(ids, texts, strict=False))
    ]
    one = [{"id": 9, "file_name": "x.jpg", "name": "x"}]
    annotations = [
        {
            "image_id": n if field == "images" else 9,
            "category_id": n if field == "categories" else 9,
            "bbox": [1, 1, 9, 9],
        }
        for n in range(4)
    ]
    document = {"images": one, "categories": one, "annotations": annotations, field: entries}
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "a.json").write_text(json.dumps(document))
        found = read_boxes(f"{folder}/a.json")
    assert len(found.entries) + len(found.failures) == 4
    single = field.replace("categories", "category").removesuffix("s") + "_id"
    assert all(single in failure.reason for failure in found.failures)
    for box in found.entries:
        at = int((box.picture if field == "images" else box.label).removesuffix(".jpg"))
        same = [other for other in range(len(ids)) if ids[other] == ids[at]]
        # a number may mean the one entry that has it as a number, though another has its text
        assert [other for other in same if not texts[other]] in ([at], [])
        assert len(same) == 1 or not texts[at]


def test_an_entry_that_is_there_twice_is_one(tmp_path):
    picture = {"id": 1, "file_name": "a.jpg"}
    document = {
        "images": [picture, picture],
        "categories": [{"id": 1, "name": "cat"}],
        "annotations": [{"image_id": 1, "category_id": 1, "bbox": [1, 1, 9, 9]}],
    }
    (tmp_path / "a.json").write_text(json.dumps(document))
    assert len(read_boxes(str(tmp_path / "a.json")).entries) == 1
