"""One spelling for each place: what is the same file has the same place, however it is named."""

from __future__ import annotations

import os
import unicodedata

from tamis.sources.image_reference import ImageReference
from tamis.sources.objects.address import is_object_address

__all__ = ["Places"]


class Places:
    """Gives places their one spelling; what it learns of folders it keeps, so use one a run.

    Two names are the same place if they are spelt alike once they are absolute, without links,
    `.` and `..`, and, where the file system takes other spellings for the same file (upper and
    lower case, composed and decomposed letters), without these differences. Hard links are places
    of their own.
    """

    def __init__(self) -> None:
        self._folders: dict[str, str] = {}
        self._folds: dict[str, bool] = {}

    def of(self, path: str) -> str:
        """Return the one spelling of a place: a file, `archive!member` or `video!frame=number`.

        A name that does not exist as it is spelt, but does in composed or decomposed letters, is
        that file. The file need not exist. Costs a few system calls.

        Args:
            path: absolute, or from the current folder; a leading `~` is the home folder if nothing
                bears that name. The address of an object has one spelling already.
        """
        if is_object_address(path):
            return path
        if path.startswith("~") and not os.path.lexists(path):
            path = os.path.expanduser(path)  # noqa: PTH111 - a string in, a string out
        return str(ImageReference.parse(path).renamed(self._file))

    def _file(self, path: str) -> str:
        path = _on_disk(path.rstrip(os.sep) or os.sep)
        # abspath would take "link/.." for nothing, but it is the folder that the link leads to
        folder, name = os.path.split(path)
        if name in ("", ".", "..") or os.path.islink(path):  # noqa: PTH114 - millions of them
            folder, name = os.path.split(os.path.realpath(path))
        folder = self._folder(folder)
        if name and self._folding(folder):
            folder, name = unicodedata.normalize("NFC", folder).casefold(), name.casefold()
        if not name.isascii():
            name = _composed(folder, name)
        return os.path.join(folder, name)  # noqa: PTH118 - millions of them

    def _folder(self, folder: str) -> str:
        key = folder if os.path.isabs(folder) else os.path.join(os.getcwd(), folder)  # noqa: PTH109, PTH117, PTH118
        if key not in self._folders:
            self._folders[key] = os.path.realpath(key)
        return self._folders[key]

    def _folding(self, folder: str) -> bool:
        """Tell whether names that differ in case are one file in a folder."""
        if folder not in self._folds:
            self._folds[folder] = _folds_case(folder)
        return self._folds[folder]


def _on_disk(path: str) -> str:
    """Return how the disk spells a name, where that differs in composed letters only."""
    if path.isascii() or os.path.lexists(path):
        return path
    for form in ("NFC", "NFD"):
        spelt = unicodedata.normalize(form, path)
        if spelt != path and os.path.lexists(spelt):
            return spelt
    return path


def _folds_case(folder: str) -> bool:
    parent, name = os.path.split(folder)
    if name.swapcase() == name:
        return bool(name) and _folds_case(parent)
    return _same_file(folder, os.path.join(parent, name.swapcase()))  # noqa: PTH118


def _composed(folder: str, name: str) -> str:
    """Return a name in composed letters where the disk takes both spellings for the same file."""
    composed, decomposed = (unicodedata.normalize(form, name) for form in ("NFC", "NFD"))
    both = (os.path.join(folder, spelt) for spelt in (composed, decomposed))  # noqa: PTH118
    return composed if composed != decomposed and _same_file(*both) else name


def _same_file(one: str, other: str) -> bool:
    try:
        return os.path.samefile(one, other)  # noqa: PTH121 - a question of two names
    except (OSError, ValueError):
        return False
