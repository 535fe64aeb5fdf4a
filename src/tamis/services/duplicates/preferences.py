"""The rules by which users say which copy to keep."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING

from tamis.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["RULES", "Preference", "lies_in", "parse_preferences"]

RULES = (
    "resolution",
    "upright",
    "sharpness",
    "exif",
    "oldest",
    "newest",
    "labeled",
    "unlabeled",
    "size",
    "path",
    "folder",
)
"""The names of rules; `folder` takes a folder or glob after an equals sign."""

_BRITISH = {"labelled": "labeled", "unlabelled": "unlabeled"}
_NEXT_RULE = re.compile(rf",\s*(?=(?:{'|'.join([*RULES, *_BRITISH])})\b)")
_GLOB = re.compile(r"[*?\[]")


@dataclass(frozen=True)
class Preference:
    """One rule.

    Attributes:
        rule: one of `RULES`.
        folder: a folder or a glob; empty unless the rule is `folder`.
    """

    rule: str
    folder: str = ""

    def __str__(self) -> str:
        return f"{self.rule}={self.folder}" if self.folder else self.rule


DEFAULT = tuple(map(Preference, ("resolution", "upright", "sharpness", "exif", "size", "path")))
"""What decides where the user's rules do not."""


def parse_preferences(texts: Sequence[str]) -> tuple[Preference, ...]:
    """Read rules, each text one or several with commas between them.

    Raises:
        UsageError: a rule is unknown, or `folder` has no folder.

    Example:
        >>> [str(rule) for rule in parse_preferences(["folder=raw, oldest", "labeled"])]
        ['folder=raw', 'oldest', 'labeled']
    """
    found = []
    for text in texts:
        for part in _NEXT_RULE.split(text):
            name, equals, value = part.strip().partition("=")
            rule = _BRITISH.get(name, name)
            if rule not in RULES:
                raise UsageError(
                    f"there is no rule {part.strip()!r} for what to keep; the rules are "
                    f"{', '.join(RULES[:-1])} and folder=PATH"
                )
            if (rule == "folder") != bool(value.strip()):
                takes = "a folder or glob, as in folder=photos/raw" if rule == "folder" else "none"
                raise UsageError(f"the rule {rule!r} takes {takes}; got {part.strip()!r}")
            if equals and rule != "folder":
                raise UsageError(f"the rule {rule!r} takes no value; got {part.strip()!r}")
            found.append(Preference(rule, value.strip()))
    return tuple(found)


def lies_in(folder: str, path: str, uri: str) -> bool:
    """Tell whether a picture lies in a folder, at any depth, or a glob matches it or its folder.

    Args:
        folder: a folder, as the user would name it now, or a glob.
        path: of the picture, as the user gave it.
        uri: its absolute place.

    Example:
        >>> lies_in("*/raw", "photos/raw/1.jpg", "/data/photos/raw/1.jpg")
        True
        >>> lies_in("photos/raw", "photos/raw2/1.jpg", "/data/photos/raw2/1.jpg")
        False
    """
    names = [name for place in (path, uri) for name in (place, *map(str, Path(place).parents))]
    if _GLOB.search(folder):
        return any(fnmatchcase(name, folder.rstrip("/")) for name in names)
    wanted = {str(Path(folder)), str(Path(folder).expanduser().absolute())}
    return not wanted.isdisjoint(names)
