"""What object stores are asked, and what their refusals mean; `obstore` speaks to them.

Credentials come from the environment alone, by the names that each store's own tools use, such as
`AWS_ACCESS_KEY_ID`. Requests that a busy or slow server refuses are sent again, later each time.
"""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from tamis.errors import MissingExtraError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from tamis.sources.objects.address import ObjectAddress

__all__ = [
    "MissingObjectError",
    "ObjectError",
    "StoredObject",
    "client_of",
    "list_objects",
    "object_errors",
    "object_state",
    "read_object",
]

PART_BYTES: Final = 8 << 20
"""Objects of more than two parts are read in parts, several at once."""

_PARTS_AT_ONCE: Final = 8
_PAGE: Final = 1000

PATIENCE: Final[dict[str, Any]] = {
    "max_retries": 6,
    "backoff": {
        "init_backoff": timedelta(seconds=0.2),
        "max_backoff": timedelta(seconds=10),
        "base": 2,
    },
    "retry_timeout": timedelta(seconds=120),
}
"""How often and how long a request is sent again that a server did not answer or refused with a
status of 500 or above."""

WAITS: Final[dict[str, Any]] = {
    "timeout": timedelta(seconds=60),
    "connect_timeout": timedelta(seconds=10),
}
"""How long one answer may take."""

_STATUS: Final = re.compile(r"status code: (\d{3}[^:\n]*)")
_SILENCE: Final = re.compile(r"kind: Timeout\b|TimedOut\b")
_LOST: Final = re.compile(r"kind: (Connect|Interrupted|Request|Decode)\b|error sending request")
_BAD_KEY: Final = re.compile(r'Path "(.*?)"(?: contained|:)')
_BEYOND: Final = "416"
_NO_CREDENTIALS: Final = (
    "the environment holds no credentials for this store; set them by the names that its own tools "
    "use, such as AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
)
_NO_KEYS: Final = re.compile(r"169\.254\.169\.254|metadata\.google|instance metadata|No .*account")


class ObjectError(Exception):
    """A store refuses, or does not answer; says why in a few words."""


class MissingObjectError(ObjectError):
    """There is no such object, or no such bucket."""


@dataclass(frozen=True, slots=True)
class StoredObject:
    """What a store says of an object without its content.

    Attributes:
        key: the way to it in its bucket.
        size: in bytes.
        state: changes when the object does: its entity tag, or size and time; None if the server
            tells neither.
    """

    key: str
    size: int
    state: str | None


@lru_cache(maxsize=16)
def client_of(root: str) -> Any:
    """Return what asks a bucket or server, given its address without a key; kept.

    Raises:
        MissingExtraError: obstore is not installed.
        ObjectError: the environment says nothing that would let it be asked.
    """
    obstore = _load(root)
    waits = WAITS if root.startswith("https:") else {**WAITS, "allow_http": True}
    try:
        return obstore.store.from_url(root, client_options=waits, retry_config=PATIENCE)
    except _errors() as error:
        raise ObjectError(
            f"the environment does not say how to ask this store ({_first_line(error)})"
        ) from error


def _load(root: str) -> Any:
    try:
        import obstore.store
    except ImportError as error:
        raise MissingExtraError(f"reading {root}", "objects") from error
    return obstore


def _errors() -> tuple[type[Exception], ...]:
    import obstore.exceptions

    # some refusals are plain errors of Python that obstore's own derive from or stand beside
    return (obstore.exceptions.BaseError, OSError, ValueError)


@contextmanager
def object_errors() -> Iterator[None]:
    """Raise `ObjectError` for whatever a store refuses."""
    try:
        yield
    except _errors() as error:
        raise _refusal(error) from error


def _refusal(error: Exception) -> ObjectError:  # noqa: PLR0911 - one a kind
    import obstore.exceptions as of

    text = str(error)
    if isinstance(error, (of.NotFoundError, FileNotFoundError)):
        return MissingObjectError("does not exist (any more)")
    if _NO_KEYS.search(text):
        return ObjectError(_NO_CREDENTIALS)
    if isinstance(error, (of.PermissionDeniedError, of.UnauthenticatedError)):
        return ObjectError("the store denies access with the credentials of the environment")
    if isinstance(error, of.InvalidPathError) or _BAD_KEY.search(text):
        key = _BAD_KEY.search(text)
        return ObjectError(
            f"the store holds the key {key[1] if key else ''!r}, which no path can be; rename it"
        )
    if isinstance(error, of.PreconditionError):
        return ObjectError("it changed while it was being read")
    status = _STATUS.search(text)
    if status is not None and status[1].startswith("404"):
        return MissingObjectError("does not exist (any more)")
    if status is not None:
        again = ", however often it was asked" if status[1].startswith("5") else ""
        return ObjectError(f"the server answered {status[1].strip()}{again}")
    if _SILENCE.search(text):
        return ObjectError("the server does not answer in time")
    if _LOST.search(text):
        return ObjectError("the server cannot be reached, or broke off its answer")
    return ObjectError(f"the server's answer is of no use: {_first_line(error)}")


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return f"{lines[0] if lines else type(error).__name__:.200}".rstrip(". ")


def object_state(address: ObjectAddress) -> StoredObject:
    """Ask what a store says of one object.

    Raises:
        MissingObjectError: there is none.
        ObjectError: the store refuses.
        MissingExtraError: as `client_of`.
    """
    client = client_of(address.root)
    with object_errors():
        return _stored(_load(address.root).head(client, address.key))


def list_objects(address: ObjectAddress, *, after: str | None = None) -> Iterator[StoredObject]:
    """List the objects whose key begins with a folder's, as the store sorts them.

    Memory and one answer: 1,000 objects.

    Args:
        address: of the folder; its key ends with `/` or is empty.
        after: a key: only those that sort behind it.

    Raises:
        ObjectError: the store refuses, or it is a web server that lists nothing.
        MissingExtraError: as `client_of`.
    """
    client = client_of(address.root)
    with object_errors():
        stream = _load(address.root).list(
            client, address.key or None, offset=after, chunk_size=_PAGE
        )
    chunks = iter(stream)
    while True:
        with object_errors():
            chunk: Sequence[dict[str, Any]] | None = next(chunks, None)
        if chunk is None:
            return
        yield from map(_stored, chunk)


def _stored(meta: dict[str, Any]) -> StoredObject:
    changed: datetime = meta["last_modified"]
    told = meta["e_tag"]
    if told is None and changed.timestamp() > 0:
        told = f"{meta['size']} bytes of {changed.isoformat()}"
    return StoredObject(meta["path"], meta["size"], told)


def read_object(address: ObjectAddress, max_bytes: int) -> bytes:
    """Return an object's bytes; a large one is read in parts, 8 at once, all of the same state.

    Raises:
        MissingObjectError: there is none.
        ObjectError: the store refuses, it changes meanwhile, or it has more than `max_bytes`.
        MissingExtraError: as `client_of`.
    """
    client, obstore = client_of(address.root), _load(address.root)
    # a web server need not know of parts
    first = {} if address.is_web else {"range": (0, 2 * PART_BYTES)}
    try:
        with object_errors():
            answer = obstore.get(client, address.key, options=first)
            size, tag = answer.meta["size"], answer.meta["e_tag"]
            data = b"" if size > max_bytes else bytes(answer.bytes())
    except ObjectError as error:
        if _BEYOND in str(error):
            return b""  # no part of an empty object can be asked for
        raise
    if size > max_bytes:
        raise ObjectError(f"{size} bytes are over the limit of {max_bytes}")
    if len(data) == size:
        return data
    same = {} if tag is None else {"if_match": tag}

    def part(start: int) -> bytes:
        span = (start, min(start + PART_BYTES, size))
        with object_errors():
            return bytes(obstore.get(client, address.key, options={**same, "range": span}).bytes())

    with ThreadPoolExecutor(_PARTS_AT_ONCE, thread_name_prefix="tamis-object") as pool:
        data += b"".join(pool.map(part, range(len(data), size, PART_BYTES)))
    if len(data) != size:
        raise ObjectError("it changed while it was being read")
    return data
