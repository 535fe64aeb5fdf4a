from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from sample_rows import content, insert, sample_rows
from tamis.dataset.layout import FORMAT
from tamis.dataset.store import Store
from tamis.errors import (
    DatasetError,
    DatasetMissingError,
    DatasetTooNewError,
    StorageError,
    UsageError,
)


def test_opening_nothing_says_how_to_make_it(tmp_path: Path) -> None:
    place = tmp_path / "none.tamis"
    with pytest.raises(DatasetMissingError, match=r"no dataset at .*none\.tamis.*tamis add"):
        Store.open(place)
    assert not place.exists()


@pytest.mark.parametrize("kind", ["folder", "file", "folder in file"])
def test_what_is_no_dataset_is_not_opened_nor_overwritten(tmp_path: Path, kind: str) -> None:
    place = tmp_path / "pictures"
    if kind == "folder":
        place.mkdir()
        (place / "cat.jpg").write_bytes(b"miaow")
    else:
        place.write_bytes(b"miaow")
    if kind == "folder in file":
        with pytest.raises((DatasetError, StorageError)):
            Store.create(place / "x.tamis")
        return
    with pytest.raises(DatasetMissingError, match="pictures is not a tamis dataset"):
        Store.open(place)
    with pytest.raises(DatasetMissingError, match="pictures is not a tamis dataset"):
        Store.open(place, create=True)
    with pytest.raises(DatasetError, match=r"cannot create a dataset at .*: something lies there"):
        Store.create(place)
    assert (place if kind == "file" else place / "cat.jpg").read_bytes() == b"miaow"


def test_open_can_create_once(tmp_path: Path) -> None:
    place = tmp_path / "deep" / "new.tamis"
    insert(Store.open(place, create=True), 0, 3)
    assert Store.open(place, create=True).count() == 3
    assert [file.name for file in place.parent.iterdir()] == ["new.tamis"]


def test_an_empty_folder_becomes_a_dataset(tmp_path: Path) -> None:
    place = tmp_path / "empty.tamis"
    place.mkdir()
    assert Store.open(place, create=True).count() == 0


def test_a_relative_path_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    insert(Store.create("here.tamis"), 0, 3)
    assert Store.open("here.tamis").count() == 3
    assert Store.open(Path("here.tamis")).path == Path("here.tamis")


def test_a_later_format_is_refused_untouched(store: Store) -> None:
    description = store.path / "dataset.json"
    description.write_text(json.dumps({"format": FORMAT + 1, "shiny": True}))
    with pytest.raises(
        DatasetTooNewError,
        match=rf"later version of tamis \(format {FORMAT + 1}, this one reads up to {FORMAT}\): up",
    ):
        Store.open(store.path, create=True)


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"format": "x"}', '{"format": null}'])
def test_a_damaged_description_is_named(store: Store, text: str) -> None:
    (store.path / "dataset.json").write_text(text)
    with pytest.raises(DatasetError, match=r"dataset\.json is damaged"):
        Store.open(store.path)


def test_a_damaged_snapshot_is_named(store: Store) -> None:
    insert(store, 0, 3)
    (store.path / "log" / "00000002.json").write_text('{"snapshot": 2}')
    with pytest.raises(DatasetError, match=r"00000002\.json is damaged"):
        Store.open(store.path)


def test_a_missing_data_file_is_named_as_such(store: Store) -> None:
    insert(store, 0, 3)
    for file in (store.path / "samples.lance" / "data").iterdir():
        file.unlink()
    with pytest.raises(StorageError, match=r"a file of the dataset is missing .*backup"):
        Store.open(store.path).read(["width"])


def test_an_unknown_snapshot_or_tag_is_named(store: Store) -> None:
    with pytest.raises(UsageError, match=r"no snapshot 7 in .*; they go from 1 to 1"):
        Store.open(store.path, snapshot=7)
    with pytest.raises(UsageError, match="no snapshot 7 in"):
        Store.open(store.path, snapshot="7")


if TYPE_CHECKING:
    from collections.abc import Iterator

TESTS = Path(__file__).parents[2]

OTHER_USER = """
import os, sys
from pathlib import Path
import lance, numpy, pyarrow.compute
from tamis.dataset.store import Store
from tamis.errors import StorageError
sys.path.insert(0, sys.argv[2])
from sample_rows import sample_rows

path = Path(sys.argv[1])
if os.geteuid() == 0:
    os.setgid(65534)
    os.setuid(65534)
store = Store.open(path)
assert store.count("width < 2") == 2
assert store.log()[-1].verb == "add"
for change in (
    lambda: store.operation("add").__exit__(None, None, None),
    store.undo,
    store.gc,
    lambda: store.tag("mine"),
    lambda: Store.create(path.parent / "new.tamis"),
):
    try:
        change()
    except StorageError as error:
        assert "permission denied" in str(error), error
    else:
        raise AssertionError("was allowed")
os.chdir("/")
path_of_all = Path(sys.argv[3])
try:
    Store.open(path_of_all)
except StorageError as error:
    assert "permission denied" in str(error), error
else:
    raise AssertionError("was allowed")
"""


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that other users may enter, as pytest's own are closed to them."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        folder.chmod(0o755)
        yield folder
        for path in [folder, *folder.rglob("*")]:
            path.chmod(0o755)


def test_without_permission_to_write_one_can_read(open_folder: Path) -> None:
    store = Store.create(open_folder / "birds.tamis")
    insert(store, 0, 3)
    before = content(store)
    private = open_folder / "private"
    Store.create(private / "birds.tamis")
    for path in [*store.path.rglob("*"), store.path, open_folder]:
        path.chmod(0o555 if path.is_dir() else 0o444)
    private.chmod(0)
    done = subprocess.run(
        [sys.executable, "-c", OTHER_USER, store.path, TESTS, private / "birds.tamis"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert content(Store.open(store.path)) == before


def test_a_failed_create_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(Path, "rename", refuse)
        with pytest.raises(StorageError, match=r"could not create .*: the disk is full"):
            Store.create(tmp_path / "new.tamis")
    assert list(tmp_path.iterdir()) == []
    with Store.create(tmp_path / "new.tamis").operation("add") as op:
        assert op.insert(sample_rows(0, 3)).added == 3
