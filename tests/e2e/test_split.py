"""`tamis split` as a user types it: leaks between copies, folds, time, refusals."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from PIL import Image, ImageOps

import tamis
from tamis.interfaces.cli.main import main

if TYPE_CHECKING:
    from pathlib import Path


def plant(photos: Path) -> dict[str, str]:
    """Copies of two pictures across splits; returns the split of each file.

    Of the first the original is in train, one copy in val and another in test; of the second only
    two copies are left, in val and test.
    """
    splits = {}
    for name in ("copy.jpg", "small.png"):
        (photos / "dogs" / name).unlink()
    for number in range(24):
        folder = "cats" if number % 2 else "dogs"
        splits[f"{folder}/{number:02}.jpg"] = ("train", "val", "test")[number % 3]
    first = Image.open(photos / "dogs" / "06.jpg")
    first.save(photos / "dogs" / "a1.jpg", quality=40)
    ImageOps.mirror(first).save(photos / "dogs" / "a2.jpg", quality=90)
    second = Image.open(photos / "cats" / "07.jpg")
    second.crop((10, 10, 300, 225)).save(photos / "cats" / "b1.jpg", quality=90)
    second.resize((160, 120)).save(photos / "cats" / "b2.jpg", quality=90)
    second.close()
    (photos / "cats" / "07.jpg").unlink()
    del splits["cats/07.jpg"]
    return splits | {
        "dogs/a1.jpg": "val",
        "dogs/a2.jpg": "test",
        "cats/b1.jpg": "val",
        "cats/b2.jpg": "test",
    }


PLANTED = {
    ("dogs/06.jpg", "dogs/a1.jpg"): "near",
    ("dogs/06.jpg", "dogs/a2.jpg"): "flip",
    ("dogs/a1.jpg", "dogs/a2.jpg"): "flip",
    ("cats/b1.jpg", "cats/b2.jpg"): "near",
}


@pytest.fixture
def run(tmp_path, monkeypatch, capsys):
    """Runs the command line in this process, in the folder that holds the photos."""
    monkeypatch.chdir(tmp_path)

    def in_process(*arguments, code=0):
        capsys.readouterr()
        assert main(list(arguments)) == code
        printed = capsys.readouterr().out
        return json.loads(printed) if "--json" in arguments else printed

    return in_process


def named(report: dict) -> dict[tuple[str, ...], str]:
    return {
        tuple(sorted(leak[end].removeprefix("photos/") for end in ("left", "right"))): leak["kind"]
        for leak in report["leaks"]
    }


def test_planted_copies_are_found_and_then_kept_together(run, tamis_cli, photos):
    splits = plant(photos)
    table = "path,split\n" + "".join(f"{path},{name}\n" for path, name in splits.items())
    (photos / "splits.csv").write_text(table)
    run("add", "photos", "--labels", "photos/splits.csv")
    run("embed", "-q")
    before = run("log", "--json")
    unmarked = run("split", "--check", "--json", code=1)
    assert run("log", "--json") == before
    run("duplicates", "--apply", "-q")
    marked = run("split", "--check", "--json", code=1)
    for report in (unmarked, marked):
        assert named(report) == PLANTED
        assert report["leak_count"] == len(PLANTED)
        assert all(leak["verdict"] == "copy" and leak["splits"] for leak in report["leaks"])
    printed = tamis_cli("split", "--check", code=1)
    assert "4 leaks" in printed.out
    assert "photos/dogs/a2.jpg" in printed.out

    report = run("split", "--train", ".6", "--val", ".2", "--test", ".2", "--json")
    assert report["leaks"] == []
    assert report["largest_group"] == 3
    assert run("split", "--check", "--json")["leaks"] == []
    for found in report["difference"].values():
        assert 0 < found["p"] <= 1

    run("report", "--out", "r.html", "-q")
    page = (photos.parent / "r.html").read_text()
    assert "test against the rest" in page
    assert "Cluster imbalance" in page


def test_folds_from_the_command_line(run, photos):
    run("add", "photos", "--labels", "folder")
    run("embed", "-q")
    run("duplicates", "--apply", "-q")
    report = run("split", "--folds", "3", "--seed", "4", "--json")
    assert report["mark"] == "fold"
    assert report["counts"] == {"0": 9, "1": 9, "2": 9}
    assert run("split", "--check", "--column", "fold", "--json")["counts"] == report["counts"]
    rows = run("export", "csv", "t.csv", "--where", "fold = 1", "--json")
    assert rows["exported"] == 9
    printed = run("split", "--folds", "3", "--seed", "4")
    assert [line.split()[:2] for line in printed.splitlines()[1:4]] == [
        ["0", "9"],
        ["1", "9"],
        ["2", "9"],
    ]
    found = tamis.open(photos.parent / "dataset.tamis").folds()
    assert [len(fold.held_out) for fold in found] == [9, 9, 9]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--train", ".9"], "sum to 1.1"),
        (["--time", "captured_at"], "27 of 27 pictures have no captured_at"),
        (["--column", "fold"], "says what to check: add --check"),
        (["--check", "--folds", "3"], "leave out folds, and name folds with --column fold"),
        (["--check", "--column", "fold"], "run tamis split --folds K first"),
        (["--check"], "run tamis split first"),
    ],
)
def test_wrong_use_is_explained(embedded_photos, capsys, arguments, says):
    assert main(["split", "-d", str(embedded_photos), *arguments]) == 2
    assert says in " ".join(capsys.readouterr().err.split())


@pytest.fixture(scope="module")
def embedded_photos(tmp_path_factory, photos_master, cli_in):
    folder = tmp_path_factory.mktemp("split")
    cli = cli_in(folder)
    cli("add", photos_master)
    cli("embed", "-q")
    return folder / "dataset.tamis"
