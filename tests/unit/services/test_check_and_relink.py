"""Is all there and whole, and pictures that moved to another root."""

from __future__ import annotations

import shutil
import zipfile
from pathlib import Path

import pytest

from filling import add_tiles, ingest
from picture_files import photo_file
from tamis.dataset.store import Store
from tamis.errors import DatasetMissingError, InputError, UsageError
from tamis.runtime.workspace import Workspace
from tamis.services.check.contract import Check
from tamis.services.check.run import check_dataset_at
from tamis.services.relink.contract import Relink
from tamis.services.relink.run import relink

COUNT = 4


def check(path, **options):
    return check_dataset_at(path, Check(**options))


@pytest.fixture
def store(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    save("photos", range(COUNT))
    store = Store.create("d.tamis")
    ingest(store, ["photos"], labels="folder")
    return store


def save(folder, seeds):
    Path(folder, "inner").mkdir(parents=True)
    for seed in seeds:
        name = f"inner/{seed}.png" if seed % 2 else f"{seed}.png"
        Path(folder, name).write_bytes(photo_file("PNG", seed=seed))


def column(store, name):
    return sorted(store.read([name])[name].to_pylist(), key=str)


def problems(store):
    return {(problem.kind, problem.path) for problem in check(store.path).problems}


# check


def test_a_dataset_that_is_whole_has_no_problems(store):
    report = check(store.path)
    assert (report.samples, report.problems, report.repaired, report.notes) == (COUNT, [], 0, [])


def test_a_check_names_what_is_gone_and_says_what_to_do(store):
    Path("photos/0.png").unlink()
    Path("photos/2.png").write_bytes(photo_file("PNG", seed=9))
    assert problems(store) == {("missing", "photos/0.png"), ("changed", "photos/2.png")}
    notes = check(store.path).notes
    assert any("tamis relink" in note for note in notes)


def test_a_check_changes_nothing(store):
    before = store.snapshot
    Path("photos/0.png").unlink()
    check(store.path)
    store.refresh()
    assert store.snapshot == before


def test_a_check_names_log_entries_that_are_missing_or_damaged(store):
    with store.operation("label") as op:
        op.set_marks(store.read(["sample_id"])["sample_id"], {"label": ["a"] * COUNT})
    Path("d.tamis/log/00000002.json").unlink()
    found = check(store.path).problems
    assert [problem.kind for problem in found] == ["dataset"]
    assert "1 of 3 entries are missing, the first 00000002.json" in found[0].reason
    Path("d.tamis/log/00000002.json").write_bytes(b"\xff")
    found = check(store.path).problems
    assert "00000002.json is damaged" in found[0].reason


def test_a_check_names_files_of_old_states_that_are_missing(store):
    with store.operation("label") as op:
        op.set_marks(store.read(["sample_id"])["sample_id"], {"label": ["a"] * COUNT})
    first = min(Path("d.tamis/samples.lance/data").iterdir(), key=lambda file: file.stat().st_mtime)
    manifests = sorted(Path("d.tamis/samples.lance/_versions").glob("*.manifest"))
    manifests[-1].unlink()
    assert ["version 1 is missing" in one.reason for one in check(store.path).problems] == [True]
    first.unlink()
    assert any(first.name in problem.path for problem in check(store.path).problems)


def test_what_cannot_be_opened_is_a_problem_and_what_is_no_dataset_an_error(store, tmp_path):
    Path("d.tamis/dataset.json").write_bytes(b"")
    assert [problem.kind for problem in check(store.path).problems] == ["dataset"]
    with pytest.raises(DatasetMissingError):
        check(tmp_path / "photos")


# relink


@pytest.mark.parametrize("old", ["photos", "./photos/", "{cwd}/photos", "photos/../photos"])
@pytest.mark.parametrize("new", ["moved", "{cwd}/moved/", "deeper/moved"])
def test_a_moved_root_is_followed(store, old, new):
    cwd = str(Path.cwd())
    old, new = old.format(cwd=cwd), new.format(cwd=cwd)
    before = {name: column(store, name) for name in ("sample_id", "label", "content_hash")}
    Path(new).parent.mkdir(exist_ok=True)
    Path("photos").rename(new)
    report = relink(Workspace(store), Relink(old, new))
    assert (report.relinked, report.missing, report.changed) == (COUNT, 0, 0)
    assert check(store.path).problems == []
    spelt = new.rstrip("/")
    assert column(store, "source") == [spelt] * COUNT
    assert column(store, "path") == sorted(
        f"{spelt}/inner/{n}.png" if n % 2 else f"{spelt}/{n}.png" for n in range(COUNT)
    )
    assert all(Path(uri).is_absolute() for uri in column(store, "uri"))
    assert {name: column(store, name) for name in before} == before
    report = ingest(store, [new])
    assert (report.added, report.known) == (0, COUNT)


def test_relinking_is_one_operation_that_can_be_undone(store):
    before = store.read(store.columns())
    Path("photos").rename("moved")
    relink(Workspace(store), Relink("photos", "moved"))
    entry = store.log()[-1]
    assert (entry.verb, entry.counts) == ("relink", {"relinked": COUNT, "left": 0})
    assert store.undo().verb == "relink"
    assert store.read(store.columns()).equals(before)


def test_what_is_not_there_or_is_another_picture_stays_as_it_was(store):
    shutil.copytree("photos", "moved")
    Path("moved/0.png").unlink()
    Path("moved/2.png").write_bytes(photo_file("PNG", seed=9))
    report = relink(Workspace(store), Relink("photos", "moved"))
    assert (report.relinked, report.missing, report.changed, report.repaired) == (2, 1, 1, 2)
    assert {problem.path for problem in report.problems} == {"moved/0.png", "moved/2.png"}
    assert {"photos/0.png", "photos/2.png"} <= set(column(store, "path"))


def test_one_picture_and_one_folder_within_a_source(store):
    Path("photos/0.png").rename("zero.png")
    assert relink(Workspace(store), Relink("photos/0.png", "zero.png")).relinked == 1
    Path("photos/inner").rename("photos/outer")
    assert relink(Workspace(store), Relink("photos/inner", "photos/outer")).relinked == 2
    assert check(store.path).problems == []


def test_a_root_moves_into_itself_and_out_again(store):
    Path("photos/2026").mkdir()
    for name in ("0.png", "2.png"):
        Path("photos", name).rename(Path("photos/2026", name))
    Path("photos/inner").rename("photos/2026/inner")
    assert relink(Workspace(store), Relink("photos", "photos/2026")).relinked == COUNT
    assert check(store.path).problems == []
    Path("photos/2026").rename("elsewhere")
    assert relink(Workspace(store), Relink("photos/2026", "elsewhere")).relinked == COUNT
    assert check(store.path).problems == []


def test_archives_and_parts_of_pictures_go_along(store):
    with zipfile.ZipFile("a.zip", "w") as archive:
        archive.write("photos/0.png", "in/0.png")
    ingest(store, ["a.zip"])
    add_tiles(store, 2)
    rows = store.count()
    Path("a.zip").rename("b.zip")
    Path("photos").rename("moved")
    assert relink(Workspace(store), Relink("a.zip", "b.zip")).relinked == 1 + 4
    assert "b.zip!in/0.png" in column(store, "path")
    assert relink(Workspace(store), Relink("photos", "moved")).relinked == rows - 5
    assert check(store.path).problems == []


def test_a_path_from_another_folder_is_understood_if_it_is_clear(store, tmp_path, monkeypatch):
    Path("photos").rename("moved")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    store = Store.open(tmp_path / "d.tamis")
    assert relink(Workspace(store), Relink("photos", "../moved")).relinked == COUNT


def test_a_path_that_means_two_roots_is_refused(store, tmp_path, monkeypatch):
    other = tmp_path / "other"
    other.mkdir()
    monkeypatch.chdir(other)
    save("photos", [7])
    ingest(Store.open(tmp_path / "d.tamis"), ["photos"])
    shutil.rmtree("photos")
    third = tmp_path / "third"
    third.mkdir()
    monkeypatch.chdir(third)
    save("new", [7])
    store = Store.open(tmp_path / "d.tamis")
    with pytest.raises(UsageError, match="means several roots"):
        relink(Workspace(store), Relink("photos", "new"))
    assert relink(Workspace(store), Relink(str(other / "photos"), "new")).relinked == 1


def test_pictures_that_were_added_at_their_new_place_are_refused(store):
    Path("photos").rename("moved")
    ingest(store, ["moved"])
    before = store.snapshot
    with pytest.raises(UsageError, match="in the dataset at their new place as well"):
        relink(Workspace(store), Relink("photos", "moved"))
    assert store.snapshot == before
    store.undo()
    assert relink(Workspace(store), Relink("photos", "moved")).relinked == COUNT


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("photos", "nowhere", "no file or folder 'nowhere'"),
        ("nothing", "empty", "no picture of the dataset lies under 'nothing'; its sources are: ph"),
        ("photos", "empty", "none of the 4 pictures under photos is under empty"),
        ("photos", "empty\udcff", "is not UTF-8"),
        ("phot", "empty", "no picture of the dataset lies under"),
    ],
)
def test_what_leads_nowhere_is_said(store, old, new, message):
    Path("empty").mkdir()
    Path("empty\udcff").mkdir()
    before = store.snapshot
    with pytest.raises(InputError, match=message):
        relink(Workspace(store), Relink(old, new))
    store.refresh()
    assert store.snapshot == before


def test_the_same_place_is_no_move(store):
    Path("link").symlink_to("photos", target_is_directory=True)
    with pytest.raises(UsageError, match="the same place"):
        relink(Workspace(store), Relink("photos", "link"))
