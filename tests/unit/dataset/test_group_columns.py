"""What the columns of duplicates say must not lie on both sides."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from tamis.dataset.group_columns import duplicate_columns, last_duplicates
from tamis.dataset.operations import DuplicatesFound
from tamis.dataset.store import Store

COUNT = 40
IDS = [f"s{row:02}" for row in range(COUNT)]


@pytest.fixture
def store(tmp_path):
    """Forty pictures; 0 and 1 are equal files, 2 and 3 of one perceptual hash."""
    made = Store.create(tmp_path / "a.tamis")
    content = ["same" if row < 2 else str(row) for row in range(COUNT)]
    hashes = [-1 if row in (2, 3) else row for row in range(COUNT)]
    with made.operation("add") as op:
        op.insert(
            pa.table({"sample_id": IDS, "path": IDS, "content_hash": content, "phash": hashes})
        )
    return made


def mark(store, **columns):
    with store.operation("duplicates") as op:
        for name, groups in columns.items():
            op.set_marks([IDS[row] for row in groups], {name: list(groups.values())})
        op.counts["threshold"] = 0.5


def together(groups):
    return [np.flatnonzero(groups == one).tolist() for one in np.unique(groups) if one >= 0]


def test_without_marks_equal_files_and_hashes_are_held_together(store):
    found = duplicate_columns(store, IDS)
    assert not found.marked
    large = [rows for rows in together(found.held_out()) if len(rows) > 1]
    assert large == [[0, 1], [2, 3]]
    assert last_duplicates(store) is None


def test_rare_changed_versions_are_held_together_with_copies(store):
    copies = {4: "a", 5: "a"}
    mark(store, duplicate_group=copies, changed_group=copies | {6: "a", 7: "b", 8: "b"})
    found = duplicate_columns(store, IDS)
    assert (found.marked, found.stale, found.hashes) == (True, False, None)
    large = [rows for rows in together(found.held_out()) if len(rows) > 1]
    assert large == [[0, 1], [4, 5, 6], [7, 8]]
    assert last_duplicates(store) == DuplicatesFound(threshold=0.5)
    store.undo()
    assert last_duplicates(store) is None


def test_a_view_that_all_share_holds_only_copies_together(store):
    mark(store, duplicate_group={4: "a", 5: "a"}, changed_group=dict.fromkeys(range(COUNT), "v"))
    large = [rows for rows in together(duplicate_columns(store, IDS).held_out()) if len(rows) > 1]
    assert large == [[0, 1], [4, 5]]
