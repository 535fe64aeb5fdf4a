"""From a request to a function's arguments, and from what it returns or raises to a response."""

from __future__ import annotations

import json
import logging
import math
from functools import wraps
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from starlette.concurrency import run_in_threadpool
from starlette.responses import JSONResponse, Response

from tamis.errors import ConflictError, MissingPictureError, TamisError, UsageError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from starlette.requests import Request

__all__ = ["Json", "Work", "endpoint", "path_number", "query_decimal", "query_number"]

Work: TypeAlias = "Callable[[Request, Any], Any]"
"""What a route does with a request and its body."""

_MOST_BYTES: Final = 64 << 20
_MOST_DIGITS: Final = 18
_LOG: Final = logging.getLogger(__name__)


class Json(JSONResponse):
    """JSON, which also says names of files that are no UTF-8."""

    def render(self, content: Any) -> bytes:
        """Return the document; escaped where UTF-8 cannot hold it."""
        try:
            return super().render(content)
        except UnicodeEncodeError:
            return json.dumps(content, allow_nan=False).encode()


def endpoint(work: Work) -> Callable[[Request], Awaitable[Response]]:
    """Return a function as a route takes it: it runs in a thread, and its errors become answers."""

    @wraps(work)
    async def answer(request: Request) -> Response:
        try:
            body = await _body(request)
            found = await run_in_threadpool(work, request, body)
            return found if isinstance(found, Response) else Json(found)
        except TamisError as error:
            return Json({"error": str(error)}, status_code=_status(error))
        except Exception as error:  # noqa: BLE001 - whatever it is, a request was answered
            # who asked gets a sentence, the terminal that started the server what we need to mend
            _LOG.exception("%s %s", request.method, request.url.path)
            said = f"a defect of tamis: {type(error).__name__}: {error}"
            return Json({"error": said}, status_code=500)

    return answer


async def _body(request: Request) -> Any:
    if request.method not in {"POST", "PUT"}:
        return None
    parts: list[bytes] = []
    size = 0
    async for part in request.stream():
        size += len(part)
        if size > _MOST_BYTES:
            raise UsageError(f"a request has at most {_MOST_BYTES >> 20} MB")
        parts.append(part)
    data = b"".join(parts)
    if request.headers.get("content-type", "").startswith("application/octet-stream"):
        return data
    try:
        found = json.loads(data, parse_int=_whole) if data else None
        if rb"\ud" in data.lower():
            # half of a pair of surrogates can be escaped, and stands for no letter
            json.dumps(found, ensure_ascii=False).encode()
    except (ValueError, RecursionError) as error:
        raise UsageError(f"the request is no JSON: {error}") from None
    return found


def _whole(digits: str) -> int:
    if len(digits) > _MOST_DIGITS:
        raise ValueError(f"{digits[:_MOST_DIGITS]}… has more than {_MOST_DIGITS} digits")
    return int(digits)


def _status(error: TamisError) -> int:
    if isinstance(error, MissingPictureError):
        return 404
    return 409 if isinstance(error, ConflictError) else 400


def path_number(request: Request, name: str) -> int:
    """Return a whole number from the path.

    Raises:
        UsageError: it is none.
    """
    text: str = request.path_params[name]
    if not text.isdecimal() or len(text) > _MOST_DIGITS:
        raise UsageError(f"there is no {name} {text[:40]!r}")
    return int(text)


def query_decimal(request: Request, name: str) -> float | None:
    """Return a finite number from the query, None where it is not given.

    Raises:
        UsageError: it is none.
    """
    text = request.query_params.get(name)
    if text is None:
        return None
    try:
        found = float(text)
    except ValueError:
        found = math.nan
    if not math.isfinite(found):
        raise UsageError(f"{name} is {text[:40]!r}; give a number")
    return found


def query_number(request: Request, name: str, default: int) -> int:
    """Return a whole number from the query.

    Raises:
        UsageError: it is none.
    """
    text = request.query_params.get(name, str(default))
    if not text.isdecimal() or len(text) > _MOST_DIGITS:
        raise UsageError(f"{name} is {text[:40]!r}; give a whole number")
    return int(text)
