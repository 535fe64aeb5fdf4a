"""Names as disks and tables have them, through the command line: said, never obeyed, never lost."""

from __future__ import annotations

import csv
import io
import json
import os
import sys

import pytest

import tamis
from picture_files import photo_file
from tamis.interfaces.cli.main import main

BAD = os.fsdecode(b"caf\xe9.jpg")
ESCAPES = {
    "colour": "\x1b[31mred",
    "clear": "\x1b[2Jclear",
    "title": "\x1b]0;title\x07",
    "one byte": "\x9b31mred",
    "back": "a\x08\rb",
    "line": "one\ntwo",
    "turned": "gpj.\u202eexe",
    "emoji": ":smile:[bold]",
}


@pytest.fixture
def place(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def photos(place, *names):
    for number, name in enumerate(names):
        file = place / "photos" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(photo_file(seed=number))


@pytest.fixture
def said(monkeypatch):
    """Run the command line with an stdout of some encoding; returns exit code, stdout, stderr."""

    def run(*arguments, encoding="utf-8"):
        streams = [io.TextIOWrapper(io.BytesIO(), encoding=encoding) for _ in range(2)]
        streams[1].reconfigure(errors="backslashreplace")
        monkeypatch.setattr(sys, "stdout", streams[0])
        monkeypatch.setattr(sys, "stderr", streams[1])
        code = main(list(arguments))
        for stream in streams:
            stream.flush()
        return code, *(stream.buffer.getvalue().decode(encoding) for stream in streams)

    return run


@pytest.mark.parametrize(
    "arguments",
    [
        ("embed", "--encoder", BAD),
        ("search", "--like", BAD),
        ("search", BAD),
        ("filter", BAD),
        ("select", "1", "--where", BAD),
        ("export", "folder", BAD),
        ("export", "csv", BAD),
        ("report", "--out", BAD),
        ("tag", BAD),
        ("info", "-d", BAD),
        ("add", "photos", "-d", BAD),
        ("add", "photos", "--labels", BAD),
        ("add", "photos", "--crops", BAD),
        ("add", "photos", "--encoder", BAD, "--new-only"),
        ("curate", "photos", "--keep", "1", "--out", BAD),
        (BAD,),
    ],
    ids=lambda arguments: " ".join(arguments).encode(errors="replace").decode(),
)
def test_an_argument_that_is_not_utf8_is_a_sentence_and_exit_2(place, said, arguments):
    photos(place, "1.jpg")
    tamis.open("dataset.tamis").add("photos")
    code, _, err = said(*arguments)
    assert code == 2
    assert r"caf\xe9.jpg" in err.replace(r"\udc", r"\x")
    assert "Traceback" not in err


@pytest.mark.skipif(sys.platform == "darwin", reason="its file system refuses such names")
def test_a_file_whose_name_is_not_utf8_takes_no_neighbour_with_it(place, said):
    photos(place, "1.jpg", BAD)
    code, out, _ = said("add", "photos/1.jpg", f"photos/{BAD}", "--json")
    assert code == 0
    document = json.loads(out)
    assert document["added"] == 1
    [failure] = document["failed"]
    assert failure["path"] == r"photos/caf\xe9.jpg"
    code, out, _ = said("log", "--json")
    assert code == 0
    assert json.loads(out)["entries"][1]["params"]["sources"][1] == r"photos/caf\xe9.jpg"
    assert tamis.open("dataset.tamis").store.failures()["path"].to_pylist() == [failure["path"]]


@pytest.mark.skipif(sys.platform == "darwin", reason="its file system refuses such names")
def test_a_watched_file_whose_name_is_not_utf8_is_listed(place, said):
    photos(place, BAD)
    code, out, _ = said("watch", "photos", "--once", "--json")
    assert code == 0
    document = json.loads(out)
    assert (document["seen"], document["kept"], document["failed"]) == (1, 0, 1)
    assert [row["path"] for row in document["reasons"]] == [r"photos/caf\xe9.jpg"]


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp1252", "shift_jis", "utf-8", "utf-16"])
def test_an_stdout_of_any_encoding_serves(place, said, encoding):
    photos(place, "日本.jpg", "é.jpg", "plain.jpg")
    (place / "broken-ß-日.jpg").write_bytes(b"")
    code, out, _ = said("add", "photos", "broken-ß-日.jpg", "-d", "é.tamis", encoding=encoding)
    assert code == 0
    assert "3 added" in out
    code, out, _ = said("info", "-d", "é.tamis", "--json", encoding=encoding)
    assert code == 0
    assert json.loads(out)["dataset"] == "é.tamis"
    assert out.isascii() or encoding == "utf-8"
    code, out, _ = said("log", "-d", "é.tamis", "--json", encoding=encoding)
    asked = json.loads(out)["entries"][1]["params"]["request"]["fields"]
    assert asked["sources"] == ["photos", "broken-ß-日.jpg"]


@pytest.mark.parametrize("text", ESCAPES.values(), ids=ESCAPES)
def test_a_terminal_obeys_no_name(place, said, text):
    photos(place, f"{text}/1.jpg")
    (place / "photos" / f"{text}.jpg").write_bytes(b"")
    for arguments in (
        ("add", "photos", "--labels", "folder"),
        ("add", "photos", "--labels", "folder", "--json"),
        ("info",),
        ("log",),
        ("export", "csv", text),
        ("add", text),
        ("info", "-d", f"{text}.tamis"),
        ("add", f"--{text}"),
    ):
        _, out, err = said(*arguments)
        shown = out + err
        assert not set("\x1b\x07\x08\r\x9b\u202e") & set(shown), arguments
        assert "Traceback" not in err
        assert "😄" not in shown
    assert tamis.open("dataset.tamis").info()["labels"] == {text: 1}


@pytest.mark.parametrize("text", [key for key in ESCAPES if key != "line"])
def test_a_failed_file_is_one_row_of_the_table(place, said, text):
    text = ESCAPES[text]
    photos(place, "1.jpg")
    (place / "photos" / f"{text}.jpg").write_bytes(b"")
    _, out, _ = said("add", "photos")
    assert len(out.strip().splitlines()) == 3


ODD_FOLDERS = [
    "cam1:monday",
    "s3:x",
    "a:b:c",
    "50%25",
    "a#b",
    "what?",
    "it's",
    "a b",
    "-x",
    "~x",
    "@x",
]


@pytest.mark.parametrize("name", ODD_FOLDERS)
@pytest.mark.parametrize("inside", [False, True])
def test_a_dataset_and_its_exports_may_have_any_name(place, name, inside):
    photos(place, f"{name}/1.jpg", f"{name}/2.jpg")
    root = f"{name}/d.tamis" if inside else f"{name}.tamis"
    ds = tamis.open(root)
    assert ds.add("photos").added == 2
    assert tamis.open(root, create=False).info()["samples"] == 2
    for kind, out in (("csv", f"{name}.csv"), ("parquet", f"{name}.parquet"), ("folder", name)):
        folder = "out" if kind == "folder" else "tables"
        for overwrite in (False, True):
            assert ds.export(kind, f"{folder}/{out}", overwrite=overwrite).exported == 2
    for table in (f"tables/{name}.csv", f"tables/{name}.parquet"):
        with open(table, "rb") as file:  # noqa: PTH123
            assert file.read(1)
    ds.undo()


FORMULAS = ["=1+1", "+x", "-x", "@x", "'=1", "''@", "-1", "+2.5e3", "plain", "'tis"]


def test_no_cell_of_a_manifest_is_a_formula_and_all_are_read_back(place):
    names = [f"{text}.jpg" for text in FORMULAS]
    photos(place, *(f"{text}/{text}.jpg" for text in FORMULAS))
    ds = tamis.open("first.tamis")
    ds.add("photos", labels="folder")
    ds.export("csv", "labels.csv", columns=["uri", "label", "path", "split"])
    with open("labels.csv", encoding="utf-8", newline="") as file:  # noqa: PTH123
        cells = [cell for row in list(csv.reader(file))[1:] for cell in row if cell]
    assert {cell for cell in cells if cell[0] in "=+-@\t\r"} == {"-1", "+2.5e3"}
    again = tamis.open("second.tamis")
    report = again.add("photos", labels="labels.csv")
    assert (report.labeled, report.unlabeled, report.notes) == (len(names), 0, [])
    columns = ["path", "label"]
    assert again.table(columns).to_pylist() == ds.table(columns).to_pylist()
