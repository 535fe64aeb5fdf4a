from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tamis.data.sources.folder_labels import FolderLabels
from tamis.data.sources.label_table import TableLabels
from tamis.data.sources.labels import open_labels
from tamis.data.sources.locations import Location
from tamis.data.sources.marks import Marks, NoLabels
from tamis.errors import InputError


def located(relative: str, root: Path, source: str = "photos") -> Location:
    return Location(f"{source}/{relative}", str(root / relative), source, relative)


def table(path: Path, text: str, encoding: str = "utf-8") -> TableLabels:
    path.write_text(text, encoding=encoding)
    return TableLabels(str(path))


def test_no_labels_and_folder_labels(tmp_path: Path) -> None:
    assert isinstance(open_labels("none"), NoLabels)
    assert open_labels("none").of(located("cats/1.jpg", tmp_path)) == Marks()
    assert isinstance(open_labels("folder"), FolderLabels)
    assert open_labels("folder").of(located("train/cats/1.jpg", tmp_path)) == Marks("cats")
    assert open_labels("folder").of(located("1.jpg", tmp_path)) == Marks()
    assert open_labels("folder").of(located("cats\\1.jpg", tmp_path)) == Marks("cats")


def test_paths_are_found_in_four_ways(tmp_path: Path) -> None:
    root = tmp_path / "photos"
    labels = table(
        tmp_path / "labels.csv",
        "path,label,split\n"
        "photos/a.jpg,from the table,train\n"
        "cats/b.jpg,from the source,test\n"
        f"{root}/c.jpg,absolute,\n"
        "elsewhere/d.jpg,as given,val\n"
        "cats/../cats/./e.jpg,spelt oddly,\n"
        "nowhere.jpg,unused,train\n",
    )

    assert labels.of(located("a.jpg", root)) == Marks("from the table", "train")
    assert labels.of(located("cats/b.jpg", root)) == Marks("from the source", "test")
    assert labels.of(located("c.jpg", root)) == Marks("absolute")
    assert labels.of(located("d.jpg", Path("/data"), "elsewhere")) == Marks("as given", "val")
    assert labels.of(located("cats/e.jpg", root)) == Marks("spelt oddly")
    assert labels.of(located("other.jpg", root)) == Marks()
    assert labels.of(located("a.jpg", root)) == Marks("from the table", "train")
    assert (labels.rows, labels.matched) == (6, 5)


@pytest.mark.parametrize(
    ("name", "text", "encoding"),
    [
        ("labels.csv", "path,label\na.jpg,cat\n", "utf-8"),
        ("labels.csv", "path,label\r\na.jpg,cat\r\n", "utf-8-sig"),
        ("labels.csv", "Label; Path\ncat ; a.jpg \n", "utf-8"),
        ("labels.tsv", "PATH\tlabel\na.jpg\tcat\n", "utf-8"),
        ("labels.csv", 'label,notes,path\ncat,"a ""good"", one",a.jpg\n', "utf-8"),
        ("labels.csv", "path,label,split\na.jpg,cat\n\n,dog,\n", "utf-8"),
        ("labels.csv", "path,label\na.jpg,cat\na.jpg,cat\n", "utf-8"),
    ],
)
def test_spellings_of_a_table(name: str, text: str, encoding: str, tmp_path: Path) -> None:
    labels = table(tmp_path / name, text, encoding)

    assert labels.of(located("a.jpg", tmp_path)) == Marks("cat")
    assert labels.rows == 1


def test_windows_paths(tmp_path: Path) -> None:
    labels = table(tmp_path / "labels.csv", "path,label\ncats\\a.jpg,cat\n")

    assert labels.of(located("cats/a.jpg", Path("/data"))) == Marks("cat")


@pytest.mark.parametrize(
    "labels",
    [
        pa.array(["cat", None]),
        pa.array(["cat", None]).dictionary_encode(),
        pa.array(["cat", ""], pa.large_string()),
    ],
)
def test_parquet(labels: pa.Array, tmp_path: Path) -> None:
    columns = {"extra": [[1], [2]], "path": ["a.jpg", "b.jpg"], "label": labels}
    pq.write_table(pa.table(columns), tmp_path / "labels.parquet")

    found = TableLabels(str(tmp_path / "labels.parquet"))

    assert found.of(located("a.jpg", tmp_path)) == Marks("cat")
    assert found.of(located("b.jpg", tmp_path)) == Marks()


def test_numbers_become_labels(tmp_path: Path) -> None:
    columns = {"path": ["a.jpg"], "label": [3], "split": ["test"]}
    pq.write_table(pa.table(columns), tmp_path / "labels.parquet")

    found = TableLabels(str(tmp_path / "labels.parquet"))

    assert found.of(located("a.jpg", tmp_path)) == Marks("3", "test")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"file,label\na.jpg,cat\n", "needs a column 'path'.*it has file, label"),
        (b"path,notes\na.jpg,cat\n", "a column 'label' or 'split'"),
        (b"", "it has none"),
        (b"path,label\na.jpg,cat\na.jpg,dog\n", "says two things of a.jpg: cat and dog"),
        (b"path,label,split\na.jpg,cat,\na.jpg,cat,test\n", "two things .*: cat and cat / test"),
        (b"path,label\n\xff\xfe.jpg,cat\n", "cannot read the label file"),
    ],
)
def test_a_table_that_cannot_be_used(content: bytes, message: str, tmp_path: Path) -> None:
    (tmp_path / "labels.csv").write_bytes(content)

    with pytest.raises(InputError, match=message):
        open_labels(str(tmp_path / "labels.csv"))


def test_a_table_that_is_missing_or_rubbish(tmp_path: Path) -> None:
    (tmp_path / "labels.parquet").write_bytes(b"rubbish")

    with pytest.raises(InputError, match="there is no label file 'folders'; labels are 'none'"):
        open_labels("folders")
    with pytest.raises(InputError, match="cannot read the label file"):
        open_labels(str(tmp_path / "labels.parquet"))
    with pytest.raises(InputError, match="cannot read the label file"):
        open_labels(str(tmp_path))


def test_a_table_that_matches_nothing_is_an_error(tmp_path: Path) -> None:
    labels = table(tmp_path / "labels.csv", "path,label\nwrong/a.jpg,cat\n")
    right, other = located("wrong/a.jpg", tmp_path), located("b.jpg", tmp_path)

    labels.require_match([other, right])
    assert labels.matched == 0
    with pytest.raises(InputError, match=r"none of the 1 paths .* such as wrong/a.jpg .* b.jpg"):
        labels.require_match([other])
