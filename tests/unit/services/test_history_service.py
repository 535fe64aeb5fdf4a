"""The history's verbs: what they say of where the dataset is."""

from __future__ import annotations

import pyarrow as pa
import pytest

import tamis
from tamis.errors import UsageError
from tamis.runtime.workspace import Workspace, execute
from tamis.services.history.contract import Checkout, Log, Redo, Undo


@pytest.fixture
def ds(tmp_path):
    ds = tamis.open(tmp_path / "d.tamis")
    for number in range(2):
        with ds.store.operation("add") as op:
            op.insert(pa.table({"sample_id": [f"{number:032x}"]}))
    return ds


def test_prune_says_what_goes_and_then_lets_it_go(ds):
    for name in range(12):
        ds.label(f"class {name}", where="sample_id IS NOT NULL")
    gone, freed = ds.store.prunable(0)
    before = ds.store.snapshot
    told = ds.prune(days=0)
    assert (told.snapshots, told.files, told.bytes, told.applied) == (
        gone,
        freed.files,
        freed.bytes,
        False,
    )
    assert told.bytes > told.files > 0
    assert ds.store.snapshot == before
    done = ds.prune(days=0, apply=True)
    assert (done.snapshots, done.bytes, done.applied) == (gone, freed.bytes, True)


def test_undo_says_what_it_took_back_and_redo_what_is_there_again(ds):
    undone = ds.undo()
    assert (undone.undone.verb, undone.undone.counts["added"], undone.snapshot) == ("add", 1, 4)
    assert not undone.notes
    assert undone.undone.snapshot == 3
    redone = ds.redo()
    assert (redone.redone.snapshot, redone.snapshot) == (3, 5)
    assert len(ds) == 2
    with pytest.raises(UsageError, match="nothing to redo"):
        ds.redo()


def test_several_undos_are_redone_one_by_one_until_something_changes(ds):
    ds.undo()
    ds.undo()
    assert (len(ds), ds.redo().redone.snapshot, len(ds)) == (0, 2, 1)
    assert (ds.redo().redone.snapshot, len(ds)) == (3, 2)
    ds.undo()
    with ds.store.operation("add") as op:
        op.insert(pa.table({"sample_id": ["f" * 32]}))
    with pytest.raises(UsageError, match="something was changed since"):
        ds.redo()


def test_a_snapshot_that_was_undone_can_be_gone_to_and_back(ds):
    ds.tag("both")
    ds.undo()
    there = ds.checkout("both")
    assert (there.restored, there.snapshot, len(ds)) == (3, 6, 2)  # what the tag was given to
    assert ds.undo().undone.verb == "checkout"
    assert len(ds) == 1
    with pytest.raises(UsageError, match="as it was at snapshot 2 already"):
        ds.checkout(2)
    with pytest.raises(UsageError, match="no tag 'nosuch'"):
        ds.checkout("nosuch")


def test_undo_after_a_command_that_changed_nothing_says_so(ds, tmp_path):
    (tmp_path / "x.png").write_bytes(b"no picture")
    workspace = Workspace(ds.store)
    workspace.store.note_unchanged("duplicates")
    said = execute(workspace, Undo())
    assert "duplicates, had changed nothing" in said.notes[0]
    assert "this took back the one before, add" in said.notes[0]
    # once something was changed, the note is out of date
    assert not execute(workspace, Redo()).notes
    assert not execute(workspace, Undo()).notes
    assert execute(workspace, Checkout(3)).restored == 3


def test_only_a_verb_that_might_have_written_is_noted(ds):
    ds.log()
    assert ds.store.unchanged_since() is None
    with pytest.raises(UsageError):
        ds.duplicates(apply=True)  # it failed, and the user knows
    assert ds.store.unchanged_since() is None


def test_a_log_counts_its_entries_and_names_their_commands(ds):
    log = execute(Workspace(ds.store), Log())
    assert [entry.verb for entry in log] == ["create", "add", "add"]
    assert len(log) == 3
    assert log[-1] == log.entries[-1] == log["entries"][-1]
    assert {entry.command for entry in log} == {None}
    assert set(log.document()) == {"entries", "notes"}
