"""Answers of a review outrank pixels when duplicates are looked for again."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_duplicates_service import dataset, save

from pair_measurements import few_pairs_measured, pairs_compared_once
from synthetic_pictures import scene
from tamis.dataset.annotation_layers import REVIEWED_PAIRS
from tamis.runtime.workspace import Workspace, execute
from tamis.services.duplicates.answers import Answers
from tamis.services.duplicates.contract import Duplicates
from tamis.services.review.contract import AnswerReview, layer_of

if TYPE_CHECKING:
    from pathlib import Path

    from tamis.dataset.store import Store

ROWS = 6
PAIR = st.tuples(st.integers(0, ROWS - 1), st.integers(0, ROWS - 1)).filter(lambda p: p[0] != p[1])


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """A picture, its copy, an equal file, and another picture."""
    folder: Path = tmp_path_factory.mktemp("answers") / "pictures"
    save(scene(0), folder / "a.jpg", 95)
    save(scene(0), folder / "b.jpg", 60)
    (folder / "c.jpg").write_bytes((folder / "a.jpg").read_bytes())
    save(scene(1), folder / "other.jpg")
    return dataset(folder)


def dropped(store: Store) -> dict[str, str]:
    with few_pairs_measured(), pairs_compared_once():
        execute(Workspace(store), Duplicates(apply=True))
    rows = store.read(["sample_id", "path", "duplicate_of"]).to_pylist()
    names = {row["sample_id"]: row["path"].rsplit("/", 1)[-1][:-4] for row in rows}
    store.undo()
    return {names[r["sample_id"]]: names[r["duplicate_of"]] for r in rows if r["duplicate_of"]}


def test_answers_stand_when_duplicates_are_marked_later(store: Store) -> None:
    rows = store.read(["sample_id", "path"]).to_pylist()
    ids = {row["path"].rsplit("/", 1)[-1][:-4]: row["sample_id"] for row in rows}
    found = dropped(store)
    kept = next(iter(set(found.values())))
    first, last = sorted(found)
    assert found == {first: kept, last: kept}

    for answers, expected in (
        ([("different", first, kept), ("both", last, kept)], {}),
        ([("left", first, kept)], {kept: first, last: first}),
        ([("right", "other", kept)], {**found, "other": kept}),
        ([("left", "other", kept)], {kept: "other", first: "other", last: "other"}),
    ):
        for how, left, right in answers:
            execute(Workspace(store), AnswerReview("pairs", how, (ids[left], ids[right])))
        after = dropped(store)
        for _ in answers:
            store.undo()
        if not expected:  # they are copies of each other still
            assert kept not in after.values()
        else:
            assert after == expected


def test_duplicates_read_the_layer_that_a_review_writes() -> None:
    assert layer_of("pairs") == REVIEWED_PAIRS


@given(
    st.lists(st.integers(0, ROWS - 1), min_size=ROWS, max_size=ROWS),
    st.sets(PAIR, max_size=4),
    st.lists(PAIR, max_size=5),
)
def test_whatever_is_answered_each_row_goes_with_one_that_stays(
    leaders: list[int], apart: set[tuple[int, int]], kept: list[tuple[int, int]]
) -> None:
    keeper = np.array([min(one, leaders[one]) for one in range(ROWS)])
    keeper = np.array([one if keeper[one] == one else row for row, one in enumerate(keeper)])
    over = {b: a for a, b in kept}
    parted = frozenset((min(pair), max(pair)) for pair in apart) - {
        (min(pair), max(pair)) for pair in over.items()
    }
    heard = Answers(ROWS, parted, kept_for=over).settled(keeper)
    assert (heard[heard] == heard).all()
    if not over:
        assert not any(heard[a] == b or heard[b] == a for a, b in parted)
        untouched = [row for row in range(ROWS) if not any(row in pair for pair in parted)]
        assert (heard[untouched] == keeper[untouched]).all()
    for loser, winner in over.items():
        if winner not in over:
            assert heard[winner] == winner == heard[loser]
