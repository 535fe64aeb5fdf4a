"""Names of exported files: safe, distinct, and the same whatever the order of the rows."""

from __future__ import annotations

from pathlib import PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tamis.formats.exports.names import distinct_names, folder_names, safe_name


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("photo.jpg", "photo.jpg"),
        ("../../etc/passwd", "_.._etc_passwd"),
        ("..", "_"),
        ("", "_"),
        (".hidden.jpg", "hidden.jpg"),
        ("a\\b:c*?.png", "a_b_c__.png"),
        ("trailing. ", "trailing"),
        ("COM1.txt", "_COM1.txt"),
        ("tab\there\x00.jpg", "tab_here_.jpg"),
    ],
)
def test_unsafe_characters_and_names_are_replaced(text: str, name: str) -> None:
    assert safe_name(text) == name


@given(st.text(max_size=400))
def test_a_safe_name_is_one_short_component(text: str) -> None:
    text = text.encode("utf-8", "ignore").decode()
    name = safe_name(text)
    assert PurePosixPath(name).parts == (name,)
    assert 0 < len(name.encode()) <= 200
    assert name not in {".", ".."}
    assert safe_name(name) == name


def test_a_long_name_keeps_its_suffix() -> None:
    assert safe_name("é" * 300 + ".jpeg").endswith("é.jpeg")


def test_values_that_share_a_folder_get_apart() -> None:
    folders = folder_names(["a/b", "a_b", "Cat", "cat", "dog", None], absent="none")
    assert folders["dog"] == "dog"
    assert folders[None] == "none"
    assert len({name.casefold() for name in folders.values()}) == 6


def test_a_label_called_like_the_folder_for_none_is_not_mixed_with_it() -> None:
    folders = folder_names(["none", None], absent="none")
    assert folders["none"] != folders[None]


@given(st.lists(st.sampled_from(["a.jpg", "A.jpg", "b.jpg", "a-00000001.jpg", "m.csv"])), st.data())
def test_names_are_distinct_and_do_not_depend_on_order(
    wanted: list[str], data: st.DataObject
) -> None:
    keys = [f"{number:032x}"[::-1] for number in range(1, len(wanted) + 1)]
    names = distinct_names(wanted, keys, reserved=["m.csv"])
    folded = [name.casefold() for name in names]
    assert len(set(folded)) == len(folded)
    assert "m.csv" not in folded
    order = data.draw(st.permutations(range(len(wanted))))
    shuffled = distinct_names(
        [wanted[i] for i in order], [keys[i] for i in order], reserved=["m.csv"]
    )
    assert dict(zip([keys[i] for i in order], shuffled, strict=True)) == dict(
        zip(keys, names, strict=True)
    )


def test_a_name_wanted_once_stays() -> None:
    assert distinct_names(["x.jpg", "y.jpg"], ["1" * 32, "2" * 32]) == ["x.jpg", "y.jpg"]


def test_composed_and_decomposed_letters_are_one_name() -> None:
    assert len(set(distinct_names(["é.jpg", "é.jpg"], ["1" * 32, "2" * 32]))) == 2
