"""`tamis export` with its options, as a user types them."""

from __future__ import annotations

import csv

import pytest


@pytest.fixture
def added(tamis_cli, photos):
    tamis_cli("add", "photos", "--labels", "folder", "-q")
    return tamis_cli


def pictures_in(folder):
    files = [file for file in folder.rglob("*") if file.suffix in {".jpg", ".png"}]
    return {str(file.relative_to(folder)): file for file in files}


def test_by_makes_a_folder_for_each_value(added):
    added("embed", "-q")
    added("split", "--train", "0.5", "--val", "0.25", "--test", "0.25", "-q")
    added("export", "folder", "labels", "--by", "label")
    assert {name.split("/")[0] for name in pictures_in(added.folder / "labels")} == {
        "cats", "dogs", "no-label",
    }  # fmt: skip
    added("export", "folder", "both", "--by", "split", "--by", "label")
    names = pictures_in(added.folder / "both")
    assert {name.count("/") for name in names} == {2}
    assert {name.split("/")[0] for name in names} <= {"train", "val", "test"}
    with (added.folder / "both" / "manifest.csv").open(newline="") as file:
        rows = {row["file"]: row for row in csv.DictReader(file)}
    assert rows.keys() == names.keys()
    assert all(
        name.startswith(f"{row['split']}/{row['label'] or 'no-label'}/")
        for name, row in rows.items()
    )
    assert "no column 'attic'" in added("export", "folder", "x", "--by", "attic", code=2).err


@pytest.mark.parametrize("link", ["copy", "hardlink", "symlink"])
def test_link_says_how_pictures_get_there(added, photos, link):
    originals = {file.stat().st_ino for file in pictures_in(photos).values()}
    before = {name: file.read_bytes() for name, file in pictures_in(photos).items()}
    found = added("export", "folder", "out", "--link", link, "--json").json
    assert (found["exported"], found["failed"]) == (27, [])
    made = pictures_in(added.folder / "out").values()
    assert len(made) == 27
    assert all(file.is_symlink() == (link == "symlink") for file in made)
    assert all((file.stat().st_ino in originals) == (link != "copy") for file in made)
    assert {name: file.read_bytes() for name, file in pictures_in(photos).items()} == before
    assert "hardlink" in added("export", "folder", "y", "--link", "move", code=2).err


def test_overwrite_replaces_an_earlier_export_and_nothing_else(added, photos):
    added("export", "folder", "out", "-q")
    assert "not empty" in added("export", "folder", "out", code=2).err
    again = ("export", "folder", "out", "--overwrite", "--where", "label = 'cats'")
    assert added(*again, "--json").json["exported"] == 12
    assert len(pictures_in(added.folder / "out")) == 12

    mine = added.folder / "mine"
    mine.mkdir()
    (mine / "thesis.txt").write_text("years of work")
    assert added("export", "folder", "mine", "--overwrite", code=2).err
    assert (mine / "thesis.txt").read_text() == "years of work"
    assert added("export", "folder", "photos", "--overwrite", code=2).err
    assert len(pictures_in(photos)) == 29
    assert not [entry for entry in added.folder.iterdir() if "partial" in entry.name]


def test_overwrite_of_a_table(added):
    added("export", "csv", "table.csv", "-q")
    assert "exists already" in added("export", "csv", "table.csv", code=2).err
    added("export", "csv", "table.csv", "--overwrite", "--where", "label = 'dogs'", "-q")
    with (added.folder / "table.csv").open(newline="") as file:
        assert {row["label"] for row in csv.DictReader(file)} == {"dogs"}
