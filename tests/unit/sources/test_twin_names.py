"""Pairs such as `7.jpg` and `7.png`: found by folder, name and size, whatever the order."""

from __future__ import annotations

import pytest

from tamis.sources.spread import Location
from tamis.sources.twin_names import TwinNames

SIZE = (160, 120)


def twins(listed: list[str], sizes: dict[str, tuple[int, int]] | None = None) -> str | None:
    found = TwinNames()
    for path in listed:
        found.see(Location(path, f"/d/{path}", ".", path))
    found.listed()
    for path in listed:
        found.measured(f"/d/{path}", *(sizes or {}).get(path, SIZE))
    return found.note()


def test_pairs_are_named_with_how_to_leave_them_out():
    said = twins(["a/1.jpg", "a/1.png", "a/2.JPG", "a/2.png", "a/3.jpg"])
    assert said is not None
    assert "2 pairs" in said
    assert "/d/a/1.jpg and 1.png" in said
    assert "the pattern '*.png'" in said


def test_a_folder_in_between_does_not_part_them():
    assert twins(["a/1.jpg", "a/1.more/2.jpg", "a/1.png"])
    assert twins(["a/b.jpg", "a/b/1.jpg", "a/b/1.png", "a/b.png"]).startswith("2 pairs")


@pytest.mark.parametrize("folders", [("Imgs", "GT"), ("GT", "Imgs"), ("im", "mask")])
@pytest.mark.parametrize("classes", [["."], ["wood", "stone"], [f"{i:02d}" for i in range(9)]])
def test_masks_in_a_folder_beside_are_named_by_it(folders, classes):
    photographs, masks = folders if folders[0] != "GT" else folders[::-1]
    listed = []
    for top in classes:
        for folder in folders:
            ending = "jpg" if folder == photographs else "png"
            listed += [f"{top}/{folder}/{name}.{ending}" for name in range(3)]
    said = twins(listed)
    assert said is not None
    assert f"{3 * len(classes)} pairs" in said
    assert f"the pattern '{masks}'" in said


def test_masks_in_a_folder_of_an_archive_are_named_by_it():
    assert "the pattern 'GT'" in twins(["all.zip!GT/1.png", "all.zip!Imgs/1.jpg"])


@pytest.mark.parametrize(
    "listed",
    [
        ["a/1.jpg", "b/2.png"],
        ["a/1.jpg", "b/1.png", "b/2.jpg"],
        ["a/1.jpg", "b/1.png", "b/2.png"],
        ["a/1.jpg", "b/c/1.png"],
        ["a/1.jpg", "b/1.jpg", "c/1.jpg", "d/1.jpg", "e/1.jpg", "f/1.png"],
        ["a/1.jpg", "a/1.x.png"],
        ["a/1.jpg", "a/1.jpeg"],
        ["a/1.png", "a/1.gif"],
        ["a/1.jpg"],
        [],
    ],
)
def test_what_is_no_pair_is_not_named(listed):
    assert twins(listed) is None


def test_pairs_of_two_sizes_are_not_named():
    assert twins(["a/1.jpg", "a/1.png"], {"a/1.png": (80, 60)}) is None
