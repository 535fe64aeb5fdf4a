"""Names are paired with pictures in every spelling, in annotations and in tables, never guessed."""

from __future__ import annotations

import csv
import tempfile
import unicodedata
import xml.etree.ElementTree as ET
from pathlib import Path, PurePosixPath
from urllib.parse import quote

from hypothesis import given, settings
from hypothesis import strategies as st

from tamis.formats.annotations import read_boxes
from tamis.formats.annotations.finding import PictureFinder
from tamis.sources.label_rows import unquoted_cell
from tamis.sources.label_table import TableLabels
from tamis.sources.spelling import decoded, spelling_distance, without_extension
from tamis.sources.spread import Location

LETTERS = "aB1é日_- %+&#'(.ñ"
STEMS = st.text(LETTERS, min_size=1, max_size=10).filter(lambda stem: stem.strip(" .") == stem)
ENDINGS = st.sampled_from([".jpg", ".JPG", ".jpeg", ".png", ".Tif"])
FOLDERS = st.lists(st.sampled_from(["train", "a.b", "images", "é", "train"]), max_size=3)
PATHS = st.builds(
    lambda folders, stem, ending: "/".join([*folders, stem + ending]), FOLDERS, STEMS, ENDINGS
)


def loose(path: str) -> str:
    return without_extension(decoded(path))


def apart(paths: list[str]) -> list[str]:
    """Leave out pictures that another one could be meant by in some spelling."""
    kept: dict[str, str] = {}
    for path in paths:
        keys = {loose(path), decoded(path), without_extension(loose(path)), loose(decoded(path))}
        if not keys & kept.keys():
            kept |= dict.fromkeys(keys, path)
    return list(dict.fromkeys(kept.values()))


WAYS = {
    "to the letter": lambda path: path,
    "composed": lambda path: unicodedata.normalize("NFC", path),
    "decomposed": lambda path: unicodedata.normalize("NFD", path),
    "escaped": quote,
    "escaped whole": lambda path: quote(path, safe=""),
    "other case of the extension": lambda path: str(
        PurePosixPath(path).with_suffix(PurePosixPath(path).suffix.swapcase())
    ),
    "without the extension": without_extension,
    "of Windows": lambda path: path.replace("/", "\\"),
}
SPELLINGS = st.sampled_from(sorted(WAYS))
PICTURES = st.lists(PATHS, min_size=1, max_size=6).map(apart)


@given(pictures=PICTURES, way=SPELLINGS)
def test_an_annotation_finds_its_picture_in_every_spelling(pictures, way):
    uris = [f"/data/{path}" for path in pictures]
    finder = PictureFinder(uris)
    for path, uri in zip(pictures, uris, strict=True):
        found = finder.find(WAYS[way](path), (f"/data/{WAYS[way](path)}",))
        assert found == uri


@given(pictures=st.lists(PATHS, min_size=1, max_size=8, unique=True))
def test_to_the_letter_a_picture_is_found_whatever_lies_beside_it(pictures):
    finder = PictureFinder([f"/data/{path}" for path in pictures])
    for path in pictures:
        assert finder.find("x", (f"/data/{path}",)) == f"/data/{path}"


@given(pictures=st.lists(PATHS, min_size=1, max_size=6, unique=True), name=PATHS)
def test_what_is_found_agrees_with_the_name_but_for_spelling(pictures, name):
    finder = PictureFinder([f"/data/{path}" for path in pictures])
    found = finder.find(name)
    for uri in [found] if isinstance(found, str) else found:
        tail = "/".join(uri.split("/")[-len(name.split("/")) :])
        assert loose(tail) in {loose(name), decoded(name)}


@given(pictures=st.lists(PATHS, min_size=1, max_size=6, unique=True), stem=STEMS)
def test_a_label_file_is_of_no_picture_with_a_shorter_name(pictures, stem):
    finder = PictureFinder([f"/data/{path}" for path in pictures])
    found = finder.find(stem, bare=True)
    for uri in [found] if isinstance(found, str) else found:
        name = PurePosixPath(uri).name
        assert decoded(stem) in {decoded(without_extension(name)), decoded(name)} or (
            spelling_distance(stem, name, bare=True) == 3
        )


@given(pictures=PICTURES)
@settings(deadline=None)
def test_a_yolo_label_file_finds_its_picture_whatever_dots_are_in_its_name(pictures):
    with tempfile.TemporaryDirectory() as folder:
        wanted = {}
        for number, path in enumerate(pictures):
            label = Path(folder, "labels", without_extension(path) + ".txt")
            label.parent.mkdir(parents=True, exist_ok=True)
            label.write_text(f"{number} .5 .5 .1 .1\n")
            wanted[str(number)] = f"{folder}/images/{path}"
        finder = PictureFinder(wanted.values())
        boxes = read_boxes(f"{folder}/labels").entries
        assert {box.label: finder.find_for(box) for box in boxes} == wanted


@given(pictures=PICTURES, way=SPELLINGS, named=st.booleans())
@settings(deadline=None)
def test_a_voc_file_finds_its_picture_by_what_it_says_or_by_its_own_name(pictures, way, named):
    names = apart([PurePosixPath(path).name for path in pictures])
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "Annotations").mkdir()
        wanted = {}
        for number, name in enumerate(names):
            root = ET.Element("annotation")
            if named:
                ET.SubElement(root, "filename").text = WAYS[way](name)
            thing = ET.SubElement(root, "object")
            ET.SubElement(thing, "name").text = str(number)
            box = ET.SubElement(thing, "bndbox")
            for edge, value in (("xmin", 1), ("ymin", 1), ("xmax", 9), ("ymax", 9)):
                ET.SubElement(box, edge).text = str(value)
            file = Path(folder, "Annotations", without_extension(name) + ".xml")
            file.write_bytes(ET.tostring(root, "utf-8"))
            wanted[str(number)] = f"{folder}/JPEGImages/{name}"
        finder = PictureFinder(wanted.values())
        boxes = read_boxes(f"{folder}/Annotations").entries
        assert {box.label: finder.find_for(box) for box in boxes} == wanted


@given(pictures=PICTURES, way=SPELLINGS, inside=st.booleans())
@settings(deadline=None)
def test_a_row_finds_its_picture_in_every_spelling(pictures, way, inside):
    """Paths are relative to the source, or to the table's folder, which holds the source."""
    with tempfile.TemporaryDirectory() as folder:
        table, source = Path(folder, "table.csv"), f"{folder}/source"
        start = "" if inside else "source/"
        with table.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(["path", "label"])
            writer.writerows([WAYS[way](start + path), f"of {path}"] for path in pictures)
        places = [Location(f"{source}/{p}", f"{source}/{p}", source, p) for p in pictures]
        labels = TableLabels(str(table))
        labels.survey(places)
        assert [labels.of(place).label for place in places] == [f"of {p}" for p in pictures]
        assert (labels.matched, labels.without, labels.notes()) == (len(pictures), 0, [])


@given(
    pictures=st.lists(PATHS, min_size=1, max_size=6, unique=True),
    rows=st.lists(PATHS, min_size=1, max_size=6, unique_by=lambda path: loose(unquoted_cell(path))),
    seed=st.randoms(use_true_random=False),
)
@settings(deadline=None)
def test_every_row_and_every_picture_is_accounted_for(pictures, rows, seed):
    """A row is used for one picture at most, in any order, and what got nothing is counted."""
    with tempfile.TemporaryDirectory() as folder:
        results = []
        for _ in range(2):
            table = Path(folder, "table.csv")
            with table.open("w", encoding="utf-8", newline="") as file:
                csv.writer(file).writerows([["path", "label"], *([r, f"of {r}"] for r in rows)])
            places = [Location(f"s/{p}", f"{folder}/s/{p}", "s", p) for p in pictures]
            labels = TableLabels(str(table))
            if not any(spelling_distance(row, p) is not None for row in rows for p in pictures):
                return
            labels.survey(places)
            given_out = {place.relative: labels.of(place).label for place in places}
            used = [label for label in given_out.values() if label is not None]
            assert len(used) == len(set(used)) == labels.matched
            assert labels.without == len(pictures) - len(used)
            for path, label in given_out.items():
                assert label is None or spelling_distance(label[3:], path) is not None
            exact = {path: f"of {path}" for path in pictures if path in rows}
            assert exact.items() <= given_out.items()
            results.append(given_out)
            seed.shuffle(pictures)
            seed.shuffle(rows)
        assert results[0] == results[1]
