"""Names of splits: what each is for, which one a folder means, and their usual order."""

from __future__ import annotations

import re
from typing import Final

__all__ = ["folder_split", "split_order", "split_role"]

_USUAL = ("train", "val", "test")
_ROLES: Final = {
    "train": "train",
    "training": "train",
    "val": "val",
    "valid": "val",
    "validation": "val",
    "dev": "val",
    "test": "test",
    "testing": "test",
}
_APART = re.compile(r"[\s_.-]+|(?<=[a-z])(?=[0-9])")
_BETWEEN = re.compile(r"[/\\]")


def split_role(name: str) -> str | None:
    """Return what a split is for by its name: `train`, `val` or `test`; None if it does not tell.

    >>> [split_role(name) for name in ("Training", "validation_2", "test-dev", "line 3")]
    ['train', 'val', 'test', None]
    """
    roles = [_ROLES[word] for word in _APART.split(name.lower()) if word in _ROLES]
    return roles[0] if roles else None


def folder_split(path: str) -> str | None:
    """Return the split that a folder of a path names, the innermost that does.

    >>> folder_split("shop/Validation/hats/7.jpg"), folder_split("train.jpg")
    ('val', None)
    """
    folders = _BETWEEN.split(path)[:-1]
    named = [_ROLES[name.lower()] for name in folders if name.lower() in _ROLES]
    return named[-1] if named else None


def split_order(names: set[str]) -> list[str]:
    """Return names of splits in their usual order: train, val, test, numbers, others.

    >>> split_order({"test", "10", "2", "train", "extra"})
    ['train', 'test', '2', '10', 'extra']
    """

    def place(name: str) -> tuple[int, int, str]:
        if name in _USUAL:
            return (0, _USUAL.index(name), name)
        return (1, int(name), name) if name.isdecimal() else (2, 0, name)

    return sorted(names, key=place)
