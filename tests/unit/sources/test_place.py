"""One spelling for each place, whichever way it is named."""

from __future__ import annotations

import os
import unicodedata
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tamis.sources import place
from tamis.sources.image_reference import ImageReference
from tamis.sources.place import Places


@pytest.fixture
def tree(tmp_path, monkeypatch):
    """A folder of pictures, a link to it and a link to one of them, seen from the folder."""
    (tmp_path / "photos" / "inner").mkdir(parents=True)
    for name in ("a.jpg", "inner/b.jpg", "café.jpg"):
        (tmp_path / "photos" / name).write_bytes(name.encode())
    (tmp_path / "link").symlink_to(tmp_path / "photos", target_is_directory=True)
    (tmp_path / "a-link.jpg").symlink_to(tmp_path / "photos" / "a.jpg")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    "spelling",
    [
        "photos/a.jpg",
        "./photos/a.jpg",
        "photos//a.jpg",
        "photos/../photos/a.jpg",
        "photos/inner/../a.jpg",
        "link/a.jpg",
        "link/inner/../a.jpg",
        "a-link.jpg",
    ],
)
def test_spellings_of_a_file_are_one_place(tree, spelling):
    expected = str(tree / "photos" / "a.jpg")
    assert Places().of(spelling) == expected
    assert Places().of(str(tree / spelling)) == expected


def test_a_folder_has_no_slash_at_its_end(tree):
    assert Places().of("photos/") == Places().of("link") == str(tree / "photos")


@pytest.mark.parametrize("inner", ["1.jpg", "frame=12", "cats/1.jpg"])
def test_what_lies_in_a_file_goes_with_it(tree, inner):
    (tree / "photos" / "cats.zip").write_bytes(b"PK")
    assert Places().of(f"link/cats.zip!{inner}") == f"{tree}/photos/cats.zip!{inner}"


def test_a_file_that_bears_the_whole_name_is_that_file(tree):
    (tree / "wow!.jpg").write_bytes(b"")
    assert ImageReference.parse(str(tree / "wow!.jpg")).inside is None
    assert Places().of("./wow!.jpg") == f"{tree}/wow!.jpg"


def test_what_is_gone_still_has_a_place(tree):
    assert Places().of("link/no/../gone.jpg") == f"{tree}/photos/gone.jpg"
    assert Places().of("link/gone.mp4!frame=3") == f"{tree}/photos/gone.mp4!frame=3"


@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_composed_and_decomposed_letters_name_the_one_file_there_is(tree, form):
    spelt = unicodedata.normalize(form, "photos/café.jpg")
    assert Places().of(spelt) == f"{tree}/photos/café.jpg"


def test_two_files_that_differ_in_composition_are_two_places(tree):
    other = unicodedata.normalize("NFD", "photos/café.jpg")
    Path(other).write_bytes(b"other")
    assert Places().of(other) != Places().of("photos/café.jpg")


def test_where_the_file_system_folds_names_spellings_are_one_place(tree, monkeypatch):
    # what a file system that folds case and composition answers
    def fold(path):
        return unicodedata.normalize("NFC", os.fspath(path)).casefold()

    monkeypatch.setattr(place, "_same_file", lambda one, other: fold(one) == fold(other))
    spellings = [
        "photos/café.jpg",
        "Photos/CAFÉ.jpg",
        unicodedata.normalize("NFD", "photos/CAFé.JPG"),
    ]
    assert len({Places().of(spelling) for spelling in spellings}) == 1
    assert Places().of("photos/a.jpg") != Places().of("photos/b.jpg")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(
    detours=st.lists(
        st.sampled_from(["./", "photos/../", "link/../photos/../", "photos/inner/../../", "/"]),
        max_size=4,
    ),
    root=st.sampled_from(["photos", "link", "photos/inner/..", "link/inner/.."]),
)
def test_no_detour_changes_a_place(tree, detours, root):
    way = "".join(detours).lstrip("/")
    assert Places().of(f"{way}{root}/a.jpg") == f"{tree}/photos/a.jpg"
