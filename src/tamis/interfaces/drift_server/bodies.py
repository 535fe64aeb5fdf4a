"""What is sent to the server, read and checked."""

from __future__ import annotations

import io
import json
import lzma
import struct
import time
import zipfile
import zlib
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from tamis.errors import PictureError, UsageError
from tamis.images.picture_record import content_hash
from tamis.outside_arrays import read_array
from tamis.outside_text import is_storable
from tamis.services.drift.live.arrivals import arrivals_of
from tamis.services.drift.live.pictures import embedded
from tamis.services.drift.side import FIGURES
from tamis.types import Failure

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from starlette.datastructures import Headers, QueryParams
    from starlette.requests import Request

    from tamis.encoders.base import Encoder
    from tamis.services.drift.live.arrivals import Arrivals

__all__ = ["TooLargeError", "pictures_of", "read_body", "sent_pictures", "sent_vectors"]

_MOST_PICTURES: Final = 1000
_LONGEST_NAME: Final = 500
_HASH_DIGITS: Final = 12
_LARGEST: Final = 1e15
"""Of a figure; squares of larger ones are beyond float32, and one would hide all others."""
_NO_ARCHIVE: Final = (
    zipfile.BadZipFile, zlib.error, lzma.LZMAError, struct.error, NotImplementedError,
    RuntimeError, OSError, EOFError, ValueError,
)  # fmt: skip
"""What `zipfile` raises where an archive is damaged or locked."""

_FIELDS: Final = ("vectors", "ids", "series", "figures")


class TooLargeError(UsageError):
    """A body is larger than the server takes."""


async def read_body(request: Request, most: int) -> bytes:
    """Return a request's body, of which no more than `most` bytes are ever held.

    Raises:
        TooLargeError: it is larger.
    """
    parts, size = [], 0
    async for part in request.stream():
        size += len(part)
        if size > most:
            raise TooLargeError(
                f"a request takes at most {most / 1e6:g} MB: send fewer pictures at a time"
            )
        parts.append(part)
    return b"".join(parts)


def sent_vectors(body: bytes, headers: Headers, query: QueryParams) -> Arrivals:
    """Read vectors: JSON, or an array of NumPy as `application/x-npy`.

    Raises:
        UsageError: it is neither, or what is sent does not fit.
    """
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == "application/x-npy":
        rows = _array(body)
        given: dict[str, Any] = {"series": query.get("series")}
    else:
        given = _object(body)
        rows = _rows(given.get("vectors"))
    if rows.ndim != 2 or not 0 < len(rows) <= _MOST_PICTURES:  # noqa: PLR2004 - rows and columns
        raise UsageError(
            f"vectors of shape {rows.shape}: give a list of 1 to {_MOST_PICTURES} vectors"
        )
    ids = given.get("ids")
    if ids is None:
        # the same vector sent again is the same picture, so that a request can be repeated
        ids = [content_hash(row.tobytes()) for row in rows]
    return arrivals_of(
        _names(ids),
        rows,
        _figures(given.get("figures")),
        series=_series(given.get("series")),
        time=time.time(),
    )


def pictures_of(body: bytes, headers: Headers, query: QueryParams) -> list[tuple[str, bytes]]:
    """Read pictures: the bytes of one, or a zip of several, as names and bytes.

    A name is that of the file, if it has one, and the beginning of the content's hash, so that a
    camera that calls all its pictures alike is no hindrance.

    Raises:
        UsageError: there is none, or too many.
        TooLargeError: unpacked, they are over ten times as large as the archive may be.
    """
    if not body:
        raise UsageError("the request is empty: send the bytes of a picture, or a zip of pictures")
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind not in {"application/zip", "application/x-zip-compressed"}:
        return [(_named(query.get("name", ""), body), body)]
    try:
        with zipfile.ZipFile(io.BytesIO(body)) as archive:
            members = [one for one in archive.infolist() if not one.is_dir()]
            if not 0 < len(members) <= _MOST_PICTURES:
                raise UsageError(
                    f"the zip has {len(members)} files: send 1 to {_MOST_PICTURES} at a time"
                )
            if sum(one.file_size for one in members) > 10 * max(len(body), 1 << 20):
                raise TooLargeError("the zip unpacks to over ten times its size: send less")
            contents = [(one.filename, archive.read(one)) for one in members]
    except _NO_ARCHIVE as error:
        raise UsageError(f"the zip cannot be read: {error}") from None
    return [(_named(name, data), data) for name, data in contents]


def sent_pictures(
    pictures: Sequence[tuple[str, bytes]], encoder: Encoder, series: str | None
) -> tuple[Arrivals | None, list[Failure]]:
    """Embed pictures; a bad one is listed and stops no other.

    Returns:
        those that could be embedded, None if there are none, and those that could not.
    """
    names, vectors, figures, failed = [], [], [], []
    for name, data in pictures:
        try:
            vector, row = embedded(data, name, encoder)
        except PictureError as error:
            failed.append(Failure(name, error.reason))
            continue
        names.append(name)
        vectors.append(vector)
        figures.append(row)
    if not names:
        return None, failed
    table = {name: np.array(figures)[:, column].tolist() for column, name in enumerate(FIGURES)}
    rows = np.stack(vectors)
    return arrivals_of(names, rows, table, series=_series(series), time=time.time()), failed


def _object(body: bytes) -> dict[str, Any]:
    try:
        given = json.loads(body)
    except (ValueError, RecursionError):
        raise UsageError('the request is no JSON: send {"vectors": [[...], ...]}') from None
    if not isinstance(given, dict) or "vectors" not in given:
        raise UsageError('the request has no vectors: send {"vectors": [[...], ...]}')
    for name in given:
        if name not in _FIELDS:
            raise UsageError(f"there is no field {name!r}; there are {', '.join(_FIELDS)}")
    return given


def _rows(given: Any) -> NDArray[np.float32]:
    try:
        rows = np.array(given)
    except (ValueError, OverflowError):
        rows = np.array(None)
    return _numbers(rows)


def _array(body: bytes) -> NDArray[np.float32]:
    try:
        rows = read_array(body)
    except ValueError as error:
        raise UsageError(f"the request is no array of NumPy: {error}") from None
    return _numbers(rows)


def _numbers(rows: Any) -> NDArray[np.float32]:
    # texts that look like numbers are no numbers
    if not isinstance(rows, np.ndarray) or rows.dtype.kind not in "iuf":
        raise UsageError("vectors are lists of equally many numbers")
    with np.errstate(over="ignore"):
        return rows.astype(np.float32)


def _names(given: Any) -> list[str]:
    if not isinstance(given, list) or not all(isinstance(one, str) for one in given):
        raise UsageError("ids are a list of texts, one for each vector")
    if any(not 0 < len(one) <= _LONGEST_NAME or not is_storable(one) for one in given):
        raise UsageError(f"an id has 1 to {_LONGEST_NAME} characters of Unicode")
    return given


def _series(given: Any) -> str | None:
    if given is None:
        return None
    if not isinstance(given, str) or len(given) > _LONGEST_NAME or not is_storable(given):
        raise UsageError(f"the series is a text of at most {_LONGEST_NAME} characters of Unicode")
    return given


def _figures(given: Any) -> dict[str, list[float | None]]:
    if given is None:
        return {}
    fits = isinstance(given, dict) and all(
        isinstance(values, list)
        and all(
            one is None or (isinstance(one, int | float) and abs(one) < _LARGEST) for one in values
        )
        for values in given.values()
    )
    if not fits:
        raise UsageError(
            f"figures are lists of numbers below {_LARGEST:g} by name, such as brightness"
        )
    return {name: list(values) for name, values in given.items()}


def _named(name: str, data: bytes) -> str:
    digest = content_hash(data)
    if not name or not is_storable(name):
        return digest
    return f"{name[-_LONGEST_NAME:]}#{digest[:_HASH_DIGITS]}"
