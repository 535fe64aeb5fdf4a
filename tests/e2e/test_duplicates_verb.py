"""`tamis duplicates` as a user types it: what is dropped, which copy stays, what is shown."""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
from contextlib import redirect_stderr, redirect_stdout
from types import SimpleNamespace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFilter

from tamis.interfaces.cli.main import main

if TYPE_CHECKING:
    from pathlib import Path


class InProcess:
    """Runs the command line in a folder, in this process, which saves the start of each command."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __call__(self, *arguments: str, code: int = 0) -> SimpleNamespace:
        out, err = io.StringIO(), io.StringIO()
        with contextlib.chdir(self.folder), redirect_stdout(out), redirect_stderr(err):
            found = main(list(arguments))
        assert found == code, err.getvalue()
        text = out.getvalue()
        as_json = json.loads(text) if text.startswith("{") else None
        return SimpleNamespace(out=text, err=err.getvalue(), json=as_json)


KEYS = {
    "threshold",
    "changed_threshold",
    "calibration",
    "pairs",
    "groups",
    "verdicts",
    "pictures",
    "candidates",
    "column",
    "recall",
    "notes",
}
PAIR_KEYS = {"left", "right", "score", "verdict", "region", "kind", "regions"}
GROUP_KEYS = {"keep", "drop", "verdict", "members", "scores", "kinds", "reasons", "ids"}


def photograph(seed: int, size: tuple[int, int] = (480, 360)) -> Image.Image:
    """Shapes with crisp edges over texture, all told by the seed."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(60, 200, (6, 8, 3), dtype=np.uint8)
    picture = Image.fromarray(coarse).resize(size, Image.Resampling.BICUBIC)
    pen = ImageDraw.Draw(picture)
    for _ in range(25):
        x, y = rng.integers(0, size[0]), rng.integers(0, size[1])
        w, h = rng.integers(15, 120, 2)
        colour = tuple(int(c) for c in rng.integers(20, 230, 3))
        shape = pen.ellipse if rng.random() < 0.5 else pen.rectangle
        shape((int(x), int(y), int(x + w), int(y + h)), fill=colour)
    grain = rng.normal(0, 6, (size[1], size[0], 1))
    return Image.fromarray(np.clip(np.asarray(picture) + grain, 0, 255).astype(np.uint8))


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Six pictures, the first with copies of every kind, the second with an equal file."""
    place = tmp_path_factory.mktemp("copies")
    folder = place / "p"
    folder.mkdir()
    for seed in range(6):
        photograph(seed).save(folder / f"{seed:02}.jpg", quality=92)
    first = photograph(0)
    sharper = first.filter(ImageFilter.UnsharpMask(2, 250, 0))
    sharper.save(folder / "00-sharper.jpg", quality=95)
    first.filter(ImageFilter.GaussianBlur(2)).save(folder / "00-blurred.jpg", quality=92)
    first.resize((960, 720), Image.Resampling.BICUBIC).save(folder / "00-larger.jpg", quality=92)
    first.resize((240, 180)).save(folder / "00-smaller.jpg", quality=92)
    first.save(folder / "00-again.jpg", quality=40)
    (folder / "01-equal.jpg").write_bytes((folder / "01.jpg").read_bytes())
    for file in folder.iterdir():
        os.utime(file, (5000, 5000))
    run = InProcess(place)
    run("add", "p", "-q")
    run("embed", "-q")
    return run


def dropped(document) -> dict[str, set[str]]:
    return {group["keep"]: set(group["drop"]) for group in document["groups"] if group["drop"]}


FIRST = {f"p/00-{name}.jpg" for name in ("sharper", "blurred", "larger", "smaller", "again")}


def test_the_original_of_many_copies_stays_and_the_document_has_what_it_promises(run):
    document = run("duplicates", "--json").json
    assert dropped(document) == {"p/00.jpg": FIRST, "p/01-equal.jpg": {"p/01.jpg"}}
    assert document.keys() >= KEYS
    assert all(pair.keys() >= PAIR_KEYS for pair in document["pairs"])
    assert all(group.keys() >= GROUP_KEYS for group in document["groups"])
    assert {pair["verdict"] for pair in document["pairs"]} <= {"copy", "changed", "undecided"}
    assert isinstance(document["notes"], list)
    for group in document["groups"]:
        assert group["members"][0] == group["keep"]
        assert len(group["reasons"]) == len(group["members"]) - 1 == len(group["scores"])
    assert sum(document["verdicts"].values()) == len(document["pairs"])


def test_rules_say_what_stays(run):
    os.utime(run.folder / "p" / "01.jpg", (1000, 1000))
    document = run(
        "duplicates", "--json", "--prefer", "folder=*smaller*", "--prefer", "oldest"
    ).json
    assert set(dropped(document)) == {"p/00-smaller.jpg", "p/01.jpg"}
    wrong = run("duplicates", "--prefer", "prettiest", code=2)
    assert "prettiest" in wrong.err
    assert "resolution" in wrong.err


def test_what_apply_marks_is_what_drop_listed_and_a_file_that_is_there_stays(run):
    original = run.folder / "p" / "00.jpg"
    original.rename(run.folder / "elsewhere.jpg")
    try:
        document = run("duplicates", "--json", "--apply").json
    finally:
        (run.folder / "elsewhere.jpg").rename(original)
    listed = set().union(*dropped(document).values())
    assert "p/00.jpg" in listed
    run("export", "csv", "dropped", "--where", "duplicate_of IS NOT NULL", "-q")
    table = (run.folder / "dropped" / "manifest.csv").read_text()
    assert set(re.findall(r"p/[-\w]+\.jpg", table)) == listed
    run("undo", "-q")
    assert run("info", "--json").json["duplicates"] == 0


def test_a_condition_keeps_to_its_subset(run):
    where = "path LIKE '%/01%'"
    found = run("duplicates", "--json", "--prefer", "path", "--where", where).json
    assert dropped(found) == {"p/01-equal.jpg": {"p/01.jpg"}}
    refused = run("duplicates", "--where", "width > 99999", code=2)
    assert "width > 99999" in refused.err


def test_crops_are_judged_by_their_own_pixels(tmp_path):
    """Two boxes of one picture are no copies; the same box of an exported copy is one."""
    folder = tmp_path / "p"
    folder.mkdir()
    for seed in range(3):
        photograph(seed).save(folder / f"{seed}.jpg", quality=92)
    photograph(0).save(folder / "3.jpg", quality=60)
    document = {
        "images": [{"id": n, "file_name": f"{n}.jpg"} for n in range(4)],
        "categories": [{"id": 1, "name": "thing"}],
        "annotations": [
            {"image_id": n, "category_id": 1, "bbox": [x, 20, 200, 300]}
            for n in range(4)
            for x in (10, 260)
        ],
    }
    (tmp_path / "boxes.json").write_text(json.dumps(document))
    run = InProcess(tmp_path)
    run("add", "p", "-q")
    run("add", "p", "--crops", "boxes.json", "-q")
    run("embed", "-q")
    found = dropped(run("duplicates", "--json", "--where", "kind = 'crop'", "--apply").json)
    boxes = ("#xywh=10,20,200,300", "#xywh=260,20,200,300")
    assert found == {f"p/0.jpg{box}": {f"p/3.jpg{box}"} for box in boxes}
    marked = run(
        "export", "csv", "d", "--where", "kind = 'crop' AND duplicate_of IS NOT NULL", "--json"
    )
    assert marked.json["exported"] == 2


# What differs in places


def form(seed: int) -> Image.Image:
    """A page with ruled fields, filled with other values in each."""
    rng = np.random.default_rng(seed)
    page = Image.new("RGB", (480, 640), "white")
    pen = ImageDraw.Draw(page)
    for row in range(12):
        y = 30 + 50 * row
        pen.rectangle((20, y, 460, y + 34), outline="black", width=2)
        pen.rectangle((20, y, 140, y + 34), fill=(210, 220, 235), outline="black", width=2)
        for letter in range(7):
            x = 28 + 15 * letter
            pen.line((x, y + 8, x + 8, y + 26 - 3 * (letter * row % 5)), fill="black", width=3)
        for letter in range(int(rng.integers(6, 18))):
            x = 150 + 17 * letter
            a, b = rng.integers(6, 28, 2)
            pen.line((x, y + int(a), x + 10, y + int(b)), fill=(20, 20, 90), width=3)
            pen.line((x + 10, y + int(a), x, y + 17), fill=(20, 20, 90), width=3)
    return page


@pytest.fixture(scope="module")
def forms(tmp_path_factory):
    """Seven forms filled differently, and one of them saved again."""
    place = tmp_path_factory.mktemp("forms")
    folder = place / "f"
    folder.mkdir()
    for seed in range(7):
        form(seed).save(folder / f"{seed:02}.jpg", quality=90)
    form(3).resize((360, 480)).save(folder / "copy-of-03.jpg", quality=75)
    run = InProcess(place)
    run("add", "f", "-q")
    run("embed", "-q")
    return run


def test_forms_filled_differently_stay(forms):
    document = forms("duplicates", "--json", "--gallery", "pairs.html").json
    assert dropped(document) == {"f/03.jpg": {"f/copy-of-03.jpg"}}
    changed = [pair for pair in document["pairs"] if pair["verdict"] == "changed"]
    assert changed
    regions = [pair["region"] for pair in changed if pair["region"]]
    assert len(regions) > len(changed) / 2
    for region in regions:
        for x, y, width, height in (region["left"], region["right"]):
            assert 0 <= x < x + width <= 480
            assert 0 <= y < y + height <= 640
    page = (forms.folder / "pairs.html").read_text("utf-8")
    assert 'class="box"' in page
    assert "f/copy-of-03.jpg" in page
    assert any("changed" in note for note in document["notes"])


def test_changed_ones_go_if_asked(forms):
    document = forms("duplicates", "--json", "--drop", "changed", "--apply").json
    listed = set().union(*dropped(document).values())
    assert len(listed) > 3
    assert forms("info", "--json").json["duplicates"] == len(listed)
    assert "copies or changed" in forms("duplicates", "--drop", "all", code=2).err
