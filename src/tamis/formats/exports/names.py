"""Names of exported files and folders: safe on every file system, distinct, repeatable."""

from __future__ import annotations

import hashlib
import posixpath
import re
import unicodedata
from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

__all__ = ["distinct_names", "folder_names", "safe_name"]

_LONGEST = 200
"""Bytes of a safe name; file systems allow 255, and a suffix against collisions must still fit."""

_FORBIDDEN = re.compile(r'[\x00-\x1f\x7f/\\:*?"<>|]')
_RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)


def safe_name(text: str) -> str:
    """Return `text` as one file or folder name that every common file system accepts.

    Separators, control characters and what Windows forbids become `_`, so that no name can lead
    out of the folder it is put in; long names are cut in front of their suffix.

    >>> safe_name("../../etc/passwd")
    '_.._etc_passwd'
    >>> safe_name("cat/dog"), safe_name("..."), safe_name("nul.jpg")
    ('cat_dog', '_', '_nul.jpg')
    """
    name = _FORBIDDEN.sub("_", text).lstrip(". ").rstrip(". ") or "_"
    if _RESERVED.fullmatch(name):
        name = f"_{name}"
    stem, suffix = posixpath.splitext(name)
    if len(suffix.encode()) > _LONGEST // 4:
        stem, suffix = name, ""
    room = _LONGEST - len(suffix.encode())
    return stem.encode()[:room].decode(errors="ignore") + suffix


def folder_names(values: Iterable[str | None], *, absent: str) -> dict[str | None, str]:
    """Return one folder name for each distinct value, and `absent` for None.

    Values that would share a folder, such as `a/b` and `a_b` or `Cat` and `cat`, get a suffix
    that depends on the value alone.

    >>> folder_names(["dog", None, "dog"], absent="unlabeled")
    {None: 'unlabeled', 'dog': 'dog'}
    """
    ordered = sorted(set(values), key=lambda value: (value is not None, value or ""))
    wanted = [absent if value is None else safe_name(value) for value in ordered]
    keys = [hashlib.blake2b(repr(value).encode(), digest_size=16).hexdigest() for value in ordered]
    return dict(zip(ordered, distinct_names(wanted, keys), strict=True))


def distinct_names(
    wanted: Sequence[str], keys: Sequence[str], *, reserved: Iterable[str] = ()
) -> list[str]:
    """Return the wanted relative paths, made distinct where two would be the same file.

    A name that is wanted once stays as it is. All that want the same one, upper and lower case
    alike, get the start of their key in front of the suffix: the result does not depend on
    the order of the rows.

    Args:
        wanted: relative paths with `/`.
        keys: one distinct string of letters and digits for each path.
        reserved: paths that nothing may get.

    >>> distinct_names(["a.jpg", "b.jpg", "A.jpg"], ["11111111ff", "22222222ff", "33333333ff"])
    ['a-11111111.jpg', 'b.jpg', 'A-33333333.jpg']
    """
    folded = [_fold(name) for name in wanted]
    taken = {_fold(name) for name in reserved}
    wishes: Mapping[str, int] = Counter(folded)
    names: dict[int, str] = {}
    crowded: list[int] = []
    for row, name in enumerate(folded):
        if wishes[name] == 1 and name not in taken:
            names[row] = wanted[row]
        else:
            crowded.append(row)
    taken.update(folded[row] for row in names)
    for row in sorted(crowded, key=lambda row: (folded[row], keys[row])):
        name = next(name for name in _suffixed(wanted[row], keys[row]) if _fold(name) not in taken)
        taken.add(_fold(name))
        names[row] = name
    return [names[row] for row in range(len(wanted))]


def _suffixed(name: str, key: str) -> Iterable[str]:
    stem, suffix = posixpath.splitext(name)
    for length in (8, 16, len(key)):
        yield f"{stem}-{key[:length]}{suffix}"
    number = 2
    while True:
        yield f"{stem}-{key}-{number}{suffix}"
        number += 1


def _fold(name: str) -> str:
    """Return what case-insensitive, Unicode-normalising file systems compare names by."""
    return unicodedata.normalize("NFC", name).casefold()
