"""Whether two spellings of a path mean the same file, and how near they are.

Tools write one name in many ways: with the extension or without, `.JPG` for `.jpg`, an accent as
one letter or as two (macOS), a blank as `%20` (annotation tools with a web page). All that pairs
names with pictures asks here, so that a name means the same in a label file and in a table.
"""

from __future__ import annotations

import posixpath
import re
import unicodedata
from contextlib import suppress
from typing import Final
from urllib.parse import unquote

from tamis.images.formats import has_picture_extension

__all__ = [
    "EXTENSION_DIFFERS",
    "buckets",
    "decoded",
    "parts_of",
    "spelling_distance",
    "without_extension",
]

EXTENSION_DIFFERS: Final = 4
"""The farthest distance: the names agree but for their extensions, or one has none."""

_ESCAPED = re.compile("%[0-9A-Fa-f]{2}")
_FILE_URL = "file://"


def without_extension(path: str) -> str:
    """Return a path without the ending of a picture's name; any other dot is part of the name.

    >>> without_extension("a/2020.01.07.jpg"), without_extension("a/2020.01.07")
    ('a/2020.01.07', 'a/2020.01.07')
    """
    stem, dot, _ = path.rpartition(".")
    bare = dot and stem and not stem.endswith("/") and has_picture_extension(path)
    return stem if bare else path


def decoded(path: str) -> str:
    """Return a path with composed letters (NFC) and without escapes as web addresses have them.

    What is no escape of UTF-8 stays as it is.

    >>> decoded("a%20b%2Fc.jpg"), decoded("100%.jpg")
    ('a b/c.jpg', '100%.jpg')
    """
    path = path.removeprefix(_FILE_URL)
    if _ESCAPED.search(path):
        with suppress(UnicodeDecodeError):
            path = unquote(path, errors="strict")
    return _composed(path)


def parts_of(path: str) -> tuple[str, ...]:
    """Return the names that a path consists of, without a root and what leads nowhere.

    >>> parts_of("./train/../val//1.jpg"), parts_of("../../1.jpg"), parts_of("..")
    (('val', '1.jpg'), ('1.jpg',), ())
    """
    return tuple(part for part in posixpath.normpath(path).split("/") if part not in _NOWHERE)


_NOWHERE = {"", ".", ".."}


def buckets(path: str) -> frozenset[str]:
    """Return keys of which two spellings of one file share at least one.

    Of the picture's own path only the key without its extension is needed.
    """
    loose = decoded(path)
    return frozenset({loose, without_extension(loose)})


def spelling_distance(wanted: str, there: str, *, bare: bool = False) -> int | None:
    """Return how far a name is from being spelt as a picture's path: 0 is to the letter.

    Args:
        wanted: as a table or an annotation has it.
        there: the picture's path, of as many folders.
        bare: `wanted` is known to have no extension, such as the name of a label file, so that
            `cam.2020.txt` is of `cam.2020.jpg` and never of `cam.jpg`.

    Returns:
        None if they are not the same file in any spelling.

    >>> spelling_distance("a.jpg", "a.jpg"), spelling_distance("a.JPG", "a.jpg")
    (0, 3)
    >>> spelling_distance("a.png", "a.jpg"), spelling_distance("a.b", "a.jpg")
    (4, None)
    """
    if wanted == there and not bare:
        return 0
    steps: tuple[bool, ...]
    if bare:
        steps = (
            wanted == without_extension(there),
            _composed(wanted) == _composed(without_extension(there)),
            decoded(wanted) == decoded(without_extension(there)),
            _lower_extension(decoded(wanted)) == _lower_extension(decoded(there)),
        )
    else:
        loose, stem = decoded(wanted), without_extension(decoded(there))
        steps = (
            wanted == there,
            _composed(wanted) == _composed(there),
            loose == decoded(there),
            _lower_extension(loose) == _lower_extension(decoded(there)),
            stem in (loose, without_extension(loose)),
        )
    return next((number for number, same in enumerate(steps) if same), None)


def _composed(path: str) -> str:
    return path if path.isascii() else unicodedata.normalize("NFC", path)


def _lower_extension(path: str) -> str:
    stem, extension = posixpath.splitext(path)
    return stem + extension.lower()
