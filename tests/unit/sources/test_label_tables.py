from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tamis.errors import InputError, UsageError
from tamis.sources.folder_labels import FolderLabels
from tamis.sources.label_rows import quoted_cell
from tamis.sources.label_table import TableLabels
from tamis.sources.labels import open_labels
from tamis.sources.marks import Marks, NoLabels
from tamis.sources.spread import Location


def located(relative: str, root: Path, source: str = "photos") -> Location:
    return Location(f"{source}/{relative}", str(root / relative), source, relative)


def table(path: Path, text: str, encoding: str = "utf-8") -> TableLabels:
    path.write_text(text, encoding=encoding)
    return TableLabels(str(path))


def asked(labels: TableLabels, *locations: Location) -> list[Marks]:
    """What a table says of pictures, after it has seen all of them."""
    labels.survey(locations)
    return [labels.of(location) for location in locations]


def test_labels_come_from_one_of_three_places(tmp_path: Path) -> None:
    (tmp_path / "labels.csv").write_text("path,label\na.jpg,cat\n")
    assert isinstance(open_labels("none"), NoLabels)
    assert open_labels("none").of(located("cats/1.jpg", tmp_path)) == Marks()
    assert isinstance(open_labels("folder"), FolderLabels)
    assert isinstance(open_labels(str(tmp_path / "labels.csv")), TableLabels)
    with pytest.raises(UsageError, match="level 2 says which folder"):
        open_labels("none", 2)


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

    pictures = [
        located("a.jpg", root),
        located("cats/b.jpg", root),
        located("c.jpg", root),
        located("d.jpg", Path("/data"), "elsewhere"),
        located("cats/e.jpg", root),
        located("other.jpg", root),
    ]
    assert asked(labels, *pictures) == [
        Marks("from the table", "train"),
        Marks("from the source", "test"),
        Marks("absolute"),
        Marks("as given", "val"),
        Marks("spelt oddly"),
        Marks(),
    ]
    assert (labels.rows, labels.matched, labels.without) == (6, 5, 1)
    first, second = labels.notes()
    assert "1 of 6 rows" in first
    assert "nowhere.jpg" in first
    assert "1 of 6 pictures got nothing" in second
    assert "photos/other.jpg" in second


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

    assert asked(labels, located("a.jpg", tmp_path)) == [Marks("cat")]
    assert labels.rows == 1


def test_windows_paths(tmp_path: Path) -> None:
    labels = table(tmp_path / "labels.csv", "path,label\ncats\\a.jpg,cat\n")

    assert asked(labels, located("cats/a.jpg", Path("/data"))) == [Marks("cat")]


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

    pictures = [located("a.jpg", tmp_path), located("b.jpg", tmp_path)]
    assert asked(found, *pictures) == [Marks("cat"), Marks()]


def test_numbers_become_labels(tmp_path: Path) -> None:
    columns = {"path": ["a.jpg"], "label": [3], "split": ["test"]}
    pq.write_table(pa.table(columns), tmp_path / "labels.parquet")

    found = TableLabels(str(tmp_path / "labels.parquet"))

    assert asked(found, located("a.jpg", tmp_path)) == [Marks("3", "test")]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"file,label\na.jpg,cat\n", "needs a column 'path'.*it has file, label"),
        (b"path,notes\na.jpg,cat\n", "a column 'label' or 'split'"),
        (b"", "it has none"),
        (b"path,label\na.jpg,cat\na.jpg,dog\n", "says two things of a.jpg: cat and dog"),
        (b"path,label,split\na.jpg,cat,\na.jpg,cat,test\n", "two things .*: cat and cat / test"),
        (b"path,label\n\xff\xfe.jpg,cat\n", "not UTF-8 .* save it as UTF-8"),
        ("path,label\na.jpg,cat\n".encode("utf-16"), "not UTF-8 .* save it as UTF-8"),
        (b"path,label\n", "no row with a path"),
        (b"path,label\n,cat\n", "no row with a path"),
        (b"path,label,label\na.jpg,cat,dog\n", "has 2 columns 'label'"),
        (b"Path,label,path\na.jpg,cat,b.jpg\n", "has 2 columns 'path'"),
        (b"path,label\na,b.jpg,cat\n", "line 2 .* has 3 cells and the header 2"),
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

    with pytest.raises(InputError, match=r"none of the 1 paths .* such as wrong/a.jpg, .* b.jpg"):
        labels.survey([other])
    labels.survey([other, right])
    assert labels.of(right) == Marks("cat")


def test_a_path_that_fits_several_pictures_is_given_to_none(tmp_path: Path) -> None:
    labels = table(tmp_path / "labels.csv", "path,label\na,cat\nb,dog\n")
    one, other, third = (located(name, tmp_path) for name in ("a.jpg", "a.png", "b.jpg"))
    assert asked(labels, one, other, third) == [Marks(), Marks(), Marks("dog")]
    several, _ = labels.notes()
    assert "1 row " in several
    assert f"a: {tmp_path}/a.jpg or {tmp_path}/a.png" in several


def test_rows_that_fit_a_picture_as_well_and_differ_are_given_to_none(tmp_path: Path) -> None:
    root = tmp_path / "photos"
    labels = table(tmp_path / "labels.csv", "path,label\nphotos/a.jpg,cat\na.jpg,dog\nb.jpg,owl\n")
    assert asked(labels, located("a.jpg", root), located("b.jpg", root)) == [Marks(), Marks("owl")]
    assert "says two things of 1 pictures" in labels.notes()[0]


def test_a_row_goes_to_the_picture_that_it_fits_best(tmp_path: Path) -> None:
    """The same relative path below the table's folder and, once more, below the source."""
    labels = table(tmp_path / "labels.csv", "path,label\nphotos/a.jpg,cat\n")
    near, far = located("a.jpg", tmp_path / "photos"), located("photos/a.jpg", tmp_path / "photos")
    assert asked(labels, near, far) == [Marks("cat"), Marks()]


@pytest.mark.parametrize("kind", [pa.float64(), pa.float32()])
def test_what_is_not_a_number_is_no_label(tmp_path: Path, kind: pa.DataType) -> None:
    values = pa.array([1.0, float("nan"), None], kind)
    pq.write_table(pa.table({"path": ["a", "b", "c"], "label": values}), tmp_path / "l.parquet")
    found = TableLabels(str(tmp_path / "l.parquet"))
    pictures = [located(f"{name}.jpg", tmp_path) for name in "abc"]
    assert asked(found, *pictures) == [Marks("1"), Marks(), Marks()]
    assert found.without == 2


@pytest.mark.parametrize("cell", ["nan", "NaN", "<NA>", "", "  "])
def test_a_missing_value_in_a_text_is_no_label(tmp_path: Path, cell: str) -> None:
    labels = table(tmp_path / "labels.csv", f"path,label\na.jpg,{cell}\n")
    assert asked(labels, located("a.jpg", tmp_path)) == [Marks()]


@pytest.mark.parametrize("text", ["'=1+1", "'-x", "'@a", "'+b", "''=a"])
def test_a_cell_that_was_kept_from_being_a_formula_is_what_it_was(
    tmp_path: Path, text: str
) -> None:
    assert quoted_cell(text[1:]) == text
    labels = table(tmp_path / "labels.csv", f"path,label\na.jpg,{text}\n")
    assert asked(labels, located("a.jpg", tmp_path)) == [Marks(text[1:])]


def test_rows_without_a_path_are_counted_and_empty_ones_are_not(tmp_path: Path) -> None:
    labels = table(tmp_path / "t.csv", "path,label,split\na.jpg,cat,\n,dog,\n,,test\n,,\n")
    assert asked(labels, located("a.jpg", tmp_path)) == [Marks("cat")]
    assert labels.notes() == [f"2 rows of {labels.file} without a path, given to none"]
