"""The pictures of places at object stores, listed once a run and remembered on disk."""

from __future__ import annotations

import json
import tempfile
import weakref
from typing import TYPE_CHECKING, Final

from tamis.errors import InputError
from tamis.images.formats import has_picture_extension
from tamis.sources.folder import is_hidden, is_passed_over
from tamis.sources.objects.address import ObjectAddress
from tamis.sources.objects.client import (
    MissingObjectError,
    ObjectError,
    StoredObject,
    list_objects,
    object_state,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["ObjectListing", "require_answer"]

_IN_MEMORY: Final = 16 << 20


class ObjectListing:
    """What sources at stores hold, asked once: a bucket of a million keys takes 1,000 requests.

    Further looks read a temporary file, so that all of a run see the same. Memory: 16 MB a source.

    Args:
        after: gives for a source the key that the listing goes on behind; None lists all.
    """

    def __init__(self, after: Callable[[ObjectAddress], str | None] = lambda _: None) -> None:
        self._after = after
        self._spooled: dict[str, tempfile.SpooledTemporaryFile[bytes]] = {}
        self._going_on: set[str] = set()

    def goes_on(self, source: str) -> bool:
        """Tell whether a source that was listed was so from a key on: it may hold nothing there."""
        return source in self._going_on

    def of(self, source: str) -> Iterator[StoredObject]:
        """List the pictures of a source, a single one or all below a folder, as the store sorts.

        Hidden folders and files, tamis datasets, and what has no picture's extension are passed
        over.

        Raises:
            InputError: the address is none, or the store does not let it be listed.
            MissingExtraError: obstore is not installed.
        """
        if source not in self._spooled:
            spool = tempfile.SpooledTemporaryFile(_IN_MEMORY)  # noqa: SIM115 - read again later
            weakref.finalize(self, spool.close)
            for found in self._asked(source):
                told = json.dumps([found.key, found.size, found.state])
                spool.write(told.encode() + b"\n")
            self._spooled[source] = spool
        spool = self._spooled[source]
        at = 0
        while True:
            spool.seek(at)  # others may read in turns
            line = spool.readline()
            if not line:
                return
            at = spool.tell()
            yield StoredObject(*json.loads(line))

    def _asked(self, source: str) -> Iterator[StoredObject]:
        place = ObjectAddress.parse(source)
        try:
            if place.key and not place.key.endswith("/"):
                single = _single(place)
                if single is not None:
                    yield single
                    return
                place = place.at(f"{place.key}/")
            after = self._after(place)
            if after is not None:
                self._going_on.add(source)
            for found in list_objects(place, after=after):
                if _is_meant(found.key.removeprefix(place.key)):
                    yield found
        except ObjectError as error:
            hint = (
                "; a web server lists folders only if it speaks WebDAV, name single pictures there"
                if place.is_web
                else ""
            )
            raise InputError(f"cannot list {source}: {error}{hint}") from error


def _single(place: ObjectAddress) -> StoredObject | None:
    """Return the object of exactly this address; None if it is a folder's."""
    try:
        return object_state(place)
    except MissingObjectError:
        if place.is_web:
            raise
        return None
    except ObjectError:
        if place.is_web and has_picture_extension(place.key):
            return StoredObject(place.key, 0, None)  # it may serve what it says nothing of
        raise


def _is_meant(relative: str) -> bool:
    *folders, name = relative.split("/")
    return (
        has_picture_extension(name)
        and not is_hidden(name)
        and not any(map(is_passed_over, folders))
    )


def require_answer(source: str) -> None:
    """Check that a store still answers for a source that was listed.

    Raises:
        InputError: it does not.
    """
    place = ObjectAddress.parse(source)
    try:
        object_state(place.at(place.key.rstrip("/") or "tamis"))
    except MissingObjectError:
        return
    except ObjectError as error:
        if place.is_web and "answered" in str(error):
            return
        raise InputError(
            f"{source} cannot be reached any more: {error}. What was committed before stands, "
            "add it again later"
        ) from error
