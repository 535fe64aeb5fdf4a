"""A fixed camera: its frames are no copies of each other, and real copies among them are."""

from __future__ import annotations

import json
import re
import shutil
from collections import Counter
from typing import TYPE_CHECKING

import pytest

import tamis
from fixed_camera import write_copies, write_frames
from tamis.interfaces.cli.main import main

if TYPE_CHECKING:
    from pathlib import Path

FRAMES, COPIED = 12, (2, 7)
KEPT = 10


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, str]]:
    """A folder with a dataset of frames and copies of two, marked; the copies by their frames."""
    root = tmp_path_factory.mktemp("camera")
    frames = write_frames(root / "frames", 1, FRAMES)
    copies = write_copies([frames[number] for number in COPIED])
    ds = tamis.open(root / "dataset.tamis")
    ds.add(root / "frames")
    ds.embed()
    ds.duplicates(apply=True)
    return root, {path.name: copy.name for path, copy in copies.items()}


@pytest.fixture
def run(made, tmp_path, monkeypatch, capsys):
    """Runs the command line in this process, on a dataset of its own."""
    shutil.copytree(made[0] / "dataset.tamis", tmp_path / "dataset.tamis")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")

    def in_process(*arguments, code=0):
        capsys.readouterr()
        assert main(list(map(str, arguments))) == code
        printed = capsys.readouterr()
        return json.loads(printed.out) if "--json" in arguments else printed.out + printed.err

    return in_process


def splits_of(folder: Path) -> dict[str, str]:
    rows = tamis.open(folder / "dataset.tamis").table(["path", "split"]).to_pylist()
    return {row["path"].rsplit("/", 1)[-1]: row["split"] for row in rows}


def test_curate_keeps_as_many_frames_as_were_asked_for(made, tmp_path, run):
    dataset = tmp_path / "dataset.tamis"
    run("undo", "-d", dataset)
    report = run(
        *("curate", made[0] / "frames", "-d", dataset, "--keep", KEPT, "--out", "c", "--json")
    )
    assert report["selected"] == KEPT
    assert report["duplicates"] == len(COPIED)
    assert report["changed"] > 0
    assert sum(report["splits"].values()) == KEPT
    kept = {path.name for path in (tmp_path / "c" / "pictures").rglob("*.jpg")}
    assert len(kept) == KEPT


def test_curate_drops_changed_versions_if_asked(made, tmp_path, run):
    few = tmp_path / "few"
    few.mkdir()
    for path in sorted((made[0] / "frames").glob("0-00[0-5].jpg")):
        shutil.copy(path, few)
    report = run("curate", few, "--keep", 6, "--out", "d", "--drop", "changed", "--json")
    assert report["duplicates"] > 0
    assert report["selected"] == 6 - report["duplicates"]
    log = tamis.open(tmp_path / "d/dataset.tamis").log()
    assert next(one for one in log if one.verb == "duplicates").options["drop"] == "changed"


@pytest.mark.parametrize("marked", [True, False])
def test_a_split_keeps_copies_together_and_divides_the_frames(made, tmp_path, run, marked):
    if not marked:
        run("undo")
    for seed in range(2 if marked else 1):
        report = run("split", "--train", 0.6, "--val", 0.2, "--test", 0.2, "--seed", seed, "--json")
        assert not report["changed_together"]
        assert report["leak_count"] == 0
        assert report["largest_group"] == 2
        placed = splits_of(tmp_path)
        assert all(placed[one] == placed[copy] for one, copy in made[1].items())
    if marked:
        said = run("split", "--check")
        assert "0 leaks" in said
        assert "of changed versions, no leaks" in said
        assert "--time-block" in said
        compared, across = map(int, re.search(r"(\d+) of (\d+) pairs across", said).groups())
        sizes = Counter(placed.values()).values()
        assert across == (sum(sizes) ** 2 - sum(size**2 for size in sizes)) // 2
        assert 0 < compared < across
        assert "one group holds" in run("split", "--changed", "together", code=2)


def test_planted_copies_are_leaks_that_one_can_look_at(made, tmp_path, run):
    ds = tamis.open(tmp_path / "dataset.tamis")
    rows = ds.table(["sample_id", "path"]).to_pylist()
    copies = set(made[1].values())
    with ds.store.operation("own splits") as op:
        halves = ["test" if row["path"].rsplit("/", 1)[-1] in copies else "train" for row in rows]
        op.set_marks([row["sample_id"] for row in rows], {"split": halves})
    report = run("split", "--check", "--json", code=1)
    assert (report["leak_count"], report["copies"]) == (len(COPIED), len(COPIED))
    for leak in report["leaks"]:
        ends = {leak[end].rsplit("/", 1)[-1] for end in ("left", "right")}
        assert ends in [{one, copy} for one, copy in made[1].items()]
        assert (leak["kind"], leak["verdict"], leak["region"]) == ("near", "copy", None)
    assert report["changed"] > 0
    for pair in report["changed_apart"]:
        for end in ("left", "right"):
            x, y, width, height = pair["region"][end]
            assert 0 <= x < x + width <= 320
            assert 0 <= y < y + height <= 240
    together = run("split", "--check", "--changed", "together", "--json", code=1)
    assert together["leak_count"] > len(COPIED)
    assert [leak["kind"] for leak in together["leaks"]][: len(COPIED)] == ["near"] * len(COPIED)
    assert f"{len(COPIED)} leaks: {len(COPIED)} copies" in run("split", "--check", code=1)
    run("report", "--out", "r.html", "-q")
    page = (tmp_path / "r.html").read_text()
    assert f"{len(COPIED)} leaks<" in page
    assert 'class="box"' in page


def test_blocks_of_time_part_the_frames_with_a_gap(made, tmp_path, run):
    report = run("split", "--time-block", "5s", "--gap", "2s", "--json")
    assert report["leak_count"] == 0
    placed = splits_of(tmp_path)
    by_second = {int(name[2:5]): split for name, split in placed.items() if "copy" not in name}
    for second, split in by_second.items():
        following = by_second.get(second + 1)
        assert None in (split, following) or split == following or second == FRAMES - 1
    assert None in by_second.values()
    assert run("split", "--check", "--time-block", "5s", "--gap", "2s", "--json")["leak_count"] == 0
