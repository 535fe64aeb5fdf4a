"""Labels from few to many, which to look at first, and which are wrong; as typed and in Python."""

from __future__ import annotations

import numpy as np
import pytest

from command_line import CommandLine
from labeled_vectors import EACH, made_dataset, truth
from sample_rows import sample_ids
from tamis.errors import UsageError
from tamis.formats.annotations.annotation_rows import AnnotationRows
from tamis.types import Preprocessing

FEW = 12
"""Labels of the first rows, four a class."""


@pytest.fixture
def planted(tmp_path):
    """All labels, three of them wrong: rows 0, 4 and 8."""
    labels = truth()
    labels[0], labels[4], labels[8] = "owl", "cat", "dog"
    return made_dataset(tmp_path / "dataset.tamis", labels)


@pytest.fixture
def few(tmp_path):
    labels = truth()
    known = [label if row < FEW else None for row, label in enumerate(labels)]
    return made_dataset(tmp_path / "dataset.tamis", known)


@pytest.fixture
def typed(tmp_path):
    return CommandLine(tmp_path)


def test_labels_planted_wrong_are_the_most_suspect(planted):
    report = planted.find_mislabels()
    wrong = {"00.jpg": "cat", "04.jpg": "dog", "08.jpg": "owl"}
    assert {one.path: one.suggested for one in report.suspects[:3]} == wrong
    assert {one.kind for one in report.suspects[:3]} == {"wrong"}
    scores = [one.score for one in report.suspects]
    assert scores == sorted(scores, reverse=True)
    assert 0 <= scores[-1] <= scores[0] <= 1
    assert report.checked == 3 * EACH == sum(report.kinds.values())
    assert report.method in report.planted
    known = dict(zip([f"{n:02}.jpg" for n in range(3 * EACH)], truth(), strict=True))
    for one in report.suspects[:3]:
        assert one.path not in one.examples
        assert {known[path] for path in one.examples} == {one.suggested}


def test_a_tag_names_the_suspects_and_can_be_undone(planted):
    report = planted.find_mislabels(top=2, tag="look")
    assert (len(report.suspects), report.tagged) == (2, 2)
    tagged = planted.table(["path"], "array_has(tags, 'look')")["path"].to_pylist()
    assert set(tagged) == {one.path for one in report.suspects}
    assert planted.find_mislabels(top=2, tag="look").tagged == 0
    planted.undo()
    planted.undo()
    assert planted.table(["path"], "array_has(tags, 'look')").num_rows == 0


def test_near_duplicates_with_different_labels_are_told_apart(tmp_path):
    labels = truth()
    group = [None] * len(labels)
    labels[3], group[0], group[3] = "dog", "g", "g"
    ds = made_dataset(tmp_path / "d.tamis", labels, duplicate_group=group)
    kinds = {one.path: one.kind for one in ds.find_mislabels().suspects}
    assert kinds["00.jpg"] == kinds["03.jpg"] == "duplicate"


def test_mislabels_as_typed_end_with_1_only_if_asked(planted, typed):
    shown = typed("label", "mislabels", "--top", "3")
    assert "00.jpg" in shown.out
    found = typed("label", "mislabels", "--fail", "--json", code=1).json
    assert {"path", "given", "suggested", "score", "kind"} <= set(found["suspects"][0])
    assert found["method"]
    sound = [f"path = '{n:02}.jpg'" for n in range(20, 60)]
    assert typed("label", "mislabels", "--fail", "--where", " OR ".join(sound)).code == 0
    assert "at least 1" in typed("label", "mislabels", "--top", "0", code=2).err


def test_few_labels_become_many_in_a_layer_of_their_own(few):
    report = few.propagate_labels()
    rows = few.annotations(layer="propagated").to_pylist()
    right = dict(zip(few.table(["sample_id"])["sample_id"].to_pylist(), truth(), strict=True))
    assert report.labels == FEW
    assert report.propagated == len(rows) == 3 * EACH - FEW - report.abstained
    assert sum(report.classes.values()) == report.propagated
    assert sum(row["label"] == right[row["sample_id"]] for row in rows) >= 0.95 * len(rows)
    assert all(0.5 <= row["confidence"] <= 1 for row in rows)
    assert report.expected_accuracy.low <= report.expected_accuracy.value
    weights = {one.method: one.weight for one in report.tried}
    assert sum(weights.values()) == pytest.approx(1)
    assert all((name in report.method) == (weight > 0) for name, weight in weights.items())
    assert few.table(["label"])["label"].null_count == 3 * EACH - FEW, "label stays as it is"
    again = few.propagate_labels()
    assert again == report
    assert few.annotations(layer="propagated").num_rows == len(rows)
    few.undo()
    few.undo()
    assert few.annotations(layer="propagated").num_rows == 0


def test_a_condition_leaves_the_labels_of_others_in_place(few):
    few.propagate_labels()
    before = few.annotations(layer="propagated").num_rows
    few.propagate_labels(where="path < '40.jpg'", least_confidence=1.0)
    rows = few.annotations(layer="propagated").num_rows
    assert 0 < rows < before


def test_near_duplicates_get_one_label_and_conflicts_are_listed(tmp_path):
    labels = [label if row < FEW else None for row, label in enumerate(truth())]
    group = [None] * len(labels)
    group[0] = group[1] = "torn"
    group[20] = group[21] = "same"
    ds = made_dataset(tmp_path / "d.tamis", labels, duplicate_group=group)
    report = ds.propagate_labels(least_confidence=0)
    assert [sorted(one.paths) for one in report.conflicts] == [["00.jpg", "01.jpg"]]
    assert any("near-duplicates" in note for note in report.notes)
    of = {r["sample_id"]: r["label"] for r in ds.annotations(layer="propagated").to_pylist()}
    names = ds.table(["sample_id"], "path IN ('20.jpg', '21.jpg')")["sample_id"].to_pylist()
    assert len({of[name] for name in names}) == 1


def test_propagation_and_review_as_typed(few, typed):
    shown = typed("label", "propagate")
    assert "expected to be right" in shown.out
    found = typed("label", "propagate", "--json").json
    assert {"propagated", "abstained", "expected_accuracy", "method"} <= set(found)
    assert set(found["expected_accuracy"]) == {"value", "low", "high"}
    queue = typed("label", "review", "5", "--json").json
    assert len(queue["queue"]) == 5
    assert queue["unlabeled"] == 3 * EACH - FEW
    gains = [one["gain"] for one in queue["queue"]]
    assert gains == sorted(gains, reverse=True)
    assert queue["queue"][0]["path"] in typed("label", "review", "5").out
    typed("label", "set", "cat", "--ids", queue["queue"][0]["sample_id"])
    later = typed("label", "review", "5", "--json").json
    assert later["unlabeled"] == queue["unlabeled"] - 1
    assert queue["queue"][0]["path"] not in {one["path"] for one in later["queue"]}


def test_labels_of_one_class_are_too_few_for_any_of_it(tmp_path):
    ds = made_dataset(tmp_path / "d.tamis", ["cat", *[None] * (3 * EACH - 1)])
    for verb in (ds.find_mislabels, ds.propagate_labels, ds.review_labels):
        with pytest.raises(UsageError, match="all of them 'cat'; label pictures of at least two"):
            verb()
        with pytest.raises(UsageError, match="0 of 0 pictures"):
            verb(where="path = 'none.jpg'")


def test_new_pictures_are_labeled_by_those_that_have_a_label(few):
    with pytest.raises(UsageError, match="nothing was propagated yet"):
        few.propagate_labels(new_only=True)
    few.propagate_labels(where="path < '60.jpg'")
    before = few.annotations(layer="propagated").to_pylist()
    report = few.propagate_labels(new_only=True)
    assert report.propagated + report.abstained == 3 * EACH - FEW - len(before)
    assert report.labels == FEW + len(before)
    assert report.expected_accuracy.value is None
    rows = few.annotations(layer="propagated").to_pylist()
    assert {row["annotation_id"] for row in before} < {row["annotation_id"] for row in rows}
    right = dict(zip(few.table(["sample_id"])["sample_id"].to_pylist(), truth(), strict=True))
    assert sum(row["label"] == right[row["sample_id"]] for row in rows) >= 0.9 * len(rows)
    assert few.propagate_labels(new_only=True).propagated == 0 or report.abstained
    few.undo()


class Reader:
    """An encoder of the made vectors' space whose texts are the classes' middles."""

    spec = "py:made"
    fingerprint = "0123456789abcdef"
    dim = 8
    logit_scale = 20.0
    preprocessing = Preprocessing(8, 8)

    def embed(self, pixels):
        raise AssertionError("pictures are not embedded again")

    def embed_text(self, texts):
        words = ["cat", "dog", "owl"]
        rows = [next(n for n, word in enumerate(words) if word in text) for text in texts]
        return np.eye(3, 8, dtype=np.float32)[rows]


def test_class_names_are_tried_as_texts_where_the_encoder_reads_them(few):
    report = few.propagate_labels(texts="yes", encoder=Reader())
    assert {"texts", "graph and texts"} <= {one.method for one in report.tried}
    without = few.propagate_labels(encoder=Reader())
    assert "texts" not in {one.method for one in without.tried}


@pytest.fixture
def several(tmp_path):
    """All pictures are labeled in a layer of their own, the first 45 of them: a class, or two."""
    ds = made_dataset(tmp_path / "dataset.tamis", [None] * (3 * EACH))
    rows = AnnotationRows("tags")
    for name, kind in list(zip(sample_ids(0, 3 * EACH), truth(), strict=True))[:45]:
        rows.add_class(name, kind)
        if kind != "owl":
            rows.add_class(name, "pet")
    with ds.store.operation("annotate") as operation:
        operation.add_annotations(rows.table())
    return ds


def test_several_labels_a_picture_are_propagated_from_a_layer(several, typed):
    report = several.propagate_labels(layer="tags")
    rows = several.annotations(layer="propagated_tags").to_pylist()
    right = dict(zip(sample_ids(0, 3 * EACH), truth(), strict=True))
    assert report.layer == "propagated_tags"
    assert report.labels == report.measured == 45
    assert report.propagated + report.abstained == 45
    assert {one.label for one in report.by_label} == {"cat", "dog", "owl", "pet"}
    pets = {row["sample_id"] for row in rows if row["label"] == "pet"}
    wanted = {name for name in list(right)[45:] if right[name] != "owl"}
    assert len(pets & wanted) >= 0.9 * len(wanted)
    for one in report.by_label:
        assert one.pictures == sum(row["label"] == one.label for row in rows)
        assert one.precision.low <= 1 <= one.precision.high or one.precision.value < 1
    assert report.expected_accuracy.low > 0.5
    assert several.propagate_labels(layer="tags") == report
    assert several.annotations(layer="propagated_tags").num_rows == len(rows)
    shown = typed("label", "propagate", "--layer", "tags").out
    assert "undecided" in shown
    for _ in range(3):
        several.undo()
    assert several.annotations(layer="propagated_tags").num_rows == 0


def test_layers_that_cannot_be_propagated_are_told(several):
    with pytest.raises(UsageError, match="no picture with a vector has a class in the layer"):
        several.propagate_labels(layer="none")
    with pytest.raises(UsageError, match="no class is there that some have and others lack"):
        several.propagate_labels(layer="tags", where="path IN ('00.jpg', '03.jpg')")
    with pytest.raises(UsageError, match="propagated itself"):
        several.propagate_labels(layer="propagated_tags")
    for option in ({"new_only": True}, {"texts": "yes"}):
        with pytest.raises(UsageError, match="leave"):
            several.propagate_labels(layer="tags", **option)
    report = several.propagate_labels(layer="tags", where="path IN ('00.jpg', '02.jpg', '60.jpg')")
    assert report.measured == 0
    assert report.expected_accuracy.value is None
