"""Whatever breaks in a dataset's folder, every verb says so in one sentence and exits 2."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys

import numpy as np
import pytest

from damaged_datasets import damaged_copy, kinds_of_files, ways_to_break
from filling import ingest
from picture_files import photo_file
from tamis.dataset.layout import remove_drafts
from tamis.dataset.store import Store
from tamis.interfaces.cli.main import main

VERBS = (
    ["info"],
    ["log"],
    ["search", "--like", "photos/1.png"],
    ["export", "csv", "out.csv", "--where", "label IS NULL", "--overwrite"],
    ["check"],
    ["gc"],
    ["undo"],
)
VERBS_ON_TABLES = tuple(verb for verb in VERBS if verb[0] in ("info", "search", "undo"))
VERBS_ON_JSON = tuple(verb for verb in VERBS if verb[0] in ("info", "log", "undo"))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Pictures, one of them bad, and a dataset of them with vectors and marks."""
    folder = tmp_path_factory.mktemp("whole")
    (folder / "photos").mkdir()
    for number in range(4):
        (folder / "photos" / f"{number}.png").write_bytes(photo_file("PNG", seed=number))
    (folder / "photos" / "bad.png").write_bytes(b"no picture")
    before = os.getcwd()  # noqa: PTH109 - to go back to
    os.chdir(folder)
    store = Store.create("whole.tamis")
    ingest(store, ["photos"])
    ids = store.read(["sample_id"])["sample_id"].to_pylist()
    with store.operation("embed") as op:
        column = op.add_vector_column("py:made", "0123456789", 4)
        op.set_vectors(column, ids, np.eye(4, dtype=np.float32))
    with store.operation("label") as op:
        op.set_marks(ids, {"label": ["a", "b", None, None]})
    os.chdir(before)
    return folder


def outcome(capsys, arguments):
    code = main([*arguments, "--quiet"])
    said = capsys.readouterr()
    return code, said.out, said.err


def test_a_whole_dataset_is_used_by_every_verb(folder, monkeypatch, capsys):
    monkeypatch.chdir(folder)
    shutil.copytree("whole.tamis", "dataset.tamis")
    assert [outcome(capsys, verb)[0] for verb in VERBS] == [0] * len(VERBS)
    shutil.rmtree("dataset.tamis")
    assert len(kinds_of_files(folder / "whole.tamis")) > 8


def test_every_damage_is_a_sentence(folder, monkeypatch, capsys, tmp_path):
    monkeypatch.chdir(folder)
    wrong = []
    for kind, file in kinds_of_files(folder / "whole.tamis").items():
        for way in ways_to_break(file):
            copy = damaged_copy(folder / "whole.tamis", file, way, tmp_path / "d.tamis")
            for verb in VERBS_ON_JSON if file.suffix == ".json" else VERBS_ON_TABLES:
                code, _, err = outcome(capsys, [*verb, "-d", str(copy)])
                fine = code == 0 or (code == 1 and verb == ["check"])
                lines = err.strip().splitlines()
                sentence = code == 2 and len(lines) == 1 and lines[0].startswith("tamis: ")
                if not (fine or sentence):
                    wrong.append((kind, way, verb[0], code, lines[-1:]))
            shutil.rmtree(copy)
    assert wrong == []


@pytest.mark.parametrize("way", ["missing", "cut in half"])
def test_a_check_finds_what_is_missing_or_cut(folder, monkeypatch, capsys, tmp_path, way):
    monkeypatch.chdir(folder)
    found = {}
    for kind, file in kinds_of_files(folder / "whole.tamis").items():
        copy = damaged_copy(folder / "whole.tamis", file, way, tmp_path / "d.tamis")
        code, out, _ = outcome(capsys, ["check", "--json", "-d", str(copy)])
        found[kind] = (code, [p["kind"] for p in json.loads(out)["problems"]] if out else [])
        shutil.rmtree(copy)
    for kind, (code, problems) in found.items():
        if "_transactions" in kind:  # only for writers that would merge
            continue
        if way == "missing" and kind == "*.json":
            assert code == 2  # without its description it is no dataset
            continue
        if way == "missing" and kind == "log/*.json":
            assert code == 0  # as if its writer had been killed before it
            continue
        assert (code, problems[:1]) == (1, ["dataset"]), (kind, code, problems)


def test_foreign_files_hinder_nothing(folder, monkeypatch, capsys, tmp_path):
    monkeypatch.chdir(folder)
    copy = tmp_path / "d.tamis"
    shutil.copytree("whole.tamis", copy)
    for place in ("running", "log", "samples.lance/data", "samples.lance", "."):
        (copy / place).mkdir(exist_ok=True)
        for name in (".DS_Store", "._x.json", "Thumbs.db", "note.json", "12.lock", "²²²²²²²².json"):
            (copy / place / name).write_bytes(b"\0\xff")
        (copy / place / "@eaDir").mkdir()
    assert [outcome(capsys, [*verb, "-d", str(copy)])[0] for verb in VERBS] == [0] * len(VERBS)


# Drafts of datasets whose creation was killed


def test_drafts_of_killed_creations_go_when_the_dataset_is_next_used(tmp_path, capsys):
    Store.create(tmp_path / "d.tamis")
    for use in (
        lambda: Store.open(tmp_path / "d.tamis", create=True),
        lambda: Store.open(tmp_path / "d.tamis").gc(),
    ):
        draft = tmp_path / ".d.tamis.0123456789abcdef.tmp"
        (draft / "log").mkdir(parents=True)
        (draft / "log" / "00000001.json").write_text("{}")
        use()
        assert [entry.name for entry in tmp_path.iterdir()] == ["d.tamis"]


def test_a_draft_that_is_being_written_stays(tmp_path):
    draft = tmp_path / ".d.tamis.0123456789abcdef.tmp"
    draft.mkdir()
    writer = (
        "import sys, pathlib; from tamis.dataset.storage import held_folder\n"
        "with held_folder(pathlib.Path(sys.argv[1])) as mine:\n"
        "    print(mine, flush=True); sys.stdin.read()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", writer, str(draft)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout.readline() == "True\n"
        remove_drafts(tmp_path / "d.tamis")
        assert draft.is_dir()
        process.stdin.close()
        process.wait()
    remove_drafts(tmp_path / "d.tamis")
    assert not draft.exists()
