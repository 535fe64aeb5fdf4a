"""Which folder's name becomes the label."""

from __future__ import annotations

import pytest

from tamis.errors import InputError
from tamis.sources.folder_labels import FolderLabels
from tamis.sources.spread import Location


def located(path: str, source: str = "photos") -> Location:
    """A picture below a source, by its path with the source."""
    return Location(path, f"/data/{path}", source, path.removeprefix(f"{source}/"))


def labels_of(*paths: str, level: int | None = None, sources: tuple[str, ...] = ("photos",)):
    """The level that was taken, and each picture's label."""
    pictures = [
        located(path, next(source for source in sources if path.startswith(f"{source}/")))
        for path in paths
    ]
    labels = FolderLabels(level)
    labels.survey(pictures)
    return labels.level, [labels.of(picture).label for picture in pictures]


def test_the_folder_that_holds_the_pictures_is_the_label():
    paths = ("photos/cats/1.jpg", "photos/dogs/2.jpg", "photos/3.jpg")
    assert labels_of(*paths) == (-1, ["cats", "dogs", None])


@pytest.mark.parametrize("files", ["Imgs", "images", "JPEGImages", "RGB", "photos", "same"])
def test_a_folder_that_all_have_in_common_is_no_label(files):
    paths = (f"photos/wood/{files}/1.jpg", f"photos/stone/{files}/1.jpg")
    assert labels_of(*paths) == (-2, ["wood", "stone"])


@pytest.mark.parametrize("files", [("Imgs", "Masks"), ("train", "test"), ("Train", "valid")])
def test_folders_of_kinds_of_files_or_of_splits_tell_no_classes_apart(files):
    paths = [f"photos/{name}/{kind}/1.jpg" for name in ("wood", "stone") for kind in files]
    assert labels_of(*paths) == (-2, ["wood", "wood", "stone", "stone"])


def test_splits_above_the_classes_change_nothing():
    paths = ("photos/train/cats/1.jpg", "photos/test/dogs/2.jpg")
    assert labels_of(*paths) == (-1, ["cats", "dogs"])


def test_a_class_may_be_called_like_a_kind_of_file():
    paths = ("photos/masks/1.jpg", "photos/hats/2.jpg", "photos/gloves/2.jpg")
    assert labels_of(*paths) == (-1, ["masks", "hats", "gloves"])


def test_sources_that_are_one_class_each_are_labels():
    paths = ("in/cats/1.jpg", "in/dogs/2.jpg")
    assert labels_of(*paths, sources=("in/cats", "in/dogs")) == (-1, ["cats", "dogs"])
    paths = ("in/cats/Imgs/1.jpg", "in/dogs/Imgs/2.jpg")
    assert labels_of(*paths, sources=("in/cats", "in/dogs")) == (-2, ["cats", "dogs"])


@pytest.mark.parametrize("below", ["", "train/", "Imgs/"])
def test_a_single_source_that_is_one_class_is_the_label(below):
    _, labels = labels_of(f"cats/{below}1.jpg", f"cats/{below}2.jpg", sources=("cats",))
    assert labels == ["cats", "cats"]


def test_what_lies_in_a_source_beside_classes_has_no_label():
    paths = ("photos/1.jpg", "photos/cats/1.jpg", "in/dogs/2.jpg")
    assert labels_of(*paths, sources=("photos", "in/dogs")) == (-1, [None, "cats", "dogs"])


def test_the_result_does_not_depend_on_the_order():
    paths = ["photos/1.jpg", "photos/a/Imgs/1.jpg", "photos/b/Imgs/1.jpg", "photos/b/x/2.jpg"]
    level, labels = labels_of(*paths)
    assert labels_of(*paths[::-1]) == (level, labels[::-1])


@pytest.mark.parametrize(
    ("level", "label"), [(0, "photos"), (1, "a"), (2, "b"), (-1, "c"), (-3, "a"), (-4, "photos")]
)
def test_a_level_that_was_asked_for_is_taken(level, label):
    assert labels_of("photos/a/b/c/1.jpg", level=level) == (level, [label])


def test_pictures_that_lie_less_deep_have_no_label_at_a_level():
    paths = ("photos/a/b/1.jpg", "photos/a/1.jpg")
    assert labels_of(*paths, level=2) == (2, ["b", None])


@pytest.mark.parametrize("level", [3, -4, 10**9])
def test_a_level_at_which_no_folder_lies_is_refused(level):
    with pytest.raises(InputError, match=f"no picture lies in a folder at level {level}"):
        labels_of("photos/a/b/1.jpg", level=level)


def test_files_that_are_named_and_archives_have_no_source_to_be_called_by():
    labels = FolderLabels()
    named = Location("cats/1.jpg", "/data/cats/1.jpg", "cats/1.jpg", "1.jpg")
    member = Location("a.zip!1.jpg", "/data/a.zip!1.jpg", "a.zip", "1.jpg")
    inside = Location("a.zip!cats\\1.jpg", "/data/a.zip!cats\\1.jpg", "a.zip", "cats\\1.jpg")
    frame = Location("cats/v.mp4!frame=3", "/data/cats/v.mp4!frame=3", "cats/v.mp4", "v.mp4")
    labels.survey([named, member, inside])
    assert [labels.of(one).label for one in (named, member, inside, frame)] == [
        None,
        None,
        "cats",
        None,
    ]


def test_what_was_taken_is_said():
    labels = FolderLabels()
    pictures = [located(f"photos/{name}/Imgs/1.jpg") for name in ("a", "b", "c", "d")]
    labels.survey([*pictures, located("photos/1.jpg")])
    for picture in [*pictures, pictures[0], located("photos/1.jpg")]:
        labels.of(picture)
    [sentence] = labels.notes()
    assert "the folders 1 above those that hold the pictures" in sentence
    assert "a 2, b 1, c 1 and 1 more" in sentence
    assert "1 picture has none" in sentence
