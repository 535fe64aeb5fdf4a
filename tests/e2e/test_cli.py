"""The command line as a user types it, against the documented JSON."""

from __future__ import annotations

import csv
import os
import re
import shlex
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from dying_tamis import COMMIT_POINTS

BAD = {"photos/truncated.jpg", "photos/empty.jpg"}


@pytest.mark.parametrize(
    "started", ["tamis_cli", pytest.param("tamis_process", marks=pytest.mark.nightly)]
)
def test_the_main_job_in_one_go(request, photos, started):
    tamis = request.getfixturevalue(started)
    before = {path: path.read_bytes() for path in photos.rglob("*") if path.is_file()}
    run = tamis("curate", "photos", "--keep", "10", "--out", "curated", "--json")
    report = run.json
    assert report["added"] == 27
    assert {failure["path"] for failure in report["failed"]} == BAD
    assert all(failure["reason"] for failure in report["failed"])
    assert report["duplicates"] == 2
    assert report["blank"] == 1
    assert report["selected"] == 10
    assert sum(report["splits"].values()) == 10
    assert set(report["splits"]) == {"train", "val", "test"}
    assert report["report"] == "curated/report.html"

    page = (tamis.folder / "curated/report.html").read_text()
    assert "photos/truncated.jpg" in page
    exported = [p for p in (tamis.folder / "curated/pictures").rglob("*") if p.is_file()]
    assert len([p for p in exported if p.suffix in {".jpg", ".png"}]) == 10
    with (tamis.folder / "curated/manifest.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 10
    assert {row["split"] for row in rows} <= {"train", "val", "test"}
    # the one manifest names every copy, and nothing else lies beside the pictures
    assert {tamis.folder / "curated" / row["file"] for row in rows} == set(exported)
    assert before == {path: path.read_bytes() for path in photos.rglob("*") if path.is_file()}


def test_the_main_job_again_adds_nothing_and_gives_the_same(tamis_cli, photos):
    arguments = ("curate", "photos", "--keep", "10", "--out", "curated", "--json", "--seed", "3")
    first = tamis_cli(*arguments).json
    manifest = (tamis_cli.folder / "curated/manifest.csv").read_bytes()
    second = tamis_cli(*arguments).json
    assert (second["added"], second["known"], second["embedded"]) == (0, 27, 0)
    assert second["splits"] == first["splits"]
    assert (tamis_cli.folder / "curated/manifest.csv").read_bytes() == manifest


def test_keeping_more_than_there_is_keeps_all_and_says_so(tamis_cli, photos):
    report = tamis_cli("curate", "photos", "--keep", "500", "--out", "c", "--json").json
    assert report["selected"] == 24
    assert any("500" in note and "24" in note for note in report["notes"])


def test_step_by_step(tamis_cli, photos):
    added = tamis_cli("add", "photos", "--labels", "folder", "--json").json
    assert (added["added"], added["known"]) == (27, 0)
    assert {failure["path"] for failure in added["failed"]} == BAD
    assert tamis_cli("add", "./photos/", "--json").json["added"] == 0

    embedded = tamis_cli("embed", "--json").json
    assert embedded["encoder"] == "bundled:efficientnet-lite0"
    assert (embedded["embedded"], embedded["skipped"], embedded["failed"]) == (27, 0, [])
    assert embedded["dim"] > 0
    assert embedded["seconds"] > 0
    again = tamis_cli("embed", "--json").json
    assert (again["embedded"], again["skipped"]) == (0, 27)

    dry = tamis_cli("duplicates", "--json").json
    assert tamis_cli("info", "--json").json["duplicates"] == 0
    [group] = dry["groups"]
    assert group["keep"] == "photos/dogs/00.jpg"
    assert set(group["drop"]) == {"photos/dogs/copy.jpg", "photos/dogs/small.png"}
    assert 0 <= dry["threshold"] <= 1
    assert dry["pairs"]
    tamis_cli("duplicates", "--apply", "--json")

    picks = tamis_cli("select", "12", "--json").json["picks"]
    assert len({pick["path"] for pick in picks}) == 12
    assert all(pick["reason"] and isinstance(pick["score"], float) for pick in picks)

    split = tamis_cli("split", "--json").json
    assert sum(split["counts"].values()) == 27
    assert split["leaks"] == []
    assert -1 <= split["max_cross_similarity"] <= 1
    assert tamis_cli("split", "--check", "--json").json["leaks"] == []

    info = tamis_cli("info", "--json").json
    assert info["samples"] == 27
    assert info["failed"] == 2
    assert info["labels"] == {"cats": 12, "dogs": 14}
    assert info["selected"] == 12
    assert info["duplicates"] == 2
    assert info["splits"] == split["counts"]

    exported = tamis_cli("export", "csv", "table.csv", "--where", "label = 'cats'", "--json").json
    assert exported["exported"] == 12
    assert tamis_cli("report", "--out", "r.html", "--json").json["report"] == "r.html"
    assert (tamis_cli.folder / "r.html").is_file()


def test_history(tamis_cli, photos):
    tamis_cli("add", "photos/cats")
    tamis_cli("tag", "cats-only")
    tamis_cli("add", "photos/dogs")
    assert [entry["verb"] for entry in tamis_cli("log", "--json").json["entries"]][-1] == "add"
    change = tamis_cli("diff", "cats-only", "2", "--json").json
    assert change.keys() >= {"added", "removed", "changed"}
    assert tamis_cli("info", "--json").json["samples"] == 26
    assert tamis_cli("undo", "--json").json["undone"]["verb"] == "add"
    assert tamis_cli("info", "--json").json["samples"] == 12
    assert tamis_cli("gc", "--json").json.keys() >= {"files", "bytes"}
    assert tamis_cli("info", "--json").json["samples"] == 12


def test_a_planted_leak_fails_the_check(tamis_cli, tamis_process, photos):
    from tamis.dataset.store import Store

    tamis_cli("add", "photos/dogs")
    tamis_cli("embed")
    store = Store.open(tamis_cli.folder / "dataset.tamis")
    rows = store.read(["sample_id", "path"]).to_pylist()
    with store.operation("label set", params={}) as op:
        op.set_marks(
            [row["sample_id"] for row in rows],
            {"split": ["test" if "copy" in row["path"] else "train" for row in rows]},
        )
    run = tamis_cli("split", "--check", "--json", code=1)
    same_shot = {f"photos/dogs/{name}" for name in ("00.jpg", "copy.jpg", "small.png")}
    for leak in run.json["leaks"]:
        assert "photos/dogs/copy.jpg" in {leak["left"], leak["right"]} <= same_shot
    assert run.json["leak_count"] >= 1
    (photos / "dogs" / "00.jpg").unlink()
    assert "00.jpg" in tamis_process("check", code=1).out


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["add", "nowhere"], r"nowhere"),
        (["add", "void"], r"void.*no picture"),
        (["curate", "void", "--keep", "5", "--out", "c"], r"void.*no picture"),
        (["curate", "nowhere", "--keep", "5", "--out", "c"], r"nowhere"),
        (["curate", "photos", "--keep", "0", "--out", "c"], r"keep"),
        (["curate", "photos", "--keep", "5", "--out", "void/notes.txt"], r"is a file"),
        (["curate", "photos", "--keep", "5", "--out", "c", "--encoder", "clap"], r"clap"),
        (["curate", "photos", "--keep", "5", "--out", "photos/cats/c"], r"inside the source"),
        (["info"], r"dataset\.tamis.*tamis add"),
        (["embed"], r"dataset\.tamis"),
        (["info", "-d", "photos"], r"photos.*not a.*dataset"),
        (["sieve"], r"sieve"),
        (["select", "many"], r"N is 'many'; give a whole number"),
    ],
)
def test_wrong_use_is_one_sentence_and_leaves_nothing(tamis_cli, photos, arguments, says):
    (tamis_cli.folder / "void").mkdir()
    (tamis_cli.folder / "void" / "notes.txt").write_text("no picture here")
    before = sorted(tamis_cli.folder.rglob("*"))
    run = tamis_cli(*arguments, code=2)
    assert re.search(says, run.err, re.DOTALL), run.err
    assert "Traceback" not in run.err
    assert run.out == ""
    assert sorted(tamis_cli.folder.rglob("*")) == before


def test_an_output_folder_with_other_things_is_refused(tamis_cli, photos):
    mine = tamis_cli.folder / "mine"
    mine.mkdir()
    (mine / "thesis.txt").write_text("precious")
    run = tamis_cli("curate", "photos", "--keep", "5", "--out", "mine", code=2)
    assert "thesis.txt" in run.err
    assert [entry.name for entry in mine.iterdir()] == ["thesis.txt"]


def test_a_dataset_of_a_newer_version_is_refused(tamis_cli, tamis_process, photos):
    tamis_cli("add", "photos")
    marker = tamis_cli.folder / "dataset.tamis" / "dataset.json"
    marker.write_text(re.sub(r'"format": \d+', '"format": 999', marker.read_text()))
    run = tamis_process("info", code=2)
    assert "newer" in run.err or "later" in run.err


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_folder_without_permission_is_one_sentence(tamis_cli, photos):
    photos.chmod(0)
    try:
        run = tamis_cli("add", "photos", code=2)
    finally:
        photos.chmod(0o755)
    assert "permission" in run.err.lower()


def test_results_are_pipeable(tamis_cli, photos):
    tamis_cli("add", "photos")
    command = f"{sys.executable} -m tamis log | head -c 1"
    run = subprocess.run(
        ["sh", "-c", command], cwd=tamis_cli.folder, capture_output=True, text=True, check=True
    )
    assert "Traceback" not in run.stderr


@pytest.mark.parametrize(
    "points",
    [
        # tests/contract kills the store at every point
        [*COMMIT_POINTS][2:],
        pytest.param([*COMMIT_POINTS], marks=pytest.mark.nightly),
    ],
    ids=["two deaths", "four deaths"],
)
def test_a_killed_run_goes_on_where_it_was(tamis_cli, photos, points):
    arguments = ["curate", "photos", "--keep", "5", "--out", "c"]
    # each goes on where the one before was killed
    for point in points:
        dying = [sys.executable, Path(__file__).with_name("dying_tamis.py"), point, *arguments]
        done = subprocess.run(dying, cwd=tamis_cli.folder, capture_output=True, check=False)
        assert done.returncode == -signal.SIGKILL, done.stderr
    report = tamis_cli("curate", "photos", "--keep", "5", "--out", "c", "--json").json
    assert report["added"] + report["known"] == 27
    assert report["selected"] == 5
    info = tamis_cli("info", "-d", "c/dataset.tamis", "--json").json
    assert info["samples"] == 27
    assert info["encoders"][0]["vectors"] == 27


def test_the_commands_in_the_report_make_the_same_dataset_again(tamis_cli, photos):
    from tamis.dataset.store import Store
    from tamis.services.report.collect import collect

    tamis_cli("curate", "photos", "--keep", "12", "--out", "c", "--labels", "folder", "--seed", "5")
    made = Store.open(tamis_cli.folder / "c" / "dataset.tamis")
    commands = [step.command for step in collect(made).steps if step.verb != "create"]
    assert [shlex.split(command)[1] for command in commands] == [
        "add",  # with the vectors
        "duplicates",
        "select",
        "split",
    ]
    for command in commands:
        tamis_cli(*shlex.split(command)[1:])
    again = Store.open(tamis_cli.folder / "dataset.tamis")
    columns = ["sample_id", "label", "split", "duplicate_of", "selected", "selected_rank"]
    assert again.read(columns).equals(made.read(columns))


def test_selecting_by_quotas_and_strategies(tamis_cli, photos):
    tamis_cli("add", "photos", "--labels", "folder")
    tamis_cli("embed")
    rows = tamis_cli(
        "select", "6", "--strategy", "k-means:.5,dpp:.5", "--quota", "label=cats:2", "--json"
    ).json["picks"]
    assert len(rows) == 6
    assert all(set(row) >= {"path", "reason", "score"} for row in rows)
    labels = tamis_cli("export", "csv", "chosen", "--where", "selected", "--json").json
    assert labels["exported"] == 6
    with (tamis_cli.folder / "chosen/manifest.csv").open() as file:
        assert [row["label"] for row in csv.DictReader(file)].count("cats") == 2
    refused = tamis_cli("select", "6", "--quota", "label=cats:99", code=2)
    assert "quota of label=cats cannot be met" in refused.err
    scored = tamis_cli("scores", "--json").json
    assert scored["scored"] >= 24
