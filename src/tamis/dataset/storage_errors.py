"""Turn what Lance and the operating system raise into errors a user can act on."""

from __future__ import annotations

import errno
import re
from contextlib import contextmanager
from typing import TYPE_CHECKING

from tamis.errors import StorageError, TamisError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

__all__ = ["LANCE_ERRORS", "filtering", "is_panic", "storage_guard"]

# Lance raises OSError, ValueError (pyarrow's errors derive from it) or RuntimeError for one and
# the same cause, depending on the call; the text is what tells the causes apart.
LANCE_ERRORS = (OSError, ValueError, RuntimeError)

_FULL = re.compile(r"No space left on device|os error 28\b|Disk quota exceeded|File too large")
_REFUSED = re.compile(r"Permission denied|Read-only file system")
_LINKLESS = re.compile(r"Operation not permitted|os error 1\b")
_GONE = re.compile(r"Not found|No such file or directory")
_DAMAGED = re.compile(
    r"Invalid range|corrupt|magic number|Version not found|Invalid format|Is a directory|"
    r"decod|buffer|offset|protobuf|Encountered|end of file|EOF|panicked|size is too small|"
    r"terminated"
)
_FILTER_FAULT = re.compile(
    r"Invalid user input|Query Execution error|Not supported|Schema error|Arrow error|Cast error"
)
_RUST_SOURCE = re.compile(r",?\s*(/\S*)?/rustc?/\S+\.rs:\d+:\d+")
_LANCE_LISTS_COLUMNS = re.compile(r" Valid fields are .*", re.DOTALL)
_LANCE = re.compile(r"LanceError|Version not found error|Lance reader")
_FULL_CODES = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_REFUSED_CODES = {errno.EACCES, errno.EROFS}


def plain(error: Exception) -> str:
    """The text of a Lance error without the places in Lance's own source."""
    return " ".join(_RUST_SOURCE.sub("", str(error)).split()).rstrip(", ")


@contextmanager
def storage_guard(path: Path, doing: str) -> Iterator[None]:
    """Raise `StorageError` for whatever the disk or Lance refuses while `doing` something.

    Args:
        path: the dataset, named in the message.
        doing: what was tried, to follow "could not", e.g. "write".

    Raises:
        StorageError: the disk is full, refuses, or a file of the dataset is missing or damaged.
    """
    try:
        yield
    except TamisError:
        raise
    except LANCE_ERRORS as error:
        if not _is_of_storage(error):
            raise
        raise StorageError(_sentence(path, doing, error)) from error
    except BaseException as error:
        if not is_panic(error):
            raise
        raise StorageError(_damaged(path, doing, str(error))) from error


def is_panic(error: BaseException) -> bool:
    """Whether Lance gave up on what it read, which is no `Exception` to Python."""
    return type(error).__name__ == "PanicException"


@contextmanager
def filtering(path: Path, where: str | None, columns: Sequence[str]) -> Iterator[None]:
    """Like `storage_guard` for a read, and blame `where` when it is at fault.

    Raises:
        UsageError: `where` is not a condition over `columns`.
        StorageError: the disk is at fault.
    """
    with storage_guard(path, "read"):
        try:
            yield
        except LANCE_ERRORS as error:
            text = str(error)
            if where is None or not _FILTER_FAULT.search(text) or _DAMAGED.search(text):
                raise
            raise UsageError(
                f"the condition {where!r} cannot be used: {_fault(error)}. It has to be an SQL "
                f"condition over these columns: {', '.join(columns)}"
            ) from error


def _fault(error: Exception) -> str:
    """What a condition lacks, without Lance's prefixes and its own list of columns."""
    text = _LANCE_LISTS_COLUMNS.sub("", plain(error))
    for prefix in ("Invalid user input: ", "Query Execution error: ", "Schema error: "):
        text = text.removeprefix(prefix)
    return text.rstrip(".")


def _is_of_storage(error: Exception) -> bool:
    """Whether the system or Lance raised it; a ValueError of our own is a defect to be seen."""
    text = str(error)
    return isinstance(error, OSError) or bool(_RUST_SOURCE.search(text) or _LANCE.search(text))


def _sentence(path: Path, doing: str, error: Exception) -> str:
    code = error.errno if isinstance(error, OSError) else None
    text = str(error)
    if code in _FULL_CODES or _FULL.search(text):
        return (
            f"could not {doing} {path}: the disk is full. Nothing half-written is kept; free "
            "some space (tamis gc removes what killed runs left) and run the command again"
        )
    if code in _REFUSED_CODES or _REFUSED.search(text):
        return (
            f"could not {doing} {path}: permission denied. Check who owns the folder and whether "
            f"it is mounted read-only ({plain(error)})"
        )
    if code == errno.EPERM or _LINKLESS.search(text):
        return (
            f"could not {doing} {path}: the file system does not permit it. A dataset needs one "
            f"with hard links, which exFAT and FAT have not ({plain(error)})"
        )
    if code == errno.ENOENT or _GONE.search(text):
        return (
            f"could not {doing} {path}: a file of the dataset is missing ({plain(error)}). "
            "Restore the folder from a backup, or make the dataset again"
        )
    if code is None and _DAMAGED.search(text):
        return _damaged(path, doing, plain(error))
    return f"could not {doing} {path}: {plain(error)}"


def _damaged(path: Path, doing: str, what: str) -> str:
    return (
        f"could not {doing} {path}: a file of the dataset is damaged ({what}). tamis check names "
        "what is; restore the folder from a backup, or undo to a snapshot before"
    )
