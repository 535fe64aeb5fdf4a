"""Answers to a review: what each writes, that it is one operation, and that undo takes it back."""

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
from tamis.services.review.contract import ANSWERS, QUEUES, AnswerReview, layer_of

if TYPE_CHECKING:
    from pathlib import Path

A, B, C, D = map(sample_id, range(4))
MARKS = ("label", "split", "tags", "selected", "duplicate_of", "duplicate_group", "changed_group")


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    store = Store.create(tmp_path / "d.tamis")
    with store.operation("add") as op:
        op.insert(sample_rows(0, 5))
    with store.operation("made") as op:
        op.set_marks(
            [A, B, C],
            {
                "label": ["cat", "dog", None],
                "split": ["train", "test", None],
                "tags": [["old"], None, None],
                "selected": [True, True, False],
                "selected_rank": pa.array([1, 2, None], pa.int32()),
                "selected_reason": ["far", "near", None],
                "duplicate_of": [None, A, B],
                "duplicate_score": pa.array([None, 0.9, 0.8], pa.float32()),
                "duplicate_kind": [None, "near", "near"],
                "duplicate_group": [A, A, A],
                "changed_group": [A, A, A],
            },
        )
    return Workspace(store)


def marks(workspace: Workspace) -> dict[str, dict[str, Any]]:
    table = workspace.store.read(["sample_id", *MARKS])
    return {row.pop("sample_id"): row for row in table.to_pylist()}


def answers(workspace: Workspace, queue: str) -> list[tuple[str, str, str | None]]:
    rows = workspace.store.annotations(where=f"layer = '{layer_of(queue)}'").to_pylist()
    return sorted((row["sample_id"], row["label"], row["text"]) for row in rows)


def answer(workspace: Workspace, queue: Any, how: str, *ids: str, **more: Any) -> Any:
    return execute(workspace, AnswerReview(queue, how, ids, **more))


def ids_for(queue: str) -> tuple[str, ...]:
    return (A, B) if queue in {"pairs", "leaks"} else (A,)


def test_an_answer_is_one_operation_that_undo_takes_back(workspace: Workspace) -> None:
    before, operations = marks(workspace), len(workspace.store.log())
    for queue in QUEUES:
        for how in ANSWERS[queue]:
            label = {"label": "horse"} if how in {"change", "accept"} else {}
            report = answer(workspace, queue, how, *ids_for(queue), **label)
            assert (report.queue, report.answer, report.layer) == (queue, how, layer_of(queue))
            assert len([one for one in workspace.store.log() if one.state == "done"]) == (
                operations + 1
            )
            assert [one[:2] for one in answers(workspace, queue)] == [(A, how)]
            assert workspace.store.undo().verb == "review"
            assert marks(workspace) == before
            assert answers(workspace, queue) == []
            operations += 1  # the undo itself


def test_the_one_that_stays_takes_over_the_duplicates_of_the_other(workspace: Workspace) -> None:
    answer(workspace, "pairs", "right", A, B, score=0.93, kind="flip")
    found = marks(workspace)
    assert (found[A]["duplicate_of"], found[B]["duplicate_of"]) == (B, None)
    assert found[C]["duplicate_of"] == B
    row = workspace.samples.rows(["duplicate_kind", "duplicate_score"], [A]).to_pylist()[0]
    assert row["duplicate_kind"] == "flip"
    assert np.isclose(row["duplicate_score"], 0.93)
    # another answer to the same question replaces the first
    answer(workspace, "pairs", "left", A, B)
    found = marks(workspace)
    assert [found[one]["duplicate_of"] for one in (A, B, C)] == [None, A, A]
    assert answers(workspace, "pairs") == [(A, "left", B)]


def test_both_stay_and_copies_still_lie_in_one_split_unless_they_are_different(
    workspace: Workspace,
) -> None:
    answer(workspace, "pairs", "both", A, B)
    assert marks(workspace)[B]["duplicate_of"] is None
    assert marks(workspace)[B]["duplicate_group"] == A
    answer(workspace, "pairs", "left", D, sample_id(4))
    assert marks(workspace)[D]["duplicate_group"] == D
    answer(workspace, "pairs", "different", D, sample_id(4))
    assert [marks(workspace)[one]["changed_group"] for one in (D, sample_id(4))] == [None, None]
    # a group of more than two stays: others are copies of both
    answer(workspace, "pairs", "different", A, B)
    assert marks(workspace)[C]["duplicate_group"] == A


def test_pairs_can_be_answered_where_nothing_was_marked(tmp_path: Path) -> None:
    store = Store.create(tmp_path / "d.tamis")
    with store.operation("add") as op:
        op.insert(sample_rows(0, 2))
    workspace = Workspace(store)
    answer(workspace, "pairs", "different", A, B)
    answer(workspace, "pairs", "left", A, B)
    assert store.read(["duplicate_of"]).column(0).to_pylist() == [None, A]


def test_labels_are_left_or_given_and_the_answer_says_which(workspace: Workspace) -> None:
    answer(workspace, "labels", "keep", A)
    answer(workspace, "labels", "change", B, label="cat")
    assert [marks(workspace)[one]["label"] for one in (A, B)] == ["cat", "cat"]
    assert answers(workspace, "labels") == [(A, "keep", "cat"), (B, "change", "cat")]
    truth = workspace.store.annotations(where="layer = 'truth'").to_pylist()
    assert [(row["sample_id"], row["label"]) for row in truth] == [(A, "cat"), (B, "cat")]


def test_a_group_gets_its_class_and_leaves_what_was_propagated(workspace: Workspace) -> None:
    rows = AnnotationRows("propagated")
    for name in (B, C, D):
        rows.add_class(name, "cat", 0.6)
    with workspace.store.operation("label propagate") as op:
        op.add_annotations(rows.table())
    answer(workspace, "propagated", "accept", C, D, label="cat")
    assert [marks(workspace)[one]["label"] for one in (B, C, D)] == ["dog", "cat", "cat"]
    answer(workspace, "propagated", "reject", B)
    assert workspace.store.annotations(where="layer = 'propagated'").num_rows == 0
    assert marks(workspace)[B]["label"] == "dog"


def test_picks_leaks_and_drift(workspace: Workspace) -> None:
    answer(workspace, "picks", "drop", A)
    answer(workspace, "picks", "take", B)
    assert [marks(workspace)[one]["selected"] for one in (A, B)] == [False, True]
    answer(workspace, "leaks", "right", A, B)
    assert marks(workspace)[A]["split"] == "test"
    with pytest.raises(UsageError, match="no split"):
        answer(workspace, "leaks", "left", C, A)
    answer(workspace, "drift", "label", A, C)
    answer(workspace, "drift", "label", A)
    assert [marks(workspace)[one]["tags"] for one in (A, C)] == [["old", "to label"], ["to label"]]


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"queue": "pairs", "answer": "left", "ids": [A]}, "two pictures"),
        ({"queue": "pairs", "answer": "left", "ids": [A, A]}, "two pictures"),
        ({"queue": "picks", "answer": "left", "ids": [A]}, "take, drop"),
        ({"queue": "labels", "answer": "change", "ids": [A]}, "which class"),
        ({"queue": "labels", "answer": "keep", "ids": [A], "label": "cat"}, "no class"),
        ({"queue": "labels", "answer": "keep", "ids": []}, "about pictures"),
        ({"queue": "other", "answer": "keep", "ids": [A]}, "queue"),
    ],
)
def test_what_is_no_answer_is_refused(fields: dict[str, Any], named: str) -> None:
    with pytest.raises(UsageError, match=named):
        AnswerReview.of(fields)


def test_an_unknown_picture_is_refused_and_nothing_is_written(workspace: Workspace) -> None:
    before = workspace.store.snapshot
    with pytest.raises(UsageError):
        answer(workspace, "picks", "drop", "nobody")
    assert workspace.store.snapshot == before


@pytest.mark.parametrize(("how", "kept"), [("left", "right"), ("both", "both")])
def test_an_answer_is_kept_for_the_first_by_id_whatever_order_it_was_given_in(
    workspace: Workspace, how: str, kept: str
) -> None:
    answer(workspace, "pairs", how, D, C)
    assert answers(workspace, "pairs") == [(C, kept, D)]
    if how == "left":
        assert marks(workspace)[C]["duplicate_of"] == D


@pytest.mark.parametrize(
    ("queue", "how", "more", "said"),
    [
        ("labels", "keep", {"kind": "near"}, "kind and score are of pairs, not of labels"),
        ("pairs", "left", {"score": 7}, "score is 7"),
        ("pairs", "left", {"score": float("nan")}, "score is not a number"),
    ],
)
def test_what_an_answer_does_not_take_is_refused(
    workspace: Workspace, queue: str, how: str, more: dict[str, Any], said: str
) -> None:
    with pytest.raises(UsageError, match=said):
        answer(workspace, queue, how, *ids_for(queue), **more)
