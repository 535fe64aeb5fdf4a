"""Which pictures of a dataset are gone: their file is missing, or holds something else by now."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from tamis.dataset.columns import Column
from tamis.errors import MissingPictureError, PictureError
from tamis.machine import usable_processors
from tamis.sources.archives import close_archives
from tamis.sources.image_reference import ImageReference
from tamis.sources.objects.address import ObjectAddress, is_object_address
from tamis.sources.objects.client import MissingObjectError, ObjectError, object_state
from tamis.sources.reading import read_content
from tamis.sources.video.frame_reader import frame_content_hash
from tamis.types import no_progress

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tamis.dataset.sample_keys import SampleIds
    from tamis.dataset.store import Store
    from tamis.types import Progress

__all__ = [
    "PRESENCE_COLUMNS",
    "Gone",
    "content_there",
    "find_gone",
    "gone_among",
    "gone_ids",
    "gone_of",
]

PRESENCE_COLUMNS = ("sample_id", "path", "uri", "bytes", "content_hash", "added_at")
"""The columns that `gone_of` judges rows by, and `object_state` where a dataset has it."""

# Clocks of network drives and coarse time stamps may be this far behind.
_SLACK = timedelta(seconds=2)
_MAX_THREADS = 32
_OBJECTS_AT_ONCE = 16


@dataclass(frozen=True)
class Gone:
    """A sample whose picture is not what was added any more.

    Attributes:
        sample_id: its key in the dataset.
        path: as the user gave it.
        kind: `missing` (no such file or archive member), `changed` (other content), or
            `unreadable`.
        reason: one short sentence.
    """

    sample_id: str
    path: str
    kind: Literal["missing", "changed", "unreadable"]
    reason: str


def gone_ids(
    store: Store, where: str | None = None, ids: SampleIds | None = None
) -> frozenset[str]:
    """Return the samples that no present one may stand back for: those that are gone.

    Where none at all is present, such as on a disk that is not mounted, this is empty: nothing
    could take their place. Costs as `find_gone`.

    Args:
        store: the dataset.
        where: an SQL condition on the samples that are asked about.
        ids: the samples that are asked about; all if None.
    """
    rows = _read(store, where, ids)
    gone = frozenset(one.sample_id for one in gone_of(rows, thorough=False))
    return frozenset() if len(gone) == len(rows) else gone


def gone_among(store: Store, ids: SampleIds) -> frozenset[str]:
    """Return which of some samples are gone. Costs as `find_gone`."""
    rows = _read(store, None, ids)
    return frozenset(one.sample_id for one in gone_of(rows, thorough=False))


def find_gone(
    store: Store,
    where: str | None = None,
    *,
    thorough: bool = False,
    progress: Progress = no_progress,
) -> list[Gone]:
    """Find the samples whose picture is missing, unreadable or replaced by other content.

    A file is read and hashed if its size is another, or if it was changed or moved since it was
    added; else its time stamps are believed, at some 10 us a file. A store is asked for its objects
    only by a thorough look, one request each, and those it says the same of as when they were added
    are not read.

    Args:
        store: the dataset.
        where: an SQL condition on the samples that are asked about.
        thorough: read and hash every file.
        progress: told after each file.
    """
    return gone_of(_read(store, where, None), thorough=thorough, progress=progress)


def content_there(uri: str, path: str) -> str:
    """Return what identifies the content of a picture or frame as it is now.

    Raises:
        PictureError: it is missing or cannot be read.
    """
    place = ImageReference.parse(uri)
    if place.frame is not None:
        return frame_content_hash(place.file, place.frame, path)
    return read_content(uri, path)[1]


def _read(store: Store, where: str | None, ids: SampleIds | None) -> list[dict[str, Any]]:
    there = [name for name in (Column.OBJECT_STATE,) if name in store.columns()]
    return list(store.read([*PRESENCE_COLUMNS, *there], where, ids).to_pylist())


def gone_of(
    rows: Sequence[dict[str, Any]], *, thorough: bool, progress: Progress = no_progress
) -> list[Gone]:
    """Judge rows, each with `PRESENCE_COLUMNS`.

    As `find_gone`, which reads them.
    """
    files: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        if row["uri"] is not None:
            files.setdefault(ImageReference.parse(row["uri"]).file, []).append(row)
    gone: dict[str, Gone] = {}
    done = 0
    threads = min(usable_processors(), _MAX_THREADS)
    if thorough and any(map(is_object_address, files)):
        threads = max(threads, _OBJECTS_AT_ONCE)
    with ThreadPoolExecutor(threads, thread_name_prefix="tamis-presence") as pool:
        # a file's rows stay together, since archives are read fastest in their order
        judged = pool.map(lambda part: _gone_in(*part, thorough=thorough), files.items())
        for part, found in zip(files.values(), judged, strict=True):
            gone |= {one.sample_id: one for one in found}
            done += len(part)
            progress(done, len(rows))
    close_archives()
    return [gone[row["sample_id"]] for row in rows if row["sample_id"] in gone]


def _gone_in(file: str, rows: Sequence[dict[str, Any]], *, thorough: bool) -> list[Gone]:
    """Judge the samples of one file."""
    if is_object_address(file):
        return _gone_object(file, rows) if thorough else []
    try:
        changed_at, size = _state_of(file)
    except (FileNotFoundError, NotADirectoryError):
        return [_gone(row, "missing", "does not exist (any more)") for row in rows]
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        return [_gone(row, "unreadable", reason.lower()) for row in rows]
    contents: dict[str, str | PictureError] = {}
    found = []
    for row in rows:
        same_size = row["uri"] != file or row["bytes"] in (None, size)
        added_at = row["added_at"]
        untouched = (
            added_at is not None and changed_at < (added_at - _SLACK).timestamp() and same_size
        )
        if (untouched and not thorough) or row["content_hash"] is None:
            continue
        if row["uri"] not in contents:
            contents[row["uri"]] = _content_or_error(row)
        content = contents[row["uri"]]
        if isinstance(content, PictureError):
            missing = isinstance(content, MissingPictureError)
            found.append(_gone(row, "missing" if missing else "unreadable", content.reason))
        elif content != row["content_hash"]:
            found.append(_gone(row, "changed", "it has changed since it was added"))
    return found


def _gone_object(address: str, rows: Sequence[dict[str, Any]]) -> list[Gone]:
    """Judge the samples of one object of a store."""
    try:
        there = object_state(ObjectAddress.parse(address))
    except MissingObjectError as error:
        return [_gone(row, "missing", str(error)) for row in rows]
    except ObjectError as error:
        return [_gone(row, "unreadable", str(error)) for row in rows]
    found = []
    for row in rows:
        known = row.get("object_state")
        if row["content_hash"] is None or (known is not None and known == there.state):
            continue
        content = _content_or_error(row)
        if isinstance(content, PictureError):
            missing = isinstance(content, MissingPictureError)
            found.append(_gone(row, "missing" if missing else "unreadable", content.reason))
        elif content != row["content_hash"]:
            found.append(_gone(row, "changed", "it has changed since it was added"))
    return found


def _state_of(file: str) -> tuple[float, int]:
    """Return when a file came to be what it is, at the latest, and its size in bytes.

    The time of the last change of its entry counts as well: a file that is moved here keeps the
    time of its content. A link that is bent to another file is a change, too.
    """
    status, own = Path(file).stat(), Path(file).lstat()
    times = (status.st_mtime, status.st_ctime, own.st_mtime, own.st_ctime)
    return max(times), status.st_size


def _content_or_error(row: dict[str, Any]) -> str | PictureError:
    try:
        return content_there(row["uri"], row["path"] or row["uri"])
    except PictureError as error:
        return error


def _gone(row: dict[str, Any], kind: Literal["missing", "changed", "unreadable"], why: str) -> Gone:
    return Gone(row["sample_id"], row["path"] or row["uri"], kind, why)
