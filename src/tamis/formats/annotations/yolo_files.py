"""Which text files of a YOLO dataset are labels, and where they are looked for."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from tamis.sources.folder import is_hidden

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from tamis.formats.annotations.yolo_settings import YoloSettings

__all__ = ["files_below", "holds_boxes", "label_files", "label_folders", "labels_at"]

_LIST_NAMES = {"classes", "train", "val", "valid", "test", "requirements"}
_FOR_PEOPLE = ("readme", "license")
_LEAST_NUMBERS = 5
_LOOKED_AT = 64 << 10


def files_below(folder: Path, *endings: str) -> list[Path]:
    """Return the files below a folder by their endings, sorted, without what is hidden."""
    found = []
    for place, inner, names in os.walk(folder):
        inner[:] = [name for name in inner if not is_hidden(name)]
        found += [
            Path(place, name)
            for name in names
            if name.lower().endswith(endings) and not is_hidden(name)
        ]
    return sorted(found, key=lambda file: file.parts)


def label_files(files: Sequence[Path]) -> tuple[list[Path], list[Path]]:
    """Tell label files from other text files.

    Lists of pictures or classes and what is to be read by people are neither, but a file of such
    a name that is full of numbers is: `train.txt` may belong to `train.jpg`.

    Returns:
        Label files: those in folders called `labels`, or all if there are none. And those that
        are passed over for that.
    """
    labels = [file for file in files if not _is_list(file)]
    inside = [file for file in labels if labels_at(file.parts[:-1]) is not None]
    if not inside:
        return labels, []
    chosen = set(inside)
    return inside, [file for file in labels if file not in chosen and holds_boxes(file)]


def labels_at(parts: Sequence[str]) -> int | None:
    """Return where in a path the last folder called `labels` is; None if there is none."""
    return max((at for at, part in enumerate(parts) if part.lower() == "labels"), default=None)


def label_folders(file: Path, settings: YoloSettings) -> tuple[list[Path], str | None]:
    """Return the folders in which a `data.yaml` has its labels, and what is wrong with its path.

    These are its `path`, from its own folder or from where the user is; its own folder, if it has
    none or there is no such folder here; and beside folders of pictures that lie elsewhere.
    """
    home = file.parent
    root, wrong = home, None
    if settings.path is not None:
        given = Path(settings.path).expanduser()
        there = [at for at in (home / given, Path.cwd() / given) if at.is_dir()]
        root = there[0] if there else home
        if not there:
            wrong = f"there is no folder {given}, the path in {file}: labels are those beside it"
    beside = [
        labels
        for entry in settings.subsets
        for base in (root, home)
        for labels in _beside(Path(os.path.normpath(base / entry)))
    ]
    folders = dict.fromkeys(Path(os.path.normpath(folder)) for folder in (root, *beside))
    outermost = [f for f in folders if not any(other in f.parents for other in folders)]
    return outermost, wrong


def _beside(pictures: Path) -> Iterator[Path]:
    """Yield the folder of labels that belongs to one of pictures, if it is there."""
    parts = list(pictures.parts)
    images = [at for at, part in enumerate(parts) if part.lower() == "images"]
    if images:
        parts[images[-1]] = "labels"
    labels = Path(*parts)
    if labels.is_dir():
        yield labels


def _is_list(file: Path) -> bool:
    by_name = file.stem.lower() in _LIST_NAMES or file.name.lower().startswith(_FOR_PEOPLE)
    return by_name and not holds_boxes(file)


def holds_boxes(file: Path) -> bool:
    """Tell whether the first line that is not empty is a class and numbers."""
    try:
        with file.open(encoding="utf-8-sig") as stream:
            lines: Iterable[str] = stream.read(_LOOKED_AT).splitlines()
    except (OSError, UnicodeDecodeError):
        return False
    words = next((line.split() for line in lines if line.strip()), [])
    return len(words) >= _LEAST_NUMBERS and all(map(_is_number, words))


def _is_number(word: str) -> bool:
    try:
        float(word)
    except ValueError:
        return False
    return True
